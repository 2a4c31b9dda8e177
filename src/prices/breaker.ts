/** A breaker: after repeated failures an endpoint is left alone for growing pauses, then tried once. */
import type { Random } from '../common/random.js';
import type { Clock } from '../common/time.js';

export type BreakerState = 'closed' | 'open' | 'half_open';

export interface Breaker {
  /** Whether a request may go out now. In the half-open state one may, until its end is told. */
  tryPass(): boolean;
  succeeded(): void;
  failed(): void;
  /** Opens at once, for at least so many milliseconds, and for the growing pause that failures lead to. */
  trip(pauseMs: number): void;
  /** A request that ended without saying anything about the endpoint: it was cancelled. */
  released(): void;
  state(): BreakerState;
}

export interface BreakerDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** Failures in a row before it opens: one lost answer is weather, five are a fault. */
export const FAILURES_TO_OPEN = 5;
/** First pause, and the one that doubling ends at, milliseconds. */
export const FIRST_PAUSE_MS = 5_000;
export const LONGEST_PAUSE_MS = 300_000;

/** Creates a closed breaker. Pauses are spread by up to a fifth, so that replicas do not come back as one. */
export function createBreaker({ clock, random }: BreakerDeps): Breaker {
  let failures = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let openUntil: number | undefined;
  let trying = false;

  const open = (atLeastMs: number) => {
    const isOpen = state() === 'open';
    const ms = isOpen ? atLeastMs : Math.max(atLeastMs, pauseMs);
    openUntil = Math.max(openUntil ?? 0, clock.monotonic() + ms * (1 + random() / 5));
    trying = false;
    // Answers that were under way together are one failure.
    if (!isOpen) pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  };
  function state(): BreakerState {
    if (openUntil === undefined) return 'closed';
    return clock.monotonic() < openUntil ? 'open' : 'half_open';
  }

  return {
    state,
    tryPass() {
      const now = state();
      if (now === 'closed') return true;
      if (now === 'open' || trying) return false;
      trying = true;
      return true;
    },
    succeeded() {
      // An answer that was under way when the breaker was tripped does not close it again.
      if (state() === 'open') return;
      failures = 0;
      pauseMs = FIRST_PAUSE_MS;
      openUntil = undefined;
      trying = false;
    },
    failed() {
      failures += 1;
      if (state() === 'open') return;
      if (state() === 'half_open' || failures >= FAILURES_TO_OPEN) open(0);
    },
    trip: open,
    released() {
      trying = false;
    },
  };
}
