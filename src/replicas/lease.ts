/** The rules of one lease, as pure functions: how long it is good for, by which clock, and what it is without Redis. */
import type { Clock } from '../common/time.js';

/** A moment on both clocks. A stopped process misses neither; a suspended machine may stop the monotonic one. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export const momentOf = (clock: Clock): Moment => ({ wallMs: clock.now(), monotonicMs: clock.monotonic() });

/** Time between two moments: the longer of what the clocks say, so that a doubt ends a lease rather than extends it. */
export const elapsedMs = (from: Moment, to: Moment): number =>
  Math.max(to.monotonicMs - from.monotonicMs, to.wallMs - from.wallMs);

export interface LeaseTimes {
  /** The longest time from a sudden death to the claim by another. */
  readonly leaseMs: number;
  /** How often the store is read. */
  readonly pollMs: number;
  /** Time to live in the store: the lease time less two looks, so that failover stays within the lease time. */
  readonly ttlMs: number;
  /** A holder trusts a confirmed lease for this long, counted from before the write: clocks may drift by a tenth. */
  readonly trustMs: number;
  readonly renewMs: number;
  /** A loop that did nothing for this long was stopped: what failed in that time says nothing about the store. */
  readonly pauseMs: number;
}

/** All times of a lease from the one that is configured. */
export function leaseTimes(leaseMs: number): LeaseTimes {
  const pollMs = Math.min(500, Math.max(20, leaseMs / 20));
  const ttlMs = leaseMs - 2 * pollMs;
  return {
    leaseMs,
    pollMs,
    ttlMs,
    trustMs: ttlMs * 0.9,
    renewMs: ttlMs / 3,
    pauseMs: Math.min(1_500, ttlMs / 2),
  };
}

export interface Lease {
  /** What was written, or found, in the store. */
  readonly value: string;
  /** When the last write that the store accepted was sent; absent on a lease that was only found or assumed. */
  readonly confirmed?: Moment;
  /** Held without the store since. */
  readonly withoutStore?: Moment;
}

/** Whether the store confirmed the lease recently enough that nobody else can hold it. */
export const isConfirmed = ({ confirmed }: Lease, now: Moment, { trustMs }: LeaseTimes): boolean =>
  confirmed !== undefined && elapsedMs(confirmed, now) < trustMs;

/**
 * Whether the holder may act on the lease.
 * @param lastLook when the coordinator last looked: one that has just been woken up must look first
 */
export const isHeld = (lease: Lease, now: Moment, lastLook: Moment, times: LeaseTimes): boolean =>
  isConfirmed(lease, now, times) ||
  (lease.withoutStore !== undefined && elapsedMs(lastLook, now) < times.pauseMs);

export const isRenewalDue = ({ confirmed }: Lease, now: Moment, { renewMs }: LeaseTimes): boolean =>
  confirmed === undefined || elapsedMs(confirmed, now) >= renewMs;
