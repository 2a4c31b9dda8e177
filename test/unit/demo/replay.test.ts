/** The replay of the recorded candles: integers only, deterministic, never outside what was recorded. */
import { describe, expect, it } from 'vitest';
import { CANDLE_MS, loadTape, ONE, parseCandles, RECORDED } from '../../../demo/exchanges/candles.js';
import {
  candleIndex,
  priceAt,
  priceWithin,
  REPLAY_FROM_MS,
  REPLAY_TO_MS,
  recordedTime,
  USDT_RATE,
  USDT_SWING,
  usdtRateAt,
} from '../../../demo/exchanges/replay.js';

const tape = loadTape();
const HEADER = 'timestamp_ms,open,high,low,close,volume\n';

describe('the candle files', () => {
  it('are read to the last digit', () => {
    expect(parseCandles(`${HEADER}60000,11730.07611445,11739,0.1,11734,164929.33100990999\n`)).toEqual([
      {
        openedAtMs: 60_000,
        open: 1_173_007_611_445n,
        high: 11_739n * ONE,
        low: ONE / 10n,
        close: 11_734n * ONE,
        volume: 16_492_933_100_990n,
      },
    ]);
  });

  it.each([
    ['other columns', 'time,price\n1,2\n'],
    ['a price that is no number', `${HEADER}60000,1,x,1,1,1\n`],
    ['a close above the high', `${HEADER}60000,1,2,1,3,1\n`],
    ['time that runs backwards', `${HEADER}60000,1,1,1,1,1\n0,1,1,1,1,1\n`],
  ])('are refused with %s', (_what, csv) => {
    expect(() => parseCandles(csv)).toThrow();
  });

  it('cover the stretch that is replayed without an hour that stands still', () => {
    for (const base of RECORDED) {
      const from = candleIndex(tape[base], REPLAY_FROM_MS);
      const used = tape[base].slice(from);
      const gaps = used.slice(1).map(({ openedAtMs }, i) => openedAtMs - used[i]!.openedAtMs);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(5 * CANDLE_MS);
      expect(used.at(-1)!.openedAtMs + CANDLE_MS - 1).toBe(REPLAY_TO_MS);
    }
  });
});

describe('the price within a candle', () => {
  const rising = { openedAtMs: 0, open: 100n, high: 130n, low: 90n, close: 120n, volume: 1n };
  const falling = { ...rising, open: 120n, close: 100n };

  it('goes over the low first when the minute closed higher, and over the high first when lower', () => {
    const at = [0, 10_000, 20_000, 40_000, 59_999, 60_000, 500_000];
    expect(at.map((ms) => priceWithin(rising, ms))).toEqual([100n, 95n, 90n, 130n, 121n, 120n, 120n]);
    expect(at.map((ms) => priceWithin(falling, ms))).toEqual([120n, 125n, 130n, 90n, 99n, 100n, 100n]);
  });

  it('never leaves the recorded range, at any moment, in any market', () => {
    const outside = RECORDED.flatMap((base) =>
      tape[base].filter((candle) =>
        Array.from({ length: 61 }, (_, i) => priceWithin(candle, i * 997)).some(
          (price) => price < candle.low || price > candle.high,
        ),
      ),
    );
    expect(outside).toEqual([]);
  });

  it('touches both extremes of every candle', () => {
    for (const candle of tape.BTC.slice(0, 200)) {
      const turns = [priceWithin(candle, 20_000), priceWithin(candle, 40_000)];
      expect(turns).toContain(candle.low);
      expect(turns).toContain(candle.high);
    }
  });
});

describe('the timeline', () => {
  const timeline = { epochMs: 1_000_000, startMs: REPLAY_TO_MS - 60_000, speed: 30 };

  it('runs as many times faster as asked', () => {
    expect(recordedTime(timeline, 1_001_000) - recordedTime(timeline, 1_000_000)).toBe(30_000);
  });

  it('turns around at the end and at the start, so that no price jumps however long the demo runs', () => {
    expect(recordedTime(timeline, 1_002_000)).toBe(REPLAY_TO_MS);
    expect(recordedTime(timeline, 1_003_000)).toBe(REPLAY_TO_MS - 30_000);
    const length = REPLAY_TO_MS - REPLAY_FROM_MS;
    expect(recordedTime({ ...timeline, speed: 1 }, 1_060_000 + length)).toBe(REPLAY_FROM_MS);
    expect(recordedTime({ ...timeline, speed: 1 }, 1_060_500 + length)).toBe(REPLAY_FROM_MS + 500);
  });

  it('holds the last close in a minute without a candle', () => {
    const [first, second] = [tape.ETH[0]!, tape.ETH[1]!];
    const gap = [first, { ...second, openedAtMs: first.openedAtMs + 10 * CANDLE_MS }];
    expect(priceAt(gap, first.openedAtMs + 5 * CANDLE_MS)).toBe(first.close);
  });
});

describe('the stablecoin', () => {
  it('wobbles around 1.0002 dollars, within three hundredths of a cent', () => {
    const rates = Array.from({ length: 400 }, (_, minute) => usdtRateAt(REPLAY_FROM_MS + minute * 6_000));
    for (const rate of rates) {
      expect(rate >= USDT_RATE - USDT_SWING).toBe(true);
      expect(rate <= USDT_RATE + USDT_SWING).toBe(true);
    }
    expect(new Set(rates).size).toBeGreaterThan(100);
  });
});
