/** Holds a report back when this host's clock is further ahead of the chain than the contract takes. */
import { type Clock, sleep } from '../common/time.js';

/** Blocks reach us this late, and are dated in whole seconds: the measured gap holds as much without any error. */
const TOLERANCE_SECONDS = 3;
/** A process that has seen no block arrive yet waits this long for one, once: a quiet chain may have none for hours. */
const FIRST_BLOCK_MS = 3_000;
const LOOK_MS = 100;

export interface ClockGuardDeps {
  readonly aheadSeconds: () => number | undefined;
  /** How far ahead of its block the contract takes a report; `undefined` when it could not be asked. */
  readonly maxAheadSeconds: (signal: AbortSignal) => Promise<number | undefined>;
  readonly clock: Clock;
}

/** @returns why a report that the newest block does not take yet must not be sent, or `undefined` */
export type ClockGuard = (signal: AbortSignal) => Promise<string | undefined>;

export function createClockGuard({ aheadSeconds, maxAheadSeconds, clock }: ClockGuardDeps): ClockGuard {
  let waited = false;
  return async (signal) => {
    const allowed = await maxAheadSeconds(signal);
    if (allowed === undefined) return undefined;
    const untilMs = clock.monotonic() + (waited ? 0 : FIRST_BLOCK_MS);
    waited = true;
    while (aheadSeconds() === undefined && clock.monotonic() < untilMs && !signal.aborted)
      await sleep(LOOK_MS, signal);
    const ahead = aheadSeconds();
    if (ahead === undefined || ahead <= allowed + TOLERANCE_SECONDS) return undefined;
    return (
      `this host's clock is ${ahead.toFixed(1)} s ahead of the chain's blocks, the contract takes reports up to ` +
      `${allowed} s ahead: synchronise the clock (NTP); if it is right, the endpoints are behind the chain`
    );
  };
}
