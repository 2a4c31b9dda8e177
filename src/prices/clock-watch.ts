/** Notices when the wall clock was set back: what was dated by it before is then dated too late by as much. */
import type { Clock } from '../common/time.js';

/** Corrections up to this are part of any clock's life, and nothing is made of them, milliseconds. */
export const CLOCK_TOLERANCE_MS = 1_000;
/** The machine stopped us between two readings of its clocks: that look says nothing, milliseconds. */
const LONGEST_LOOK_MS = 100;

/**
 * Creates a watch over a clock.
 * @returns a look: by how many milliseconds the wall clock was set back since the last one, whole; 0 when it was not
 */
export function createClockWatch(clock: Clock): () => number {
  /** By how much the wall clock was ahead of the monotonic one, at most: a slow drift adds up as well. */
  let lead = Number.NEGATIVE_INFINITY;

  return () => {
    const startedAt = clock.monotonic();
    const leadNow = clock.now() - startedAt;
    if (clock.monotonic() - startedAt > LONGEST_LOOK_MS) return 0;
    const backMs = Math.ceil(lead - leadNow);
    const isBack = backMs > CLOCK_TOLERANCE_MS;
    lead = isBack ? leadNow : Math.max(lead, leadNow);
    return isBack ? backMs : 0;
  };
}
