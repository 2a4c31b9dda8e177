import { describe, expect, it } from 'vitest';
import { type AggregationRules, aggregate, type Candidate } from '../../../src/prices/aggregate.js';
import { exact, feed, observation } from '../../support/prices/feeds.js';

const TICK_MS = 1_700_000_000_000;

function candidates(values: Record<string, string>, ageMs = 0): Candidate[] {
  return Object.entries(values).map(([source, value]) => ({
    ok: true,
    observation: observation(source, value, TICK_MS - ageMs),
    ageMs,
    aheadMs: -ageMs,
    maxAgeMs: 60_000,
  }));
}

const rules = (over: Partial<AggregationRules> = {}): AggregationRules => ({ ...feed(), ...over });
const run = (values: Record<string, string>, over: Partial<AggregationRules> = {}) =>
  aggregate(rules(over), candidates(values));

describe('aggregation at a tick', () => {
  it.each([
    ['one', { a: '10' }, '10'],
    ['an odd number: the middle one', { a: '10.1', b: '10', c: '10.2' }, '10.1'],
    [
      'an even number: the mean of the two in the middle',
      { a: '10', b: '10.1', c: '10.2', d: '10.3' },
      '10.15',
    ],
    ['equal ones', { a: '10', b: '10', c: '10' }, '10'],
    [
      'a third, exact',
      { a: '10.0000000000000000000001', b: '10.0000000000000000000003' },
      '10.0000000000000000000002',
    ],
  ])('median of %s', (_name, values, median) => {
    expect(run(values)).toMatchObject({ ok: true, value: exact(median) });
  });

  it('drops what is older than its limit, to the millisecond', () => {
    const [fresh] = candidates({ a: '10' }, 60_000);
    const [stale] = candidates({ b: '10' }, 60_001);
    expect(aggregate(rules(), [fresh!, stale!])).toMatchObject({
      ok: true,
      used: [{ source: 'a' }],
      dropped: [{ source: 'b', code: 'stale', observation: { source: 'b' } }],
    });
  });

  it('drops the one that is a thousand times off, and keeps the rest', () => {
    const result = run({ a: '3000', b: '3001', c: '2999', d: '3' });
    expect(result).toMatchObject({ ok: true, dropped: [{ source: 'd', code: 'outlier' }] });
  });

  it('the floor keeps honest small differences when the others agree to the digit', () => {
    expect(run({ a: '100', b: '100', c: '100', d: '100.99' }).dropped).toEqual([]);
    expect(run({ a: '100', b: '100', c: '100', d: '101.01' }).dropped).toMatchObject([{ source: 'd' }]);
  });

  it('two that disagree: no one can tell who lies, so nothing is published', () => {
    expect(run({ a: '3000', b: '3' })).toMatchObject({ ok: false, code: 'spread_too_wide' });
  });

  it('spread exactly at the limit passes, just over it does not', () => {
    const over = { maxSpread: exact('2'), outliers: { factor: exact('100'), floor: exact('100') } };
    expect(run({ a: '99', b: '100', c: '101' }, over)).toMatchObject({ ok: true });
    expect(run({ a: '99', b: '100', c: '101.0000001' }, over)).toMatchObject({ code: 'spread_too_wide' });
  });

  it('too few after dropping: the detail names each source and why', () => {
    const missing: Candidate = { ok: false, source: 'z', code: 'timeout' };
    expect(aggregate(rules({ minSources: 2 }), [...candidates({ a: '10' }), missing])).toMatchObject({
      ok: false,
      code: 'too_few_sources',
      detail: '1 of 2 sources: z timeout',
    });
  });

  it('nothing at all', () => {
    expect(aggregate(rules(), [])).toMatchObject({ ok: false, code: 'no_observations' });
    const none: Candidate = { ok: false, source: 'a', code: 'no_observation' };
    expect(aggregate(rules(), [none])).toMatchObject({ code: 'no_observations' });
  });

  it.each(['0', '-1'])('%s is no price where a price must be positive', (value) => {
    expect(run({ a: value })).toMatchObject({ ok: false, code: 'not_positive' });
    expect(run({ a: value, b: '10', c: '10' }, { minSources: 2 })).toMatchObject({
      ok: true,
      value: exact('10'),
    });
  });

  it('negative and zero are prices of a rate', () => {
    const rate = { positive: false, maxSpread: exact('100') };
    expect(run({ a: '-0.5', b: '-0.51', c: '-0.49' }, rate)).toMatchObject({
      ok: true,
      value: exact('-0.5'),
    });
    expect(run({ a: '0', b: '0', c: '0' }, rate)).toMatchObject({ ok: true, value: exact('0') });
  });

  it('holds back outside the bounds and never clamps', () => {
    const bounds = { min: exact('0.10'), max: exact('20') };
    expect(run({ a: '0.10' }, bounds)).toMatchObject({ ok: true });
    expect(run({ a: '20' }, bounds)).toMatchObject({ ok: true });
    expect(run({ a: '0.099999' }, bounds)).toMatchObject({ ok: false, code: 'out_of_bounds' });
    expect(run({ a: '20.000001' }, bounds)).toMatchObject({ ok: false, code: 'out_of_bounds' });
  });

  it('drops what is dated after now, to the millisecond, but for the small corrections that clocks get', () => {
    const [near] = candidates({ a: '10' }, -1_000);
    const [ahead] = candidates({ b: '20' }, -1_001);
    expect(aggregate(rules(), [near!, ahead!])).toMatchObject({
      ok: true,
      value: exact('10'),
      used: [{ source: 'a' }],
      dropped: [{ source: 'b', code: 'time_invalid', observation: { source: 'b' } }],
    });
    expect(aggregate(rules(), [ahead!])).toMatchObject({ ok: false, code: 'too_few_sources' });
  });

  it('the time is that since which enough sources were there', () => {
    const aged = (source: string, ageMs: number) => candidates({ [source]: '10' }, ageMs)[0]!;
    const at = (...ages: number[]) => {
      const result = aggregate(
        rules({ minSources: 2 }),
        ages.map((age, i) => aged(`s${i}`, age)),
      );
      return result.ok && TICK_MS - result.observedAtMs;
    };
    expect(at(1_000, 5_000, 9_000)).toBe(5_000);
    expect(at(1_000, 9_000)).toBe(9_000);
  });
});
