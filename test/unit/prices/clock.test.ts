/** The machine's clock is corrected while prices are made: NTP sets back one that ran an hour ahead. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { FeedConfig } from '../../../src/config/types.js';
import { createClockWatch } from '../../../src/prices/clock-watch.js';
import { createSlots, type Slots } from '../../../src/prices/slots.js';
import { createTicks, type Ticks } from '../../../src/prices/ticks.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { exact, feed, httpSource, manualClock } from '../../support/prices/feeds.js';

const HOUR_MS = 3_600_000;

let clock: ReturnType<typeof manualClock>;
let slots: Slots;
let ticks: Ticks;
let look: () => number;

function configure(over: Partial<FeedConfig> = {}): void {
  const sources = ['a', 'b'].map((label) => httpSource({ label, url: `http://${label}.invalid/` }));
  const config = feed({ sources, ...over });
  slots.apply([config]);
  ticks.apply([config]);
}

/** As the price book does before it dates or judges anything. */
function heedClock(): void {
  const byMs = look();
  if (byMs === 0) return;
  slots.clockSetBack(byMs);
  ticks.clockSetBack(byMs);
}

/** What the sources say now; returns how each reading ended. */
function observe(values: Readonly<Record<string, string>>, venueMs?: number) {
  heedClock();
  const receivedAtMs = clock.now();
  return slots.all().flatMap(({ id, source }) => {
    const text = values[source.label];
    if (text === undefined) return [];
    const reading = {
      ok: true,
      value: exact(text),
      observedAtMs: Math.min(venueMs ?? receivedAtMs, receivedAtMs),
      timeFrom: venueMs === undefined ? 'receipt' : 'venue',
      receivedAtMs,
    } as const;
    return slots.record(id, reading, 1, receivedAtMs)?.code ?? [];
  });
}

function price(onChain?: bigint, tick = clock.tick()) {
  heedClock();
  return ticks.price('ETH/USD', tick, onChain === undefined ? {} : { onChainAnswer: onChain * 100_000_000n });
}

beforeEach(() => {
  clock = manualClock();
  slots = createSlots(createMetrics());
  ticks = createTicks(slots, clock);
  look = createClockWatch(clock);
  look();
  configure({ minSources: 2 });
});

describe('the clock was an hour ahead and is set back', () => {
  beforeEach(() => {
    clock.correct(HOUR_MS);
    observe({ a: '2000', b: '2000' });
    expect(price()).toMatchObject({ ok: true });
    clock.correct(-HOUR_MS);
  });

  it('new readings count at once, though they are dated before the held ones', () => {
    clock.advance(1_000);
    expect(observe({ a: '1900', b: '1900' })).toEqual(['ok', 'ok']);
    expect(price()).toMatchObject({ ok: true, answer: 190_000_000_000n, observedAtMs: clock.now() });
  });

  it('what was read before is as old as it is: it counts for its time and no longer, and is not dated anew', () => {
    const madeAtMs = clock.now();
    clock.advance(60_000);
    expect(price()).toMatchObject({ ok: true, answer: 200_000_000_000n, observedAtMs: madeAtMs });
    clock.advance(1_000);
    expect(price()).toMatchObject({ ok: false, code: 'too_few_sources' });
    clock.advance(HOUR_MS - 61_000);
    expect(price()).toMatchObject({ ok: false, code: 'too_few_sources' });
  });

  it('a tick that was answered while the clock was ahead is answered anew when it comes', () => {
    clock.advance(HOUR_MS);
    observe({ a: '1900', b: '1900' });
    expect(price()).toMatchObject({ ok: true, answer: 190_000_000_000n });
  });
});

it('a source that was silent for an hour is not young again when the clock is set back by an hour', () => {
  observe({ a: '2000', b: '2000' });
  clock.advance(HOUR_MS);
  expect(price()).toMatchObject({ ok: false, code: 'too_few_sources' });
  clock.correct(-HOUR_MS);
  expect(price()).toMatchObject({ ok: false, code: 'too_few_sources' });
});

it('a venue that tells its own time is right whatever our clock says', () => {
  const venueMs = clock.now();
  clock.correct(30_000);
  observe({ a: '2000', b: '2000' }, venueMs);
  clock.correct(-30_000);
  clock.advance(60_000);
  expect(price()).toMatchObject({ ok: true, observedAtMs: venueMs });
  clock.advance(1_000);
  expect(price()).toMatchObject({ ok: false });
});

it('an observation dated after now never counts, even where nobody noticed the clock', () => {
  const at = (aheadMs: number) => {
    for (const { id } of slots.all()) {
      const observedAtMs = clock.now() + aheadMs;
      slots.record(
        id,
        { ok: true, value: exact('2000'), observedAtMs, timeFrom: 'receipt', receivedAtMs: observedAtMs },
        1,
        clock.now(),
      );
    }
    clock.advance(1_000);
    return ticks.price('ETH/USD', clock.tick());
  };
  expect(at(HOUR_MS)).toMatchObject({
    ok: false,
    code: 'too_few_sources',
    dropped: [{ code: 'time_invalid' }, { code: 'time_invalid' }],
  });
  expect(observe({ a: '1900', b: '1900' })).toEqual(['ok', 'ok']);
  clock.advance(1_000);
  expect(price()).toMatchObject({ ok: true, answer: 190_000_000_000n });
  // Seen a second later: at the limit of the small corrections, and over it.
  expect(at(2_000)).toMatchObject({ ok: true, answer: 200_000_000_000n });
  expect(at(2_001)).toMatchObject({ ok: false });
});

it('a jump is confirmed by what comes after the correction; it does not wait for the old time to come again', () => {
  configure({ maxJump: { percent: exact('10'), confirmTicks: 2 } });
  clock.correct(HOUR_MS);
  observe({ a: '2000', b: '2000' });
  expect(price(1_000n)).toMatchObject({ ok: false, code: 'jump_unconfirmed' });
  clock.correct(-HOUR_MS);
  const passed = [1, 2, 3].map(() => {
    clock.advance(1_000);
    observe({ a: '2000', b: '2000' });
    return price(1_000n).ok;
  });
  expect(passed).toEqual([false, false, true]);
});

it('a closed market repeats its last price with the time it was made, by the corrected clock', () => {
  // The clock of these tests starts on a Tuesday at 22:13:20 UTC.
  const open = new Map([[2, [[0, 23 * 60 + 14] as const]]]);
  configure({ market: { timeZone: 'UTC', open, holidays: new Set(), closed: 'repeat' } });
  clock.correct(HOUR_MS);
  observe({ a: '2000', b: '2000' });
  expect(price(2_000n)).toMatchObject({ ok: true });
  const madeAtMs = clock.now() - HOUR_MS;
  clock.correct(-HOUR_MS);
  clock.advance(HOUR_MS + 60_000);
  expect(price(2_000n)).toMatchObject({ ok: true, used: [], observedAtMs: madeAtMs });
});

describe('the watch over the clock', () => {
  it('tells by how much it was set back, once', () => {
    clock.correct(-1_001);
    expect([look(), look()]).toEqual([1_001, 0]);
  });

  it('makes nothing of small corrections, until they add up', () => {
    clock.correct(-1_000);
    expect(look()).toBe(0);
    clock.correct(-500);
    expect(look()).toBe(1_500);
  });

  it('makes nothing of a clock that is set forward', () => {
    clock.correct(HOUR_MS);
    expect(look()).toBe(0);
  });

  it('believes no look that was interrupted', () => {
    let interruptedMs = 5_000;
    const watch = createClockWatch({
      now: () => {
        clock.advance(interruptedMs);
        return clock.now();
      },
      monotonic: clock.monotonic,
    });
    expect(watch()).toBe(0);
    interruptedMs = 0;
    expect(watch()).toBe(0);
  });
});
