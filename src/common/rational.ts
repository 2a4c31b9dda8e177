/** Exact fractions of bigints: what a value is between a source's bytes and the one rounding to a feed's decimals. */

/** The fraction `n / d`; `d` is always above zero. Not kept in lowest terms unless {@link reduce} made it so. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** A whole number as a fraction. */
export const whole = (value: bigint): Rational => ({ n: value, d: 1n });

/** The absolute value of a bigint. */
export const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** `a × b`. */
export const multiply = (a: Rational, b: Rational): Rational => reduce({ n: a.n * b.n, d: a.d * b.d });

/** `a ÷ b`, or `undefined` when `b` is zero. */
export function divide(a: Rational, b: Rational): Rational | undefined {
  if (b.n === 0n) return undefined;
  const sign = b.n < 0n ? -1n : 1n;
  return reduce({ n: a.n * b.d * sign, d: a.d * b.n * sign });
}

/** `a − b`. */
export const subtract = (a: Rational, b: Rational): Rational =>
  reduce({ n: a.n * b.d - b.n * a.d, d: a.d * b.d });

/** The arithmetic mean of two fractions. */
export const mean = (a: Rational, b: Rational): Rational =>
  reduce({ n: a.n * b.d + b.n * a.d, d: 2n * a.d * b.d });

/** Orders two fractions: negative when `a < b`, zero when equal, positive when `a > b`. */
export function compare(a: Rational, b: Rational): number {
  const left = a.n * b.d;
  const right = b.n * a.d;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The same fraction in lowest terms. */
export function reduce({ n, d }: Rational): Rational {
  let a = abs(n);
  let b = d;
  while (b !== 0n) [a, b] = [b, a % b];
  return a <= 1n ? { n, d } : { n: n / a, d: d / a };
}

/**
 * Scales a fraction by `10^decimals` and rounds half to even, the one rounding of the price path.
 * @returns the answer in the feed's smallest unit
 */
export function toScaled({ n, d }: Rational, decimals: number): bigint {
  const scaled = n * 10n ** BigInt(decimals);
  const quotient = scaled / d;
  const twice = abs(scaled % d) * 2n;
  if (twice < d || (twice === d && quotient % 2n === 0n)) return quotient;
  return scaled < 0n ? quotient - 1n : quotient + 1n;
}
