/** What commands that change the contract share: configuration, the deploying key, a started deployer. */
import { createDeployer, type Deployer } from '../chain/deployer.js';
import { loadKeys } from '../chain/keys/load.js';
import type { Key } from '../common/key.js';
import { systemClock } from '../common/time.js';
import { loadEnvironment } from '../config/environment.js';
import { loadConfig } from '../config/load.js';
import { ConfigError } from '../config/problem.js';
import type { ChainConfig, PublisherConfig } from '../config/types.js';
import { openState } from '../state/open.js';
import { createLogger, createMask } from '../telemetry/logger.js';
import { createMetrics } from '../telemetry/metrics.js';

export interface OnChain {
  readonly config: PublisherConfig;
  readonly chain: ChainConfig;
  readonly keys: readonly Key[];
  /** The first key of the pool: it pays, and must have the role that the command needs. */
  readonly key: Key;
  readonly deployer: Deployer;
  close(): Promise<void>;
}

/**
 * Opens the chain that a command works on.
 * @throws ConfigError when the configuration, the key or the chain's name does not fit
 * @throws Error when no endpoint answers or the chain is another one
 */
export async function openOnChain(chainName: string | undefined, signal: AbortSignal): Promise<OnChain> {
  const { environment, defaults, secrets } = loadEnvironment(process.env);
  const { config, secrets: own } = loadConfig(environment.configDir, defaults, process.env);
  const chain = chooseChain(config.chains, chainName);
  const keys = await loadKeys(environment.keys);
  const [key] = keys;
  if (!key)
    throw new ConfigError([
      {
        where: 'environment',
        path: 'PRIVATE_KEY',
        message: 'is missing; the first key pays and must have the role',
      },
    ]);
  const log = createLogger({ level: 'warn', mask: createMask([...secrets, ...own]) });
  const metrics = createMetrics();
  const state = await openState({ url: environment.stateUrl, log, clock: systemClock, metrics });
  const deployer = createDeployer({
    config: chain,
    key,
    state,
    clock: systemClock,
    log,
    metrics,
    random: Math.random,
  });
  const finding = await deployer.start(signal);
  if (!finding.ok) {
    await state.close();
    throw new Error(finding.problems.join('\n'));
  }
  return { config, chain, keys, key, deployer, close: () => state.close() };
}

function chooseChain(chains: readonly ChainConfig[], name: string | undefined): ChainConfig {
  const chain =
    name === undefined && chains.length === 1 ? chains[0] : chains.find((found) => found.name === name);
  if (chain) return chain;
  throw new ConfigError([
    {
      where: 'command line',
      path: '--chain',
      message: `must be one of: ${chains.map((found) => found.name).join(', ')}`,
    },
  ]);
}
