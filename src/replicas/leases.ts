/** The leases that this replica holds, and their claims, renewals and releases in the store. */
import type { Clock } from '../common/time.js';
import type { StateStore } from '../state/store.js';
import type { Metrics } from '../telemetry/metrics.js';
import { isHeld, isRenewalDue, type Lease, type LeaseTimes, type Moment, momentOf } from './lease.js';

export interface Leases {
  readonly names: () => readonly string[];
  readonly get: (name: string) => Lease | undefined;
  readonly held: (name: string, lastLook: Moment) => boolean;
  readonly renewalDue: (name: string) => boolean;
  /** Claims a lease that nobody has. Throws StateError. @returns whether it is held now */
  claim(name: string, value: string): Promise<boolean>;
  /** Renews by compare-and-set, with a new value if need be. Throws StateError. @returns false: refused, and dropped */
  renew(name: string, value: string): Promise<boolean>;
  /** Stops holding first, then deletes what the store still has of it. Throws StateError. */
  release(name: string): Promise<void>;
  /** Takes note of a value that the store shows as this replica's own. */
  found(name: string, value: string): void;
  /** Stops holding, without a word to the store. */
  drop(name: string): void;
  /** The store is away: a lease that it confirmed once stays held; one that it never did is dropped. */
  carry(name: string): void;
  /** Holds a lease without the store's consent. */
  assume(name: string, value: string): void;
}

export function createLeases(deps: {
  readonly state: StateStore;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly times: LeaseTimes;
}): Leases {
  const { state, clock, metrics, times } = deps;
  const { ttlMs } = times;
  const leases = new Map<string, Lease>();

  /** The lease counts from before the write: the store's own count starts later. */
  const write = async (name: string, value: string, send: () => Promise<boolean>): Promise<boolean> => {
    const confirmed = momentOf(clock);
    const accepted = await send();
    metrics.leaseSeconds.observe((clock.monotonic() - confirmed.monotonicMs) / 1_000);
    if (accepted) leases.set(name, { value, confirmed });
    else leases.delete(name);
    return accepted;
  };

  return {
    names: () => [...leases.keys()],
    get: (name) => leases.get(name),
    held: (name, lastLook) => {
      const lease = leases.get(name);
      return lease !== undefined && isHeld(lease, momentOf(clock), lastLook, times);
    },
    renewalDue: (name) => {
      const lease = leases.get(name);
      return lease !== undefined && isRenewalDue(lease, momentOf(clock), times);
    },
    claim: (name, value) => write(name, value, () => state.set(name, value, { ttlMs, onlyIfAbsent: true })),
    renew: (name, value) =>
      write(name, value, () => state.compareAndSet(name, leases.get(name)?.value ?? value, value, { ttlMs })),
    release: async (name) => {
      const lease = leases.get(name);
      leases.delete(name);
      if (lease) await state.compareAndDelete(name, lease.value);
    },
    found: (name, value) => {
      leases.set(name, { ...leases.get(name), value });
    },
    drop: (name) => void leases.delete(name),
    carry: (name) => {
      const lease = leases.get(name);
      if (lease?.withoutStore) return;
      if (lease?.confirmed) leases.set(name, { ...lease, withoutStore: momentOf(clock) });
      else leases.delete(name);
    },
    assume: (name, value) => void leases.set(name, { value, withoutStore: momentOf(clock) }),
  };
}
