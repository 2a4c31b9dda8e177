import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRational, formatScaled, parseDecimal } from '../../../src/common/decimal.js';
import { formatDuration, parseDuration } from '../../../src/common/duration.js';
import { compare, divide, mean, multiply, toScaled } from '../../../src/common/rational.js';

const value = (text: string) => {
  const result = parseDecimal(text);
  if (!result.ok) throw new Error(result.code);
  return result.value;
};

describe('decimal text', () => {
  it.each([
    ['0.1', 1n, 10n],
    ['1e-7', 1n, 10_000_000n],
    ['-1.50', -3n, 2n],
    ['1E3', 1000n, 1n],
    ['+.5', 1n, 2n],
    ['5.', 5n, 1n],
    ['0', 0n, 1n],
    ['-0', 0n, 1n],
    ['11726.4504627300', 1_172_645_046_273n, 100_000_000n],
  ])('%s is exact', (text, n, d) => {
    expect(value(text)).toEqual({ n, d });
  });

  it.each([
    ['', 'not_a_number'],
    ['.', 'not_a_number'],
    ['NaN', 'not_a_number'],
    ['Infinity', 'not_a_number'],
    ['0x10', 'not_a_number'],
    ['1,000', 'not_a_number'],
    ['1 ', 'not_a_number'],
    ['1e', 'not_a_number'],
    ['1e101', 'out_of_range'],
    ['1e999999999', 'out_of_range'],
    ['9'.repeat(101), 'too_long'],
    ['0'.repeat(1_000_000), 'too_long'],
  ])('refuses %s', (text, code) => {
    expect(parseDecimal(text)).toEqual({ ok: false, code });
  });

  it('loses nothing between reading and printing', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
        fc.integer({ min: 0, max: 36 }),
        (scaled, decimals) => {
          const text = formatScaled(scaled, decimals);
          expect(toScaled(value(text), decimals)).toBe(scaled);
          expect(compare(value(formatRational(value(text), 36)), value(text))).toBe(0);
        },
      ),
    );
  });
});

describe('rounding', () => {
  it.each([
    ['0.5', 0, 0n],
    ['1.5', 0, 2n],
    ['2.5', 0, 2n],
    ['-0.5', 0, 0n],
    ['-1.5', 0, -2n],
    ['-2.5', 0, -2n],
    ['2.50000001', 0, 3n],
    ['1.23456789', 4, 12346n],
    ['1.23445', 4, 12344n],
    ['1.23455', 4, 12346n],
  ])('%s to %i decimals is half-even', (text, decimals, expected) => {
    expect(toScaled(value(text), decimals)).toBe(expected);
  });
});

describe('fractions', () => {
  it('divide by zero is no number, and signs stay in the numerator', () => {
    expect(divide({ n: 1n, d: 1n }, { n: 0n, d: 1n })).toBeUndefined();
    expect(divide({ n: 1n, d: 1n }, { n: -2n, d: 1n })).toEqual({ n: -1n, d: 2n });
  });

  it('a product divided by one factor is the other; a mean lies between', () => {
    const rational = fc
      .tuple(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), fc.bigInt({ min: 1n, max: 2n ** 80n }))
      .map(([n, d]) => ({ n, d }));
    fc.assert(
      fc.property(rational, rational, (a, b) => {
        const back = divide(multiply(a, b), b);
        if (b.n !== 0n) expect(back && compare(back, a)).toBe(0);
        const [low, high] = compare(a, b) < 0 ? [a, b] : [b, a];
        expect(compare(low, mean(a, b))).toBeLessThanOrEqual(0);
        expect(compare(mean(a, b), high)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('durations', () => {
  it.each([
    ['60s', 60_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['90', 90_000],
    ['1d', 86_400_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  it.each(['', '12abc', '-1s', '1e3', '1w', 'off', '0.0001ms'])('refuses %s', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
  it('prints in the largest whole unit', () => {
    expect([90_000, 300_000, 3_600_000, 1_500].map(formatDuration)).toEqual(['90s', '5m', '1h', '1500ms']);
  });
});
