/** A venue's time, in whichever of the five usual forms, as Unix milliseconds. */
import { parseDecimal } from '../../common/decimal.js';
import type { TimeUnit } from '../../config/types.js';

const ISO = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i;

/** Units of a second. */
const PER_SECOND: Readonly<Record<Exclude<TimeUnit, 'iso'>, bigint>> = {
  s: 1n,
  ms: 1_000n,
  us: 1_000_000n,
  ns: 1_000_000_000n,
};

// Before 2010 no venue traded what this daemon publishes, and after 2100 nobody runs it: outside, the unit is wrong.
const EARLIEST_MS = Date.UTC(2010, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/**
 * Reads a time. Fractions of a millisecond are cut, so a time never moves forward by being read; an ISO time without
 * a zone is UTC, as all venues mean it.
 * @returns Unix milliseconds, or `undefined` when the text is no time in that unit
 */
export function parseTime(text: string, unit: TimeUnit): number | undefined {
  const ms = unit === 'iso' ? parseIso(text) : parseNumber(text, PER_SECOND[unit]);
  return ms !== undefined && ms >= EARLIEST_MS && ms < LATEST_MS ? ms : undefined;
}

function parseNumber(text: string, perSecond: bigint): number | undefined {
  const number = parseDecimal(text);
  if (!number.ok || number.value.n < 0n) return undefined;
  return Number((number.value.n * 1_000n) / (number.value.d * perSecond));
}

function parseIso(text: string): number | undefined {
  const match = ISO.exec(text.trim());
  if (!match) return undefined;
  const [, day, time, fraction = '', zoneText = 'Z'] = match;
  const zone = /^(z|utc)$/i.test(zoneText) ? 'Z' : zoneText.replace(/^(.{3}):?/, '$1:');
  const ms = Date.parse(`${day}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`);
  return Number.isNaN(ms) ? undefined : ms;
}
