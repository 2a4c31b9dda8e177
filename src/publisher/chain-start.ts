/** Starts the chains, each for itself: one that does not answer keeps no other from being published. */

import { sleep } from '../common/time.js';
import type { Address } from '../common/words.js';
import { ConfigError } from '../config/problem.js';
import type { GroupConfig } from '../config/types.js';
import type { Logger } from '../telemetry/logger.js';
import type { ChainRuntime } from './chain-runtime.js';
import { checkGroups } from './start-checks.js';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

export interface ChainStarts {
  /** Whether the chain was reached, and is what the configuration says. */
  readonly ready: (chain: string) => boolean;
  /**
   * Tries every chain once.
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
  readonly log: Logger;
}): ChainStarts {
  const { chains, groups, keys, log } = deps;
  const ready = new Set<string>();

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
    for (const line of finding.lines) log.info({ event: 'chain_started', chain: name }, line);
    const own = groups.filter(({ chain }) => chain === name);
    const problems = await checkGroups(runtime, own, keys, log, signal);
    if (problems.length > 0) refuse(problems);
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
      await Promise.all(chains.map((runtime) => attemptAndTell(runtime, FIRST_RETRY_MS, signal)));
    },
    async run(signal) {
      await Promise.all(chains.map((runtime) => keep(runtime, signal)));
    },
  };
}
