/** The recorded candles as integers: read once at start, exact to the last digit of the file. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Decimals of every price, rate and volume inside the demo's exchanges. */
export const UNIT_DECIMALS = 8;
/** One whole, in the demo's unit. */
export const ONE = 10n ** BigInt(UNIT_DECIMALS);
/** Length of one candle. */
export const CANDLE_MS = 60_000;

/** One minute of a market; prices and volume scaled by 10^8. */
export interface Candle {
  /** Unix milliseconds of the minute's start. */
  readonly openedAtMs: number;
  readonly open: bigint;
  readonly high: bigint;
  readonly low: bigint;
  readonly close: bigint;
  readonly volume: bigint;
}

/** Currencies whose candles are recorded, against the dollar. */
export const RECORDED = ['BTC', 'ETH', 'LTC', 'XRP'] as const;
export type Recorded = (typeof RECORDED)[number];

/** Candles of every recorded market. */
export type Tape = Readonly<Record<Recorded, readonly Candle[]>>;

/** Plain decimal text to the demo's unit; digits beyond the eighth (volumes only) are cut. */
function toUnits(text: string): bigint {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) throw new Error(`not a decimal number in the candle file: ${JSON.stringify(text)}`);
  const [, wholePart = '', fraction = ''] = match;
  return BigInt(wholePart + fraction.slice(0, UNIT_DECIMALS).padEnd(UNIT_DECIMALS, '0'));
}

/**
 * Reads a candle file's text.
 * @throws Error when a line is no candle, a price lies outside its candle's range, or time does not grow
 */
export function parseCandles(csv: string): readonly Candle[] {
  const [header, ...lines] = csv.trim().split(/\r?\n/);
  if (header !== 'timestamp_ms,open,high,low,close,volume') throw new Error(`unknown columns: ${header}`);
  const candles = lines.map((line) => {
    const [time = '', open = '', high = '', low = '', close = '', volume = ''] = line.split(',');
    const candle: Candle = {
      openedAtMs: Number(time),
      open: toUnits(open),
      high: toUnits(high),
      low: toUnits(low),
      close: toUnits(close),
      volume: toUnits(volume),
    };
    const inside = (price: bigint) => price >= candle.low && price <= candle.high;
    if (!Number.isSafeInteger(candle.openedAtMs) || !inside(candle.open) || !inside(candle.close))
      throw new Error(`not a candle: ${line}`);
    return candle;
  });
  candles.forEach((candle, index) => {
    const previous = candles[index - 1];
    if (previous && candle.openedAtMs < previous.openedAtMs + CANDLE_MS)
      throw new Error(`candles are not in order at ${candle.openedAtMs}`);
  });
  return candles;
}

/** Loads the four recorded markets from `demo/data`. */
export function loadTape(directory = path.join(import.meta.dirname, '..', 'data')): Tape {
  const load = (name: Recorded) =>
    parseCandles(readFileSync(path.join(directory, `${name.toLowerCase()}-usd-2019-06-26_27.csv`), 'utf8'));
  return { BTC: load('BTC'), ETH: load('ETH'), LTC: load('LTC'), XRP: load('XRP') };
}
