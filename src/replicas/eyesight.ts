/** Which chains this replica sees, with a little patience: one that flickers is still seen. */
import { elapsedMs, type LeaseTimes, type Moment } from './lease.js';
import type { ChainView } from './types.js';

export interface Eyesight {
  /** Asks the chain view once. @returns the chains that count as seen */
  look(chains: ReadonlySet<string>, at: Moment): ReadonlySet<string>;
}

export function createEyesight(chainView: ChainView, { renewMs }: LeaseTimes): Eyesight {
  const lastSeen = new Map<string, Moment>();
  return {
    look: (chains, at) => {
      for (const chain of [...lastSeen.keys()]) if (!chains.has(chain)) lastSeen.delete(chain);
      const seen = new Set<string>();
      for (const chain of chains) {
        if (chainView.healthy(chain)) lastSeen.set(chain, at);
        const last = lastSeen.get(chain);
        if (last && elapsedMs(last, at) < renewMs) seen.add(chain);
      }
      return seen;
    },
  };
}
