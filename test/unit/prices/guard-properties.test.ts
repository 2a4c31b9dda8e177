/** What holds of the guards that remember, whatever comes in which order: the jump hold, and times under a clock that steps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Price } from '../../../src/common/words.js';
import { CLOCK_TOLERANCE_MS, createClockWatch } from '../../../src/prices/clock-watch.js';
import { createJumpGuard, type JumpRules } from '../../../src/prices/jump.js';
import { createSlots } from '../../../src/prices/slots.js';
import { createTicks } from '../../../src/prices/ticks.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { exact, feed, httpSource, manualClock, observation } from '../../support/prices/feeds.js';

type Good = Extract<Price, { ok: true }>;

/** A price of two sources that observed at these times. */
function priceOf(answer: bigint, times: readonly number[]): Good {
  const used = times.map((at, i) => observation(`s${i}`, '1', at));
  return { ok: true, feed: 'ETH/USD', answer, observedAtMs: Math.min(...times), used, dropped: [] };
}

describe('the jump hold', () => {
  const PERCENT = 20n;
  const isFar = (from: bigint, to: bigint) => {
    const [change, size] = [to - from, from].map((n) => (n < 0n ? -n : n)) as [bigint, bigint];
    return change * 100n > PERCENT * size;
  };
  const rulesOf = (confirmTicks: number, minSources: number): JumpRules => ({
    maxJump: { percent: { n: PERCENT, d: 1n }, confirmTicks },
    minSources,
    decimals: 8,
  });

  /** Whether so many of the prices were seen one after the other, each made anew and all near one another. */
  function hasChain(seen: readonly Good[], last: Good, wanted: number, minSources: number): boolean {
    if (wanted === 0) return true;
    return seen.some((earlier, at) => {
      const anew = last.used.filter(
        ({ source, observedAtMs }) =>
          observedAtMs > (earlier.used.find((one) => one.source === source)?.observedAtMs ?? 0),
      );
      if (anew.length < minSources || isFar(earlier.answer, last.answer)) return false;
      const near = seen.slice(0, at).filter(({ answer }) => !isFar(answer, last.answer));
      return hasChain(near, earlier, wanted - 1, minSources);
    });
  }

  const answer = fc.oneof(
    fc.bigInt(1_150n, 1_500n),
    fc.constantFrom(-3_000n, 1n, 700n, 1_000n, 1_210n, 1_250n, 3_000n, 1_000_000n),
  );
  const step = fc.record({
    answer,
    onChain: fc.oneof({ weight: 9, arbitrary: fc.constant(1_000n) }, { weight: 1, arbitrary: answer }),
    anew: fc.tuple(fc.boolean(), fc.boolean()),
  });

  it('lets nothing far off pass that was not seen before as often as wanted, each time observed anew', () => {
    let passed = 0;
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 2 }),
        (steps, confirmTicks, minSources) => {
          const guard = createJumpGuard();
          const seen: Good[] = [];
          let times = [0, 0];
          for (const [at, { answer, onChain, anew }] of steps.entries()) {
            times = times.map((time, i) => (anew[i] ? at + 1 : time));
            const price = priceOf(answer, times);
            const verdict = guard.judge(rulesOf(confirmTicks, minSources), price, onChain);
            seen.push(price);
            if (!isFar(onChain, answer)) expect(verdict.ok).toBe(true);
            if (!verdict.ok || !isFar(onChain, answer)) continue;
            const near = seen.filter((one) => !isFar(one.answer, answer));
            const found = near.some((last, i) => hasChain(near.slice(0, i), last, confirmTicks, minSources));
            expect(found).toBe(true);
            passed += 1;
          }
        },
      ),
      { numRuns: 1_000 },
    );
    expect(passed).toBeGreaterThan(100);
  });

  it('lets a steady market pass after so many further readings, whatever came before', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 10 }),
        fc.integer({ min: 1, max: 5 }),
        (steps, confirmTicks) => {
          const guard = createJumpGuard();
          const rules = rulesOf(confirmTicks, 2);
          const judge = (answer: bigint, at: number, onChain: bigint) =>
            guard.judge(rules, priceOf(answer, [at, at]), onChain).ok;
          for (const [at, one] of steps.entries()) judge(one.answer, at, one.onChain);
          const verdicts = Array.from({ length: confirmTicks + 1 }, (_, i) => judge(1_300n, 100 + i, 1_000n));
          expect(verdicts.at(-1)).toBe(true);
        },
      ),
    );
  });
});

describe('the clock steps back and forth', () => {
  const MAX_AGE_MS = 60_000;
  const LABELS = ['a', 'b', 'c'];
  type Move =
    | { readonly kind: 'wait' | 'correct'; readonly ms: number }
    | { readonly kind: 'read'; readonly source: number; readonly venue: boolean };
  const move: fc.Arbitrary<Move> = fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 50_000 }) }),
    fc.record({
      kind: fc.constant('correct' as const),
      ms: fc.oneof(
        fc.integer({ min: -7_200_000, max: 7_200_000 }),
        fc.integer({ min: -70_000, max: 70_000 }),
        fc.integer({ min: -CLOCK_TOLERANCE_MS, max: CLOCK_TOLERANCE_MS }),
      ),
    }),
    fc.record({ kind: fc.constant('read' as const), source: fc.nat(2), venue: fc.boolean() }),
  );

  const metrics = createMetrics();
  function world(minSources: number) {
    const clock = manualClock();
    const slots = createSlots(metrics);
    const ticks = createTicks(slots, clock);
    const sources = LABELS.map((label) => httpSource({ label, url: `http://${label}.invalid/` }));
    const config = feed({ sources, minSources, maxAgeMs: MAX_AGE_MS });
    slots.apply([config]);
    ticks.apply([config]);
    const look = createClockWatch(clock);
    const heedClock = () => {
      const byMs = look();
      if (byMs > 0) for (const part of [slots, ticks]) part.clockSetBack(byMs);
    };
    /** When each source was truly read last, on the monotonic clock. */
    const readAtMs = new Map<string, number>();
    function read(source: number, venue: boolean): void {
      heedClock();
      const [slot, receivedAtMs] = [slots.all()[source]!, clock.now()];
      // The venue's clock is right. Too far ahead of ours, its time is refused.
      const venueMs = venue ? clock.monotonic() : receivedAtMs;
      if (venueMs > receivedAtMs + 60_000) return;
      const observedAtMs = Math.min(venueMs, receivedAtMs);
      const timeFrom = venue ? 'venue' : 'receipt';
      slots.record(
        slot.id,
        { ok: true, value: exact('1'), observedAtMs, timeFrom, receivedAtMs },
        1,
        receivedAtMs,
      );
      readAtMs.set(slot.source.label, clock.monotonic());
    }
    return {
      clock,
      readAtMs,
      make(one: Move): void {
        if (one.kind === 'read') read(one.source, one.venue);
        else if (one.kind === 'wait') clock.advance(one.ms);
        else clock.correct(one.ms);
      },
      price() {
        heedClock();
        return ticks.price('ETH/USD', clock.tick());
      },
    };
  }

  it('nothing counts for longer than it may, and no price looks younger than it is', () => {
    let priced = 0;
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), fc.integer({ min: 1, max: 2 }), (moves, minSources) => {
        const { clock, readAtMs, make, price } = world(minSources);
        for (const one of moves) {
          make(one);
          const found = price();
          if (!found.ok) continue;
          priced += 1;
          const ages = found.used.map(({ source }) => clock.monotonic() - readAtMs.get(source)!);
          // A tick is at most a second old, and ages are those at the tick.
          expect(Math.max(...ages)).toBeLessThanOrEqual(MAX_AGE_MS + 1_000 + CLOCK_TOLERANCE_MS);
          const youngest = [...ages].sort((a, b) => a - b)[minSources - 1]!;
          expect(clock.now() - found.observedAtMs).toBeGreaterThanOrEqual(youngest - CLOCK_TOLERANCE_MS);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(priced).toBeGreaterThan(100);
  });

  it('and when the sources have been read again there is a price of that moment', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
        const { clock, make, price } = world(3);
        for (const one of moves) {
          make(one);
          price();
        }
        clock.advance(2_000);
        const readAtMs = clock.now();
        for (const source of LABELS.keys()) make({ kind: 'read', source, venue: false });
        clock.advance(1_000);
        expect(price()).toMatchObject({ ok: true, observedAtMs: readAtMs });
      }),
      { numRuns: 300 },
    );
  });
});
