/** Decimal text to exact fractions and back: no floating point between a source's bytes and the contract. */
import type { Rational } from './rational.js';
import { abs, reduce } from './rational.js';

/** Why a text is not a usable decimal number. */
export type DecimalErrorCode = 'not_a_number' | 'too_long' | 'out_of_range';

export type DecimalResult =
  | { readonly ok: true; readonly value: Rational }
  | { readonly ok: false; readonly code: DecimalErrorCode };

// Longer than any price that a venue has ever quoted; a bound, because the text comes from outside.
const MAX_DIGITS = 100;
const MAX_EXPONENT = 100;
const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;

/**
 * Reads a decimal number, with an optional exponent, exactly: `0.1` is one tenth, `1e-7` one ten-millionth.
 * @returns the fraction, or the reason why the text is none: `not_a_number` (`NaN`, `Infinity`, hexadecimal and empty
 * text included), `too_long` (over 100 digits), `out_of_range` (an exponent beyond ±100)
 */
export function parseDecimal(text: string): DecimalResult {
  if (text.length > 2 * MAX_DIGITS) return { ok: false, code: 'too_long' };
  const match = DECIMAL.exec(text);
  if (!match) return { ok: false, code: 'not_a_number' };
  const [, sign, wholePart = '', fraction = '', exponentText = '0'] = match;
  const digits = wholePart + fraction;
  if (digits === '') return { ok: false, code: 'not_a_number' };
  if (digits.length > MAX_DIGITS) return { ok: false, code: 'too_long' };
  const exponent = Number(exponentText) - fraction.length;
  if (Math.abs(Number(exponentText)) > MAX_EXPONENT) return { ok: false, code: 'out_of_range' };
  const magnitude = BigInt(digits);
  const n = sign === '-' ? -magnitude : magnitude;
  const value =
    exponent >= 0 ? { n: n * 10n ** BigInt(exponent), d: 1n } : { n, d: 10n ** BigInt(-exponent) };
  return { ok: true, value: reduce(value) };
}

/** Prints a scaled answer as a decimal: `formatScaled(1234567n, 4)` is `123.4567`. Exact, without exponent. */
export function formatScaled(value: bigint, decimals: number): string {
  const digits = abs(value)
    .toString()
    .padStart(decimals + 1, '0');
  const sign = value < 0n ? '-' : '';
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Prints a fraction whose denominator divides a power of ten as exact decimal text; others to `places` places, cut. */
export function formatRational({ n, d }: Rational, places = 18): string {
  const sign = n < 0n ? '-' : '';
  const scaled = (abs(n) * 10n ** BigInt(places)) / d;
  const text = formatScaled(scaled, places);
  const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return sign + trimmed;
}
