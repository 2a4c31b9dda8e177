/** The chains' part of `check-config --live`: endpoints, contract, groups and signers, as the daemon checks them at start. */
import { createChain } from '../chain/chain.js';
import { loadKeys } from '../chain/keys/load.js';
import { systemClock } from '../common/time.js';
import type { Environment, PublisherConfig } from '../config/types.js';
import { checkGroups } from '../publisher/start-checks.js';
import { openState } from '../state/open.js';
import type { Logger } from '../telemetry/logger.js';
import { createMetrics } from '../telemetry/metrics.js';
import { EXIT_FAILED, print } from './output.js';

const DEADLINE_MS = 30_000;

/** Prints one line per chain and one per problem; sets exit code 1 when there is one. Sends nothing. */
export async function checkChains(
  config: PublisherConfig,
  environment: Environment,
  log: Logger,
): Promise<void> {
  const metrics = createMetrics();
  const keys = await loadKeys(environment.keys);
  const state = await openState({ url: 'memory:', log, clock: systemClock, metrics });
  const signal = AbortSignal.timeout(DEADLINE_MS);
  for (const chainConfig of config.chains) {
    const chain = createChain({
      config: chainConfig,
      keys: [],
      state,
      clock: systemClock,
      log,
      metrics,
      random: Math.random,
    });
    print('');
    const finding = await chain.start(signal);
    const problems = finding.ok ? [] : [...finding.problems];
    if (finding.ok) {
      for (const line of finding.lines) print(line);
      const aggregator = chainConfig.aggregator;
      if (aggregator === undefined) problems.push(`${chainConfig.name}: no AGGREGATOR_ADDRESS; deploy first`);
      else
        problems.push(
          ...(await checkGroups(
            { chain, config: chainConfig, aggregator },
            config.groups.filter((group) => group.chain === chainConfig.name),
            keys.length > 0 ? keys.map(({ address }) => address) : undefined,
            log,
            signal,
          )),
        );
    }
    for (const problem of problems) print(`problem: ${problem}`);
    if (problems.length > 0) process.exitCode = EXIT_FAILED;
  }
  await state.close();
}
