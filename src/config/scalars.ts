/** Strict readers of single settings: the whole text must fit, or the message says what is allowed. */
import { parseDecimal } from '../common/decimal.js';
import { parseDuration } from '../common/duration.js';
import type { Rational } from '../common/rational.js';
import { compare, whole } from '../common/rational.js';
import type { Address } from '../common/words.js';

/** A read value, or what is allowed instead. */
export type Scalar<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };
export type Reader<T> = (text: string) => Scalar<T>;

const good = <T>(value: T): Scalar<T> => ({ ok: true, value });
const bad = (message: string): Scalar<never> => ({ ok: false, message });

/** Any text that is not blank. */
export const readText: Reader<string> = (text) =>
  text.trim() === '' ? bad('must not be empty') : good(text.trim());

/** A whole number within bounds; `12abc`, `1e3` and `0x10` are refused. */
export const readInteger =
  (min: number, max: number): Reader<number> =>
  (text) => {
    const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? good(value) : bad(`must be a whole number from ${min} to ${max}`);
  };

/** `true` or `false` and nothing else: `yes`, `0` and the like mean different things to different readers. */
export const readBoolean: Reader<boolean> = (text) =>
  text === 'true' ? good(true) : text === 'false' ? good(false) : bad('must be true or false');

/** A duration within bounds given in milliseconds. */
export const readDuration =
  (minMs: number, maxMs: number, hint: string): Reader<number> =>
  (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= minMs && ms <= maxMs
      ? good(ms)
      : bad(`must be a duration ${hint}, such as 60s, 5m or 1h (a bare number means seconds)`);
  };

/** A duration in whole seconds. */
export const readSeconds =
  (min: number, max: number): Reader<number> =>
  (text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms % 1000 === 0 && ms >= min * 1000 && ms <= max * 1000
      ? good(ms / 1000)
      : bad(`must be whole seconds from ${min}s to ${max}s, such as 60s, 5m or 1h`);
  };

/** An exact decimal. */
export const readDecimal: Reader<Rational> = (text) => {
  const result = parseDecimal(text.trim());
  return result.ok ? good(result.value) : bad('must be a decimal number, such as 1.5');
};

/** A decimal that something is multiplied by: zero would make everything zero. */
export const readFactor: Reader<Rational> = (text) => {
  const result = readDecimal(text);
  return result.ok && result.value.n === 0n
    ? bad('must be a decimal number other than 0, such as 0.01')
    : result;
};

/** A percentage above zero, at most `max`. */
export const readPercent =
  (max: bigint): Reader<Rational> =>
  (text) => {
    const result = parseDecimal(text.trim());
    return result.ok && result.value.n > 0n && compare(result.value, whole(max)) <= 0
      ? good(result.value)
      : bad(`must be a percentage above 0 and at most ${max}, such as 0.5 (half of one percent)`);
  };

/** A deviation threshold: a percentage, or `off`. Zero is refused: every tick would be due. */
export const readDeviation: Reader<Rational | 'off'> = (text) => {
  if (text.trim() === 'off') return good('off');
  const percent = readPercent(1000n)(text);
  return percent.ok ? percent : bad(`${percent.message}; write off to publish by heartbeat alone`);
};

/** A 20-byte address. */
export const readAddress: Reader<Address> = (text) =>
  /^0x[0-9a-fA-F]{40}$/.test(text.trim())
    ? good(text.trim() as Address)
    : bad('must be an address: 0x and 40 hexadecimal digits');

const UNIT_WEI: Readonly<Record<string, bigint>> = { wei: 1n, gwei: 10n ** 9n, ether: 10n ** 18n };

/** An amount of native currency: `30 gwei`, `0.05 ether`, a bare number means wei. */
export const readWei: Reader<bigint> = (text) => {
  const match = /^([0-9.]+)\s*(wei|gwei|ether)?$/.exec(text.trim());
  const decimal = parseDecimal(match?.[1] ?? '');
  const unit = UNIT_WEI[match?.[2] ?? 'wei'];
  if (decimal.ok && unit !== undefined && (decimal.value.n * unit) % decimal.value.d === 0n)
    return good((decimal.value.n * unit) / decimal.value.d);
  return bad('must be an amount such as 30 gwei, 0.05 ether or 1000000 wei');
};

/** One of a closed list of words. */
export const readWord =
  <const W extends string>(...words: readonly W[]): Reader<W> =>
  (text) => {
    const word = words.find((candidate) => candidate === text.trim());
    return word === undefined ? bad(`must be one of: ${words.join(', ')}`) : good(word);
  };

/** A URL of one of the given schemes. The message never repeats the text: URLs carry keys. */
export const readUrl =
  (...schemes: readonly string[]): Reader<string> =>
  (text) => {
    try {
      if (schemes.includes(new URL(text.trim()).protocol.slice(0, -1))) return good(text.trim());
    } catch {
      // Falls through to the message below.
    }
    return bad(`must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`);
  };
