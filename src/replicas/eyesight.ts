/** Which chains this replica sees, with patience: one that is gone for less than a lease time is still seen. */
import { elapsedMs, type LeaseTimes, type Moment } from './lease.js';
import type { ChainView } from './types.js';

export interface Eyesight {
  /** Asks the chain view once. @returns the chains that count as seen */
  look(chains: ReadonlySet<string>, at: Moment): ReadonlySet<string>;
  /** Since when no chain at all is seen. */
  readonly blindSince: () => Moment | undefined;
}

export function createEyesight(chainView: ChainView, { leaseMs }: LeaseTimes): Eyesight {
  const lastSeen = new Map<string, Moment>();
  let blindSince: Moment | undefined;
  return {
    look: (chains, at) => {
      for (const chain of [...lastSeen.keys()]) if (!chains.has(chain)) lastSeen.delete(chain);
      const seen = new Set<string>();
      for (const chain of chains) {
        if (chainView.healthy(chain)) lastSeen.set(chain, at);
        const last = lastSeen.get(chain);
        if (last && elapsedMs(last, at) < leaseMs) seen.add(chain);
      }
      blindSince = seen.size > 0 ? undefined : (blindSince ?? at);
      return seen;
    },
    blindSince: () => blindSince,
  };
}
