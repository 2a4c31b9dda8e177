/** Small arithmetic on amounts of wei and block numbers. */

/** The smallest of at least one bigint. */
export const least = (first: bigint, ...rest: readonly bigint[]): bigint =>
  rest.reduce((least, value) => {
    if (value < least) return value;
    return least;
  }, first);

/** The largest of at least one bigint. */
export const most = (first: bigint, ...rest: readonly bigint[]): bigint =>
  rest.reduce((most, value) => {
    if (value > most) return value;
    return most;
  }, first);

/** `a ÷ b`, rounded up; `b` is above zero and `a` not below. */
export const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** Wei as a number in the chain's native currency, for metrics and people only. */
export const toNative = (wei: bigint): number => Number(wei) / 1e18;
