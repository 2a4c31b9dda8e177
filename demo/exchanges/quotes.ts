/** What one exchange shows: the recorded path with the venue's own bias, noise, spread, delay and rounding. */
import { CANDLE_MS, type Candle, ONE, type Recorded, type Tape } from './candles.js';
import {
  candleIndex,
  priceAt,
  recordedTime,
  type Timeline,
  USDT_RATE,
  USDT_SWING,
  usdtRateAt,
} from './replay.js';

/** One market of one venue, under the venue's own name for it. */
export interface Market {
  /** The venue's symbol, such as `XXBTZUSD`. */
  readonly symbol: string;
  /** Other names under which the venue knows the market. */
  readonly aliases?: readonly string[];
  readonly base: Recorded | 'USDT';
  readonly quote: 'USD' | 'USDT';
  /** Smallest price step, scaled by 10^8. */
  readonly step: bigint;
  /** Decimals in which the venue prints prices of this market. */
  readonly printed: number;
}

/** How a venue differs from the others; parts per million of the price. */
export interface Character {
  /** Age of what the venue shows, milliseconds of the wall clock. */
  readonly delayMs: number;
  readonly biasPpm: number;
  /** Largest noise to either side. */
  readonly noisePpm: number;
  readonly halfSpreadPpm: number;
}

/** A venue's view of a market at a moment; prices and volumes scaled by 10^8. */
export interface Quote {
  readonly market: Market;
  readonly last: bigint;
  readonly bid: bigint;
  readonly ask: bigint;
  readonly open: bigint;
  readonly high: bigint;
  readonly low: bigint;
  /** Volume of the last 24 recorded hours in the base currency. */
  readonly volume: bigint;
  /** Volume-weighted average price of the last 24 recorded hours. */
  readonly average: bigint;
  readonly trades: number;
  /** Real wall clock of what is shown, Unix milliseconds: now minus the venue's delay. */
  readonly atMs: number;
}

/** Shows a venue's markets; no state, so the same arguments give the same quote. */
export type Board = (market: Market, wallMs: number) => Quote;

/** A whole number in [−bound, bound] that depends on the text alone (FNV-1a with a final mix). */
export function noise(text: string, bound: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) % (2 * bound + 1)) - bound;
}

const MILLION = 1_000_000n;
const shift = (price: bigint, ppm: number): bigint => (price * (MILLION + BigInt(ppm))) / MILLION;
const floorTo = (price: bigint, step: bigint): bigint => (price / step) * step;
const roundTo = (price: bigint, step: bigint): bigint => floorTo(price + step / 2n, step);

const DAY_CANDLES = 1_440;
/** How long one draw of the noise holds, recorded milliseconds. */
const NOISE_MS = 20_000;

/** A day's figures in dollars. */
type Day = Pick<Quote, 'open' | 'high' | 'low' | 'volume' | 'average'>;

/** Widens a range so that it holds a price. */
function widen(range: { high: bigint; low: bigint }, price: bigint): void {
  if (price > range.high) range.high = price;
  if (price < range.low) range.low = price;
}

/** The last day's figures up to a candle; the largest work of a quote, so each index is summed once. */
function createDay(candles: readonly Candle[]): (index: number) => Day {
  let known: { readonly index: number; readonly day: Day } | undefined;
  return (index) => {
    if (known?.index === index) return known.day;
    const window = candles.slice(Math.max(0, index - DAY_CANDLES), index + 1);
    const open = window[0]?.open ?? 0n;
    const day = { open, high: open, low: open, volume: 0n, average: open };
    let paid = 0n;
    for (const candle of window) {
      widen(day, candle.high);
      widen(day, candle.low);
      day.volume += candle.volume;
      paid += candle.volume * candle.close;
    }
    if (day.volume > 0n) day.average = paid / day.volume;
    known = { index, day };
    return day;
  };
}

/** The stablecoin's day: as good as flat, and its volume is invented. */
const USDT_DAY: Day = {
  open: USDT_RATE,
  high: USDT_RATE + USDT_SWING,
  low: USDT_RATE - USDT_SWING,
  volume: 1_000_000n * ONE,
  average: USDT_RATE,
};

export interface BoardSettings {
  readonly venue: string;
  readonly character: Character;
  readonly tape: Tape;
  readonly timeline: Timeline;
  readonly seed: number;
}

/** Creates the board of one venue. A market quoted in USDT shows the dollar price divided by the USDT's own rate. */
export function createBoard({ venue, character, tape, timeline, seed }: BoardSettings): Board {
  const days = {
    BTC: createDay(tape.BTC),
    ETH: createDay(tape.ETH),
    LTC: createDay(tape.LTC),
    XRP: createDay(tape.XRP),
  };

  return (market, wallMs) => {
    const { base, step } = market;
    const atMs = wallMs - character.delayMs;
    const recordedMs = recordedTime(timeline, atMs);
    const rate = usdtRateAt(recordedMs);
    const inQuote = (usd: bigint) => (market.quote === 'USDT' ? (usd * ONE) / rate : usd);
    const index = candleIndex(tape[base === 'USDT' ? 'BTC' : base], recordedMs);
    const usd = base === 'USDT' ? rate : priceAt(tape[base], recordedMs);
    const day = base === 'USDT' ? USDT_DAY : days[base](index);

    const drawn = noise(
      `${seed}/${venue}/${market.symbol}/${Math.floor(recordedMs / NOISE_MS)}`,
      character.noisePpm,
    );
    const ppm = character.biasPpm + drawn;
    // A stablecoin's market is deep: a tenth of the deviations that the venue shows elsewhere.
    const last = roundTo(shift(inQuote(usd), base === 'USDT' ? Math.trunc(ppm / 10) : ppm), step);
    const below = floorTo(shift(last, -character.halfSpreadPpm), step);
    const bid = below < last ? below : last - step;
    const range = { high: roundTo(inQuote(day.high), step), low: roundTo(inQuote(day.low), step) };
    widen(range, last);
    return {
      market,
      last,
      bid,
      ask: last + (last - bid),
      open: roundTo(inQuote(day.open), step),
      ...range,
      volume: day.volume,
      average: roundTo(inQuote(day.average), step),
      trades: 20 * index + Math.floor((recordedMs % CANDLE_MS) / 3_000),
      atMs,
    };
  };
}
