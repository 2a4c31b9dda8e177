/** Which signer set a group has: the configured one, or after a rotation the one that the contract's events show. */
import type { Clock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import { hashSigners, sortSigners } from '../reports/signing.js';
import type { Logger } from '../telemetry/logger.js';
import type { ChainRuntime } from './chain-runtime.js';

export interface SignerSets {
  /**
   * The set whose hash the contract keeps, sorted.
   * @returns `undefined` when neither the configuration nor the chain's events show it
   * @throws Error when the events could not be asked for; the next call asks again
   */
  find(
    runtime: ChainRuntime,
    group: GroupConfig,
    hash: Address,
    signal: AbortSignal,
  ): Promise<readonly Address[] | undefined>;
}

/** A set that was not found is searched for again after this. */
const SEARCH_AGAIN_MS = 60_000;

/** @param poolAddresses the signers of groups that name none */
export function createSignerSets(deps: {
  readonly poolAddresses: readonly Address[];
  readonly clock: Clock;
  readonly log: Logger;
}): SignerSets {
  /** One entry per group: the newest set that was found, or when the search was in vain. */
  const found = new Map<string, { hash: string; signers: readonly Address[] | undefined; atMs: number }>();

  return {
    async find(runtime, group, hash, signal) {
      const wanted = hash.toLowerCase();
      const configured = sortSigners(group.signers.length > 0 ? group.signers : deps.poolAddresses);
      if (hashSigners(configured) === wanted) return configured;
      const known = found.get(group.name);
      const now = deps.clock.monotonic();
      if (known?.hash === wanted && (known.signers || now - known.atMs < SEARCH_AGAIN_MS))
        return known.signers;
      const shown = await runtime.chain.findSigners(group.id, hash, signal);
      const signers = shown && hashSigners(sortSigners(shown)) === wanted ? sortSigners(shown) : undefined;
      found.set(group.name, { hash: wanted, signers, atMs: now });
      if (signers)
        deps.log.warn(
          { event: 'signers_rotated', group: group.name, signers },
          'the contract has another signer set than the configuration; it was found in the events and is used',
        );
      return signers;
    },
  };
}
