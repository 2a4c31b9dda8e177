/** What the publisher remembers of one group between ticks. */
import type { Clock } from '../common/time.js';
import type { Hex } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import type { Evaluation } from './evaluate.js';

/** A group's last confirmed transaction, for the status. */
export interface LandedTransaction {
  readonly hash: Hex;
  readonly gasUsed: bigint;
  readonly blockNumber: bigint;
  readonly round: number;
}

export interface GroupState {
  config: GroupConfig;
  /** The last tick that was evaluated; each is evaluated once. */
  lastTick: number;
  /** `Clock.monotonic()` from which the next tick is evaluated. */
  nextTickAtMs: number;
  /** The newest evaluation. */
  evaluation: Evaluation | undefined;
  /** Whether a round is wanted and not yet made. */
  wanted: boolean;
  /** Failed attempts since the last round, and what the last one failed of. */
  failures: number;
  lastFailure: string | undefined;
  /** `Clock.monotonic()` before which nothing is sent for it. */
  holdUntilMs: number;
  lastTransaction: LandedTransaction | undefined;
}

const FIRST_HOLD_MS = 1_000;
const LONGEST_HOLD_MS = 30_000;
const LONGEST_FREE_HOLD_MS = 2_000;
/** Timers fire a little early; a tick that is this near has come. */
const EARLY_MS = 20;

export const createGroupState = (config: GroupConfig): GroupState => ({
  config,
  lastTick: 0,
  nextTickAtMs: 0,
  evaluation: undefined,
  wanted: false,
  failures: 0,
  lastFailure: undefined,
  holdUntilMs: 0,
  lastTransaction: undefined,
});

/** Whether a group's next tick has come; moves its due-time on. The monotonic clock decides, the wall clock names the tick. */
export function takeTick(state: GroupState, clock: Clock): number | undefined {
  const monotonic = clock.monotonic();
  if (monotonic + EARLY_MS < state.nextTickAtMs) return undefined;
  const lengthMs = state.config.tickSeconds * 1_000;
  const now = clock.now() + EARLY_MS;
  state.nextTickAtMs = monotonic + EARLY_MS + (lengthMs - (now % lengthMs));
  const tick = Math.floor(now / lengthMs) * state.config.tickSeconds;
  state.lastTick = tick;
  return tick;
}

/**
 * Puts a group off after a failure: one second, doubled each time. What cost gas may wait half a minute; what cost
 * nothing is tried again soon, for the endpoint that was away may be back just as a heartbeat is due.
 */
export function putOff(state: GroupState, clock: Clock, cost: 'gas' | 'nothing'): void {
  const longestMs = cost === 'gas' ? LONGEST_HOLD_MS : LONGEST_FREE_HOLD_MS;
  state.holdUntilMs = clock.monotonic() + Math.min(longestMs, FIRST_HOLD_MS * 2 ** state.failures);
  state.failures = Math.min(state.failures + 1, 16);
}

/** Remembers what a group failed of. @returns whether it is news */
export function failedOf(state: GroupState, cause: string): boolean {
  const news = state.lastFailure !== cause;
  state.lastFailure = cause;
  return news;
}

/** Forgets failures after a round. */
export function settle(state: GroupState): void {
  state.failures = 0;
  state.lastFailure = undefined;
  state.holdUntilMs = 0;
}
