/** Starts the chains, each for itself: one that does not answer keeps no other from being published. */

import { type Clock, sleep, withDeadline } from '../common/time.js';
import type { Address } from '../common/words.js';
import { ConfigError } from '../config/problem.js';
import type { GroupConfig } from '../config/types.js';
import type { RoundStore } from '../rounds/round-store.js';
import type { Logger } from '../telemetry/logger.js';
import type { ChainRuntime } from './chain-runtime.js';
import { checkGroups } from './start-checks.js';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** The first attempts are waited for so long: a chain that answers slowly must not delay the others. */
const PATIENCE_MS = 10_000;

export interface ChainStarts {
  /** Whether the chain was reached, and is what the configuration says. */
  readonly ready: (chain: string) => boolean;
  /**
   * Tries every chain once; does not wait for the slow ones.
   * @throws ConfigError when a chain that answers is not what the configuration says
   */
  first(signal: AbortSignal): Promise<void>;
  /** Keeps every chain in use; those that were not reached are tried again, with growing pauses, until they are. */
  run(signal: AbortSignal): Promise<void>;
}

/** @param keys addresses of this replica's pool; `undefined` for one that only looks on */
export function createChainStarts(deps: {
  readonly chains: readonly ChainRuntime[];
  readonly groups: readonly GroupConfig[];
  readonly keys: readonly Address[] | undefined;
  readonly rounds: RoundStore;
  readonly clock: Clock;
  readonly log: Logger;
}): ChainStarts {
  const { chains, groups, keys, rounds, clock, log } = deps;
  const ready = new Set<string>();
  const firsts = new Map<string, Promise<void>>();

  /** Takes the chain's rounds over the stored ones. @returns what both said, per group */
  async function reconcile(
    { chain, aggregator }: ChainRuntime,
    own: readonly GroupConfig[],
    signal: AbortSignal,
  ) {
    const found = await chain.readGroups(
      own.map(({ id }) => id),
      signal,
    );
    return Promise.all(
      found.map(async (onChain) => {
        const key = { chainId: chain.id(), aggregator, group: onChain.group };
        const stored = await rounds.known(key);
        await rounds.observe(key, onChain);
        const name = own.find(({ id }) => id === onChain.group)?.name;
        const age =
          onChain.round === 0
            ? ''
            : `, ${Math.max(0, Math.floor(clock.now() / 1_000) - onChain.signedAt)} s old`;
        const differs = stored && stored.round !== onChain.round ? `, stored was ${stored.round}` : '';
        return `group ${name} at round ${onChain.round}${age}${differs}`;
      }),
    );
  }

  /** @returns what is in the way and may pass, or nothing @throws ConfigError for what does not pass by itself */
  async function attempt(runtime: ChainRuntime, signal: AbortSignal): Promise<readonly string[]> {
    const { name } = runtime.config;
    const refuse = (problems: readonly string[]): never => {
      log.fatal(
        { event: 'start_refused', chain: name, problems },
        'the chain is not what the configuration says',
      );
      throw new ConfigError(problems.map((message) => ({ where: 'chain', path: name, message })));
    };
    const finding = await runtime.chain.start(signal);
    if (!finding.ok) return finding.temporary ? finding.problems : refuse(finding.problems);
    const own = groups.filter(({ chain }) => chain === name);
    const problems = await checkGroups(runtime, own, keys, log, signal);
    if (problems.length > 0) refuse(problems);
    const found = [...finding.lines, ...(await reconcile(runtime, own, signal))];
    log.info({ event: 'chain_started', chain: name }, found.join('; '));
    ready.add(name);
    return [];
  }

  /** @throws ConfigError */
  async function attemptAndTell(runtime: ChainRuntime, retryMs: number, signal: AbortSignal): Promise<void> {
    let problems: readonly string[];
    try {
      problems = await attempt(runtime, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ConfigError) throw error;
      problems = [String(error)];
    }
    if (problems.length > 0)
      log.warn(
        { event: 'chain_waiting', chain: runtime.config.name, problems, retryMs },
        'the chain cannot be used yet; its groups wait, the others do not',
      );
  }

  async function keep(runtime: ChainRuntime, signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_RETRY_MS;
    await firsts.get(runtime.config.name)?.catch(() => undefined);
    while (!ready.has(runtime.config.name) && !signal.aborted) {
      await sleep(pauseMs, signal);
      if (signal.aborted) return;
      pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS);
      // By now other chains are published: what is wrong with this one is said, and does not end the process.
      await attemptAndTell(runtime, pauseMs, signal).catch(() => undefined);
    }
    await runtime.chain.run(signal);
  }

  return {
    ready: (chain) => ready.has(chain),
    async first(signal) {
      await Promise.all(
        chains.map(async (runtime) => {
          const first = attemptAndTell(runtime, FIRST_RETRY_MS, signal);
          firsts.set(runtime.config.name, first);
          await withDeadline('start', PATIENCE_MS, () => first, signal).catch((error: unknown) => {
            if (error instanceof ConfigError) throw error;
          });
        }),
      );
    },
    async run(signal) {
      await Promise.all(chains.map((runtime) => keep(runtime, signal)));
    },
  };
}
