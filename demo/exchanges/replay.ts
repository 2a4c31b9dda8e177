/** The price path: where a recorded market stands at a moment, in integers and without any state. */
import { CANDLE_MS, type Candle, ONE } from './candles.js';

/** How the wall clock runs over the recording; the same for all exchanges of one demo. */
export interface Timeline {
  /** Wall clock, Unix milliseconds, at which the replay stands at `startMs`. */
  readonly epochMs: number;
  /** Recorded moment at which the replay starts, Unix milliseconds. */
  readonly startMs: number;
  /** Recorded milliseconds that pass in one millisecond of the wall clock; a whole number. */
  readonly speed: number;
}

/**
 * The stretch that is replayed. It begins after the recording's holes (Bitfinex has none of the four markets' trades for
 * up to 4.5 hours before), since a frozen price is not what an exchange shows, and ends with the recording.
 */
export const REPLAY_FROM_MS = Date.parse('2019-06-26T15:30:00Z');
export const REPLAY_TO_MS = Date.parse('2019-06-28T00:00:00Z') - 1;

/**
 * Recorded moment that belongs to a moment of the wall clock. At the ends of the stretch time turns around, so that a
 * demo of any length sees a price path without a jump.
 */
export function recordedTime(timeline: Timeline, wallMs: number): number {
  const length = REPLAY_TO_MS - REPLAY_FROM_MS;
  const elapsed = timeline.startMs - REPLAY_FROM_MS + (wallMs - timeline.epochMs) * timeline.speed;
  const offset = ((elapsed % (2 * length)) + 2 * length) % (2 * length);
  return REPLAY_FROM_MS + (offset <= length ? offset : 2 * length - offset);
}

/** Index of the last candle opened at or before `atMs`; 0 when there is none. */
export function candleIndex(candles: readonly Candle[], atMs: number): number {
  let from = 0;
  let to = candles.length - 1;
  while (from < to) {
    const middle = (from + to + 1) >> 1;
    if ((candles[middle]?.openedAtMs ?? 0) <= atMs) from = middle;
    else to = middle - 1;
  }
  return from;
}

/**
 * The price within one candle: from open through its extremes to the close in three legs of equal length, the low first
 * when the minute closed higher. Never outside the candle's range; integer division, cut towards the leg's start.
 * @param elapsedMs milliseconds since the candle opened; after its end the close holds (a minute without a trade)
 */
export function priceWithin(candle: Candle, elapsedMs: number): bigint {
  const rising = candle.close >= candle.open;
  const points = rising
    ? [candle.open, candle.low, candle.high, candle.close]
    : [candle.open, candle.high, candle.low, candle.close];
  const legMs = CANDLE_MS / 3;
  const leg = Math.floor(elapsedMs / legMs);
  const from = points[leg];
  const to = points[leg + 1];
  if (from === undefined || to === undefined) return candle.close;
  return from + ((to - from) * BigInt(Math.floor(elapsedMs - leg * legMs))) / BigInt(legMs);
}

/** A recorded market's price at a recorded moment, scaled by 10^8. */
export function priceAt(candles: readonly Candle[], recordedMs: number): bigint {
  const candle = candles[candleIndex(candles, recordedMs)];
  if (!candle) throw new Error('no candles to replay');
  return priceWithin(candle, Math.max(0, recordedMs - candle.openedAtMs));
}

/** Dollars for one USDT on average, scaled by 10^8: a stablecoin is close to the dollar, and not the dollar. */
export const USDT_RATE = (ONE * 10_002n) / 10_000n;
/** How far the rate swings to either side. */
export const USDT_SWING = (ONE * 3n) / 10_000n;
const USDT_PERIOD_MS = 40 * CANDLE_MS;

/** Dollars for one USDT at a recorded moment, scaled by 10^8: a triangle wave around {@link USDT_RATE}. */
export function usdtRateAt(recordedMs: number): bigint {
  const phase = recordedMs % USDT_PERIOD_MS;
  const half = USDT_PERIOD_MS / 2;
  const climbed = BigInt(Math.floor(phase <= half ? phase : USDT_PERIOD_MS - phase));
  return USDT_RATE - USDT_SWING + (2n * USDT_SWING * climbed) / BigInt(half);
}
