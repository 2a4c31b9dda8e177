/** How well an endpoint does, as a value that events change: quarantine with growing pauses. Pure. */
import type { Random } from '../../common/random.js';
import type { RpcErrorType } from '../../telemetry/metrics.js';
import type { BlockHeader } from './shapes.js';

const FAILURES_IN_A_ROW = 3;
/** Weight of the newest call in the moving averages of error rate and latency. */
const WEIGHT = 0.1;
const ERROR_RATE_LIMIT = 0.5;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 300_000;
/** Doublings of the pause after which the cap is reached anyway. */
const MAX_STRIKES = 10;
/** Healthy for this many times its last pause: the next quarantine begins short again. */
const FORGIVEN_AFTER_PAUSES = 10;

export interface Health {
  /** Moving average of failed calls, 0 to 1. */
  readonly errorRate: number;
  readonly latencyMs: number;
  readonly failuresInRow: number;
  /** Quarantines so far, forgiven with time. */
  readonly strikes: number;
  readonly lastPauseMs: number;
  /** Set while quarantined: why, and until when (monotonic milliseconds) it is not even probed. */
  readonly quarantine?: { readonly reason: RpcErrorType; readonly untilMs: number };
  /** When the last quarantine ended, monotonic milliseconds. */
  readonly healthySinceMs: number;
  /** When the chain id was last found right, monotonic milliseconds; absent: never. */
  readonly chainCheckedAtMs?: number;
  readonly head?: BlockHeader;
}

/** An endpoint that was never called: usable only once it was probed. */
export const newHealth = (): Health => ({
  errorRate: 0,
  latencyMs: 0,
  failuresInRow: 0,
  strikes: 0,
  lastPauseMs: 0,
  healthySinceMs: 0,
});

/** The endpoint answered, be it with an error of its node. */
export function afterSuccess(health: Health, latencyMs: number, nowMs: number): Health {
  const forgiven =
    health.strikes > 0 &&
    !health.quarantine &&
    nowMs - health.healthySinceMs > health.lastPauseMs * FORGIVEN_AFTER_PAUSES;
  return {
    ...health,
    failuresInRow: 0,
    errorRate: health.errorRate * (1 - WEIGHT),
    latencyMs: health.latencyMs === 0 ? latencyMs : health.latencyMs * (1 - WEIGHT) + latencyMs * WEIGHT,
    strikes: forgiven ? 0 : health.strikes,
  };
}

/**
 * The endpoint failed. Three failures in a row, or an error rate above one half, bring quarantine; a rate limit and a
 * refusal do so at once.
 */
export function afterFailure(
  health: Health,
  failure: { readonly type: RpcErrorType; readonly retryAfterMs?: number; readonly permanent?: boolean },
  nowMs: number,
  random: Random,
): Health {
  const next: Health = {
    ...health,
    failuresInRow: health.failuresInRow + 1,
    errorRate: health.errorRate * (1 - WEIGHT) + WEIGHT,
  };
  const atOnce =
    failure.type === 'rate_limited' || failure.permanent === true || health.quarantine !== undefined;
  if (!atOnce && next.failuresInRow < FAILURES_IN_A_ROW && next.errorRate <= ERROR_RATE_LIMIT) return next;
  if (failure.retryAfterMs !== undefined) {
    // It told when to come back: no sooner, and no strike for being told.
    const pauseMs = failure.retryAfterMs * (1 + 0.1 * random());
    return leftAlone(next, failure.type, nowMs, pauseMs);
  }
  return quarantined(next, failure.type, nowMs, random, failure.permanent ? MAX_PAUSE_MS : 0);
}

/** Puts an endpoint into quarantine; each time for twice as long, up to five minutes, with a little jitter. */
export function quarantined(
  health: Health,
  reason: RpcErrorType,
  nowMs: number,
  random: Random,
  atLeastMs = 0,
): Health {
  // A call that was under way when the quarantine began does not lengthen it.
  if (health.quarantine && nowMs < health.quarantine.untilMs && atLeastMs === 0) return health;
  const grown = Math.min(FIRST_PAUSE_MS * 2 ** health.strikes, MAX_PAUSE_MS);
  const pauseMs = Math.max(atLeastMs, grown * (0.8 + 0.4 * random()));
  return { ...leftAlone(health, reason, nowMs, pauseMs), strikes: Math.min(health.strikes + 1, MAX_STRIKES) };
}

function leftAlone(health: Health, reason: RpcErrorType, nowMs: number, pauseMs: number): Health {
  const { head: _forgotten, chainCheckedAtMs: _unchecked, ...rest } = health;
  return { ...rest, lastPauseMs: pauseMs, quarantine: { reason, untilMs: nowMs + pauseMs } };
}

/** The endpoint passed a probe: back among the healthy. */
export function released(health: Health, nowMs: number): Health {
  const { quarantine: _ended, ...rest } = health;
  return { ...rest, failuresInRow: 0, errorRate: 0, healthySinceMs: nowMs };
}

/** Whether reads and transactions go there. */
export const isHealthy = (health: Health): boolean => !health.quarantine && health.head !== undefined;

/** Whether an endpoint may be asked at all now: its pause is over. */
export const mayProbe = (health: Health, nowMs: number): boolean =>
  !health.quarantine || nowMs >= health.quarantine.untilMs;

/** Orders endpoints, best first: few errors, then few blocks behind, then short latency. */
export function compareHealth(a: Health, b: Health): number {
  const errors = Math.round(a.errorRate * 10) - Math.round(b.errorRate * 10);
  if (errors !== 0) return errors;
  const behind = Number((b.head?.number ?? 0n) - (a.head?.number ?? 0n));
  return Math.abs(behind) > 1 ? behind : a.latencyMs - b.latencyMs;
}
