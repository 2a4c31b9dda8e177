import { describe, expect, it } from 'vitest';
import { createClockGap } from '../../../src/chain/clock-gap.js';
import { createClockGuard } from '../../../src/chain/clock-guard.js';

const EPOCH_MS = 1_700_000_000_000;

/** A host whose clock is off by so much, beside a chain whose block `n` is made at second `n * interval` of true time. */
function world({ offMs = 0, interval = 1, lateMs = 0 }) {
  let trueMs = 0;
  const clock = { now: () => EPOCH_MS + trueMs + offMs, monotonic: () => trueMs };
  const gap = createClockGap(clock);
  const look = () => {
    const number = Math.max(Math.floor((trueMs - lateMs) / 1_000 / interval), 0);
    gap.observe({ number: BigInt(number), timestamp: EPOCH_MS / 1_000 + number * interval }, trueMs);
  };
  return {
    gap,
    /** Looks once a second for so long. */
    watch(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        trueMs += 1_000;
        look();
      }
    },
    pass: (seconds: number) => {
      trueMs += seconds * 1_000;
    },
    shift: (ms: number) => {
      offMs += ms;
    },
  };
}

describe('how far the clock is ahead of the chain', () => {
  it('is not known before a block has arrived: the newest one may be hours old', () => {
    const { gap, watch } = world({ interval: 3_600 });
    watch(120);
    expect(gap.aheadSeconds()).toBeUndefined();
  });

  it.each([
    ['blocks of one second', 1],
    ['blocks of twelve seconds', 12],
    ['blocks of a minute', 60],
  ])('is found with %s, and a clock that is right is found right', (_what, interval) => {
    const right = world({ interval, lateMs: 400 });
    right.watch(4 * interval);
    expect(Math.abs(right.gap.aheadSeconds() ?? 99)).toBeLessThanOrEqual(1);
    const wrong = world({ interval, lateMs: 400, offMs: 60_000 });
    wrong.watch(4 * interval);
    expect(wrong.gap.aheadSeconds()).toBeGreaterThan(58);
    expect(wrong.gap.aheadSeconds()).toBeLessThan(61);
  });

  it('does not take for an error that blocks, or looks, stay away for a while', () => {
    const { gap, watch, pass } = world({ interval: 12 });
    watch(40);
    pass(300);
    watch(1);
    expect(gap.aheadSeconds()).toBeLessThanOrEqual(1);
    watch(40);
    expect(gap.aheadSeconds()).toBeLessThanOrEqual(1);
  });

  it('is found within two blocks when the clock jumps, and again when it is put right', () => {
    const { gap, watch, shift } = world({});
    watch(5);
    shift(30_000);
    watch(2);
    expect(gap.aheadSeconds()).toBeGreaterThan(28);
    shift(-30_000);
    watch(2);
    expect(gap.aheadSeconds()).toBeLessThan(1);
  });
});

describe('a report that the newest block does not take yet', () => {
  const guard = (ahead: number | undefined, allowed: number | undefined = 1) => {
    let monotonic = 0;
    const clock = { now: () => 0, monotonic: () => (monotonic += 1_000) };
    return createClockGuard({ aheadSeconds: () => ahead, maxAheadSeconds: async () => allowed, clock });
  };
  const signal = AbortSignal.timeout(20_000);

  it('is held back by a wrong clock, with how far and what to do', async () => {
    expect(await guard(58.26)(signal)).toMatch(/58\.3 s ahead .* up to 1 s ahead: synchronise the clock/);
  });
  it.each([
    ['blocks that reach us late', 3.9, 1],
    ['an error within what the contract takes', 58, 60],
    ['a clock that is behind', -100, 1],
    ['no block seen yet', undefined, 1],
    ['a contract that could not be asked', 58, undefined],
  ])('is sent with %s', async (_what, ahead, allowed) => {
    const check = createClockGuard({
      aheadSeconds: () => ahead,
      maxAheadSeconds: async () => allowed,
      clock: {
        now: () => 0,
        monotonic: (() => {
          let ms = 0;
          return () => (ms += 1_000);
        })(),
      },
    });
    expect(await check(signal)).toBeUndefined();
  });
});
