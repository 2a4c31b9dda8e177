/** Whether the store is away, told from this process having been away itself; and the calm after an outage. */
import { elapsedMs, type LeaseTimes, type Moment } from './lease.js';

// One lost look may be chance; two in a row, by a loop that was awake, are an outage.
const FAILURES_OF_AN_OUTAGE = 2;

export interface Outage {
  readonly since: Moment;
  readonly code: string;
}

export interface OutageWatch {
  readonly now: () => Outage | undefined;
  /** When the last look ended, answered or not. */
  readonly lastLook: () => Moment;
  /**
   * A look begins.
   * @returns `woken` when this process did nothing for so long that its leases may be gone
   */
  begin(at: Moment): 'woken' | 'awake';
  /** The look failed. @returns true when an outage begins with it */
  failed(at: Moment, code: string): boolean;
  /** The look was answered. @returns the outage that ended with it */
  succeeded(at: Moment): Outage | undefined;
  /**
   * Whether to leave alone what others may be about to claim again: just after an outage everyone comes back, each in
   * its own time, and who is first must not take all.
   */
  readonly calm: (at: Moment) => boolean;
}

export function createOutageWatch(start: Moment, times: LeaseTimes): OutageWatch {
  let outage: Outage | undefined;
  let failures = 0;
  let began = start;
  let ended = start;
  let slept = false;
  let calmUntil: Moment | undefined;

  return {
    now: () => outage,
    lastLook: () => ended,
    begin: (at) => {
      const gapMs = elapsedMs(ended, at);
      began = at;
      slept = gapMs > times.pauseMs;
      return gapMs >= times.ttlMs ? 'woken' : 'awake';
    },
    failed: (at, code) => {
      // A process that is stopped and woken finds its timers due before the replies that wait in its sockets.
      if (elapsedMs(began, at) > times.pauseMs) slept = true;
      ended = at;
      failures = slept ? 0 : failures + 1;
      calmUntil = at;
      if (outage) {
        outage = { ...outage, code };
        return false;
      }
      if (failures < FAILURES_OF_AN_OUTAGE) return false;
      outage = { since: at, code };
      return true;
    },
    succeeded: (at) => {
      const over = outage;
      if (calmUntil && elapsedMs(calmUntil, at) > times.ttlMs / 2) calmUntil = undefined;
      outage = undefined;
      failures = 0;
      ended = at;
      return over;
    },
    calm: (at) => calmUntil !== undefined && elapsedMs(calmUntil, at) <= times.ttlMs / 2,
  };
}
