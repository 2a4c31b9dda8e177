/** Medians of exact fractions. */
import { compare, mean, type Rational, reduce, subtract } from '../common/rational.js';

/** Sorts ascending; the argument is left as it is. */
export function sorted(values: readonly Rational[]): readonly Rational[] {
  return [...values].sort(compare);
}

/** The median; with an even count the mean of the two in the middle. `undefined` for no values. */
export function median(values: readonly Rational[]): Rational | undefined {
  const ordered = sorted(values);
  const upper = ordered[Math.floor(ordered.length / 2)];
  const lower = ordered[Math.floor((ordered.length - 1) / 2)];
  return upper && lower && (upper === lower ? upper : mean(lower, upper));
}

/** `|a − b|`. */
export function distance(a: Rational, b: Rational): Rational {
  const difference = subtract(a, b);
  return difference.n < 0n ? { n: -difference.n, d: difference.d } : difference;
}

/** `percent` percent of `|value|`. */
export function percentOf(percent: Rational, value: Rational): Rational {
  const magnitude = value.n < 0n ? -value.n : value.n;
  return reduce({ n: percent.n * magnitude, d: percent.d * value.d * 100n });
}
