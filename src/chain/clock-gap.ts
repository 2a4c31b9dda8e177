/** Measures how far this host's clock is ahead of the chain's, by blocks at the moment they arrive. */
import type { Clock } from '../common/time.js';

/** Of so many arrivals the middle one counts: neither one late block nor one slow look decides. */
const KEPT = 3;
/** A head this far below the highest one shows that the highest was no truth. */
const FALSE_HEIGHT = 50n;

export interface ClockGap {
  /** Told of the newest head after each look at the endpoints. @param askedAtMs monotonic, when the look began */
  observe(head: { readonly number: bigint; readonly timestamp: number }, askedAtMs: number): void;
  /** Seconds, at most the true gap and what a block takes to reach us; `undefined` before a block has arrived. */
  aheadSeconds(): number | undefined;
}

/**
 * A chain may be quiet for as long as it likes: only a block that was not there at the look before says something of the
 * clock, and it is compared with the time of that look.
 */
export function createClockGap(clock: Clock): ClockGap {
  let samples: readonly number[] = [];
  let highest: bigint | undefined;
  let lookedAtMs = 0;
  return {
    observe({ number, timestamp }, askedAtMs) {
      if (highest !== undefined && number > highest) {
        const then = clock.now() - (clock.monotonic() - lookedAtMs);
        samples = [...samples.slice(1 - KEPT), then / 1_000 - timestamp];
      }
      if (highest === undefined || number > highest || number + FALSE_HEIGHT < highest) highest = number;
      lookedAtMs = askedAtMs;
    },
    aheadSeconds() {
      const sorted = [...samples].sort((a, b) => a - b);
      return sorted[Math.floor((sorted.length - 1) / 2)];
    },
  };
}
