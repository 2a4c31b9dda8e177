/** What holds for any input: found by generating them, not by picking them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRational, formatScaled, parseDecimal } from '../../../src/common/decimal.js';
import { compare, type Rational, toScaled } from '../../../src/common/rational.js';
import { HOLD_REASONS } from '../../../src/common/words.js';
import { type AggregationRules, aggregate, type Candidate } from '../../../src/prices/aggregate.js';
import { CLOCK_TOLERANCE_MS } from '../../../src/prices/clock-watch.js';
import { readJson } from '../../../src/prices/json/document.js';
import { createExtractor } from '../../../src/prices/json/extract.js';
import { createSlots } from '../../../src/prices/slots.js';
import { createTicks } from '../../../src/prices/ticks.js';
import { createMetrics, SOURCE_RESULTS } from '../../../src/telemetry/metrics.js';
import { exact, feed, httpSource, manualClock } from '../../support/prices/feeds.js';

const TICK_MS = 1_700_000_000_000;

/** Fractions around one, negative and zero as well, some of them far off. */
const value: fc.Arbitrary<Rational> = fc
  .tuple(
    fc.oneof(fc.bigInt(900n, 1_100n), fc.bigInt(-(10n ** 12n), 10n ** 12n)),
    fc.constantFrom(1n, 7n, 1_000n, 10n ** 18n),
  )
  .map(([n, d]) => ({ n, d }));

interface Told {
  readonly value: Rational;
  readonly ageMs: number;
}
/** Negative: dated after now, a little or by hours, as a clock that was set back leaves it. */
const told: fc.Arbitrary<Told> = fc.record({
  value,
  ageMs: fc.oneof(fc.integer({ min: -5_000, max: 90_000 }), fc.integer({ min: -7_200_000, max: 0 })),
});

function candidate({ value, ageMs }: Told, source: string): Candidate {
  const observedAtMs = TICK_MS - ageMs;
  const observation = { source, value, observedAtMs, timeFrom: 'venue' as const, receivedAtMs: observedAtMs };
  return { ok: true, observation, ageMs, aheadMs: -ageMs, maxAgeMs: 60_000 };
}

const rules: fc.Arbitrary<AggregationRules> = fc.record({
  minSources: fc.integer({ min: 1, max: 4 }),
  maxSpread: fc.constantFrom(exact('0.5'), exact('5'), exact('1000000000000000')),
  outliers: fc.constantFrom(
    { factor: exact('3'), floor: exact('0.5') },
    { factor: exact('0'), floor: exact('0') },
    { factor: exact('1000'), floor: exact('100') },
  ),
  positive: fc.boolean(),
});

describe('whatever the observations', () => {
  it('the answer lies between honest ones while liars are fewer than half of those used', () => {
    fc.assert(
      fc.property(
        rules,
        fc.array(fc.record({ told, honest: fc.boolean() }), { minLength: 1, maxLength: 9 }),
        (rule, sources) => {
          const result = aggregate(
            rule,
            sources.map((source, i) => candidate(source.told, `${source.honest ? 'honest' : 'liar'}${i}`)),
          );
          fc.pre(result.ok);
          const honest = result.used.filter(({ source }) => source.startsWith('honest'));
          fc.pre(2 * (result.used.length - honest.length) < result.used.length);
          const ordered = honest.map((one) => one.value).sort(compare);
          expect(compare(result.value, ordered[0]!)).toBeGreaterThanOrEqual(0);
          expect(compare(result.value, ordered.at(-1)!)).toBeLessThanOrEqual(0);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('the order of the sources changes nothing', () => {
    fc.assert(
      fc.property(rules, fc.array(told, { maxLength: 7 }), fc.infiniteStream(fc.nat()), (rule, all, keys) => {
        const straight = all.map((one, i) => candidate(one, `s${i}`));
        const shuffled = straight
          .map((one) => ({ one, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ one }) => one);
        const [a, b] = [aggregate(rule, straight), aggregate(rule, shuffled)];
        expect(b.ok).toBe(a.ok);
        if (a.ok && b.ok) {
          expect(compare(a.value, b.value)).toBe(0);
          expect(a.observedAtMs).toBe(b.observedAtMs);
        } else if (!a.ok && !b.ok) expect(a.code).toBe(b.code);
      }),
    );
  });

  it('every observation is accounted for once, and a hold has a reason of the list', () => {
    fc.assert(
      fc.property(rules, fc.array(told, { maxLength: 9 }), (rule, all) => {
        const result = aggregate(
          rule,
          all.map((one, i) => candidate(one, `s${i}`)),
        );
        const names = [...result.used, ...result.dropped].map(({ source }) => source);
        expect(names.sort()).toEqual(all.map((_one, i) => `s${i}`).sort());
        if (!result.ok) expect(HOLD_REASONS).toContain(result.code);
        else expect(result.used.length).toBeGreaterThanOrEqual(rule.minSources);
      }),
    );
  });

  it('what is dated after now never counts, nor dates a price', () => {
    fc.assert(
      fc.property(rules, fc.array(told, { maxLength: 9 }), (rule, all) => {
        const run = (some: readonly Told[]) =>
          aggregate(
            rule,
            some.map((one, i) => candidate(one, `s${i}`)),
          );
        const result = run(all);
        for (const { observedAtMs } of result.used)
          expect(observedAtMs).toBeLessThanOrEqual(TICK_MS + CLOCK_TOLERANCE_MS);
        const without = run(all.filter(({ ageMs }) => ageMs >= -CLOCK_TOLERANCE_MS));
        expect(without.ok).toBe(result.ok);
        if (without.ok && result.ok)
          expect([without.value, without.observedAtMs]).toEqual([result.value, result.observedAtMs]);
      }),
    );
  });

  it('dropping or delaying any source never moves the time forward', () => {
    fc.assert(
      fc.property(
        rules,
        fc.array(told, { minLength: 2, maxLength: 7 }),
        fc.nat(),
        fc.integer({ min: 1, max: 100_000 }),
        (rule, all, pick, delayMs) => {
          const at = pick % all.length;
          const run = (some: readonly Told[]) =>
            aggregate(
              rule,
              some.map((one, i) => candidate(one, `s${i}`)),
            );
          const before = run(all);
          fc.pre(before.ok);
          // One dated after now is none: delayed until its date has come, it would be one more.
          fc.pre(all[at]!.ageMs >= -CLOCK_TOLERANCE_MS);
          const dropped = run(all.filter((_one, i) => i !== at));
          const delayed = run(all.map((one, i) => (i === at ? { ...one, ageMs: one.ageMs + delayMs } : one)));
          for (const after of [dropped, delayed])
            if (after.ok) expect(after.observedAtMs).toBeLessThanOrEqual(before.observedAtMs);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('nor does it through a conversion', () => {
    const age = fc.option(fc.integer({ min: 0, max: 70_000 }), { nil: undefined });
    const ages = fc.tuple(age, age, age, age, age, age);
    const metrics = createMetrics();
    const priceAt = (six: readonly (number | undefined)[]) => {
      const clock = manualClock(TICK_MS);
      const slots = createSlots(metrics);
      const ticks = createTicks(slots, clock);
      const sources = (names: string[], convert?: string) =>
        names.map((label) =>
          httpSource({ label, url: 'http://a.invalid/', ...(convert ? { convert } : {}) }),
        );
      const feeds = [
        feed({ minSources: 2, sources: sources(['a', 'b', 'c'], 'USDT/USD') }),
        feed({ name: 'USDT/USD', minSources: 2, sources: sources(['d', 'e', 'f']) }),
      ];
      slots.apply(feeds);
      ticks.apply(feeds);
      for (const [i, slot] of slots.all().entries()) {
        const ageMs = six[i];
        if (ageMs === undefined) continue;
        const at = TICK_MS - ageMs;
        slots.record(
          slot.id,
          { ok: true, value: exact('1'), observedAtMs: at, timeFrom: 'venue', receivedAtMs: at },
          1,
          TICK_MS,
        );
      }
      return ticks.price('ETH/USD', TICK_MS / 1_000);
    };
    fc.assert(
      fc.property(ages, fc.nat(5), age, (six, at, later) => {
        const before = priceAt(six);
        const old = six[at];
        fc.pre(before.ok && old !== undefined);
        const worse = later === undefined ? undefined : old! + later;
        const after = priceAt(six.map((one, i) => (i === at ? worse : one)));
        if (before.ok && after.ok) expect(after.observedAtMs).toBeLessThanOrEqual(before.observedAtMs);
      }),
      { numRuns: 200 },
    );
  });
});

/** Decimal texts as venues write them, exponents included. */
const decimalText = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.stringMatching(/^\d{1,30}$/),
    fc.option(fc.stringMatching(/^\d{1,30}$/), { nil: undefined }),
    fc.option(fc.integer({ min: -40, max: 40 }), { nil: undefined }),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      sign +
      whole +
      (fraction === undefined ? '' : `.${fraction}`) +
      (exponent === undefined ? '' : `e${exponent}`),
  );

describe('numbers', () => {
  it('reading any decimal text and printing it back loses nothing', () => {
    fc.assert(
      fc.property(decimalText, (text) => {
        const read = parseDecimal(text);
        if (!read.ok) throw new Error(read.code);
        const again = parseDecimal(formatRational(read.value, 100));
        if (!again.ok) throw new Error(again.code);
        expect(compare(read.value, again.value)).toBe(0);
      }),
    );
  });

  it('rounding moves a value by at most half of the smallest unit, and not twice', () => {
    fc.assert(
      fc.property(decimalText, fc.integer({ min: 0, max: 18 }), (text, decimals) => {
        const read = parseDecimal(text);
        if (!read.ok) throw new Error(read.code);
        const scaled = toScaled(read.value, decimals);
        const off = scaled * read.value.d - read.value.n * 10n ** BigInt(decimals);
        expect((off < 0n ? -off : off) * 2n <= read.value.d).toBe(true);
        const printed = parseDecimal(formatScaled(scaled, decimals));
        expect(printed.ok && toScaled(printed.value, decimals)).toBe(scaled);
      }),
    );
  });

  it('a JSON number and the same text as a JSON string are the same value', () => {
    const read = createExtractor({ path: '$.p', timeUnit: 'ms' }, { scale: exact('1'), invert: false });
    fc.assert(
      fc.property(decimalText, (text) => {
        const number = text.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1');
        const [a, b] = [`{"p":${number}}`, `{"p":"${number}"}`].map((json) => {
          const result = readJson(json);
          return result.ok && read(result.document, TICK_MS);
        });
        expect(a).toEqual(b);
        expect(a).toMatchObject({ ok: true });
      }),
    );
  });
});

describe('no input makes the price path throw', () => {
  const how = {
    path: '$..p',
    timePath: '$.t',
    errorPath: "$['error',0]",
    statusPath: '$.s',
    statusOk: ['1'],
    timeUnit: 'ms',
  } as const;
  const extractors = (['s', 'ms', 'us', 'ns', 'iso'] as const).flatMap((timeUnit) =>
    [true, false].flatMap((invert) => [
      createExtractor({ ...how, timeUnit }, { scale: exact('0.1'), invert }),
      createExtractor({ path: '$.p', timePath: '$.t', timeUnit }, { scale: exact('0'), invert }),
    ]),
  );
  const check = (text: string) => {
    const json = readJson(text);
    if (!json.ok) return;
    for (const extractor of extractors) {
      const result = extractor(json.document, TICK_MS);
      if (!result.ok) expect(SOURCE_RESULTS).toContain(result.code);
      else expect(result.observedAtMs).toBeLessThanOrEqual(TICK_MS);
    }
  };

  it('any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary-ascii', maxLength: 60 }), check));
  });

  it('any JSON', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 6 }), check));
  });

  it('any JSON in the places that are read', () => {
    const scalar = fc.oneof(
      decimalText,
      fc.double().map((number) => JSON.stringify(number)),
      fc.json({ maxDepth: 2 }),
      fc.string().map((text) => JSON.stringify(text)),
    );
    const members = fc.dictionary(fc.constantFrom('p', 't', 's', 'error', '__proto__'), scalar);
    fc.assert(
      fc.property(members, (object) =>
        check(`{${Object.entries(object).map(([key, text]) => `"${key}":${text}`)}}`),
      ),
    );
  });

  it('any tick, feed name and answer on chain', () => {
    const slots = createSlots(createMetrics());
    const ticks = createTicks(slots, manualClock(TICK_MS));
    const config = feed({
      maxJump: { percent: exact('10'), confirmTicks: 1 },
      sources: [httpSource({ label: 'a', url: 'http://a.invalid/' })],
    });
    slots.apply([config]);
    ticks.apply([config]);
    slots.record(
      slots.all()[0]!.id,
      { ok: true, value: exact('1'), observedAtMs: TICK_MS, timeFrom: 'venue', receivedAtMs: TICK_MS },
      1,
      TICK_MS,
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.constant('ETH/USD'), fc.string()),
        fc.oneof(
          fc.integer(),
          fc.double(),
          fc.integer({ min: -10, max: 5 }).map((i) => TICK_MS / 1_000 + i),
        ),
        fc.option(fc.bigInt(), { nil: undefined }),
        (name, tick, onChainAnswer) => {
          const price = ticks.price(name, tick, onChainAnswer === undefined ? {} : { onChainAnswer });
          if (!price.ok) expect(HOLD_REASONS).toContain(price.code);
          else expect(Number.isSafeInteger(price.observedAtMs)).toBe(true);
        },
      ),
    );
  });
});
