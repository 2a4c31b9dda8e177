/** From a venue's JSON answer to a reading: errors told with status 200, the market's state, the value, its time. */
import { parseDecimal } from '../../common/decimal.js';
import { divide, multiply, type Rational, whole } from '../../common/rational.js';
import type { JsonExtraction, TimeUnit } from '../../config/types.js';
import { failure, type ReadingFailure, type ReadingResult } from '../observation.js';
import type { JsonDocument, Selected } from './document.js';
import { compilePath, type JsonPath } from './path.js';
import { parseTime } from './timestamp.js';

/** How a source's raw value becomes a reading. */
export interface Transformation {
  /** Factor applied to the raw value. */
  readonly scale: Rational;
  /** One divided by the scaled value. */
  readonly invert: boolean;
}

// Venues' clocks run ahead by seconds, never by minutes; further ahead is a wrong unit or a lie.
const MAX_CLOCK_SKEW_MS = 60_000;
const MAX_QUOTED = 80;
// A list of errors and warnings is looked through this far.
const MAX_ERRORS = 16;

/**
 * Reads a source's value out of an answer received at the given Unix milliseconds.
 * @param cacheAgeMs how long it lay in a cache: without a time of the venue, it is older than its receipt by that
 */
export type Extractor = (document: JsonDocument, receivedAtMs: number, cacheAgeMs?: number) => ReadingResult;

interface Paths {
  readonly value: JsonPath;
  readonly time?: JsonPath;
  readonly error?: JsonPath;
  readonly status?: JsonPath;
}

/** Compiles how a source is read, once. A path that is none makes every reading fail with `path_missing`. */
export function createExtractor(how: JsonExtraction, transformation: Transformation): Extractor {
  const paths = compileAll(how);
  if (!paths) return () => failure('path_missing', 'a path of this source is no JSONPath');
  return (document, receivedAtMs, cacheAgeMs = 0) =>
    venueError(document, paths.error) ??
    marketState(document, paths.status, how.statusOk ?? []) ??
    readValue(document, paths, how.timeUnit, transformation, receivedAtMs, cacheAgeMs);
}

function compileAll(how: JsonExtraction): Paths | undefined {
  const compiled: { -readonly [K in keyof Paths]?: JsonPath } = {};
  const wanted = { value: how.path, time: how.timePath, error: how.errorPath, status: how.statusPath };
  for (const name of ['value', 'time', 'error', 'status'] as const) {
    const text = wanted[name];
    if (text === undefined) continue;
    const path = compilePath(text);
    if (!path) return undefined;
    compiled[name] = path;
  }
  const { value } = compiled;
  return value && { ...compiled, value };
}

function venueError(document: JsonDocument, path: JsonPath | undefined): ReadingFailure | undefined {
  const told = path && document.select(path, MAX_ERRORS).find((selected) => !isEmpty(selected));
  return told && failure('venue_error', `the venue says: ${quote(told)}`);
}

/** Null, false, zero and empty stand for "no error"; `"0"` and `"00000"` are how several venues write zero. */
function isEmpty(selected: Selected): boolean {
  switch (selected.kind) {
    case 'null':
      return true;
    case 'boolean':
      return !selected.value;
    case 'container':
      return selected.size === 0;
    case 'string':
      return /^\s*0*\s*$/.test(selected.text);
    case 'number': {
      const number = parseDecimal(selected.text);
      return number.ok && number.value.n === 0n;
    }
  }
}

function marketState(
  document: JsonDocument,
  path: JsonPath | undefined,
  statusOk: readonly string[],
): ReadingFailure | undefined {
  if (path === undefined) return undefined;
  const [state] = document.select(path);
  if (!state) return failure('path_missing', 'statusPath selects nothing');
  return statusOk.includes(asText(state))
    ? undefined
    : failure('market_suspended', `the market is ${quote(state)}`);
}

function readValue(
  document: JsonDocument,
  paths: Paths,
  timeUnit: TimeUnit,
  { scale, invert }: Transformation,
  receivedAtMs: number,
  cacheAgeMs: number,
): ReadingResult {
  const [raw, second] = document.select(paths.value);
  if (!raw) return failure('path_missing', 'path selects nothing');
  // Taking the first of several would publish whichever market the venue happens to list first.
  if (second) return failure('path_missing', 'path selects more than one value');
  if (raw.kind !== 'number' && raw.kind !== 'string')
    return failure('not_a_number', `path selects ${quote(raw)}`);
  const number = parseDecimal(raw.text.trim());
  if (!number.ok) {
    const code = number.code === 'not_a_number' ? 'not_a_number' : 'out_of_range';
    return failure(code, `path selects ${quote(raw)}`);
  }
  const scaled = multiply(number.value, scale);
  const transformed = invert ? divide(whole(1n), scaled) : scaled;
  if (!transformed) return failure('out_of_range', 'zero has no inverse');
  if (!paths.time) {
    const observedAtMs = receivedAtMs - cacheAgeMs;
    return { ok: true, value: transformed, observedAtMs, timeFrom: 'receipt', receivedAtMs };
  }

  const [time, otherTime] = document.select(paths.time);
  if (!time || otherTime) return failure('time_invalid', 'timePath does not select one value');
  const venueMs = parseTime(asText(time), timeUnit);
  if (venueMs === undefined) return failure('time_invalid', `timePath selects ${quote(time)}`);
  if (venueMs > receivedAtMs + MAX_CLOCK_SKEW_MS)
    return failure('time_invalid', `the venue's time lies ${venueMs - receivedAtMs} ms ahead`);
  const observedAtMs = Math.min(venueMs, receivedAtMs);
  return { ok: true, value: transformed, observedAtMs, timeFrom: 'venue', receivedAtMs };
}

function asText(selected: Selected): string {
  if (selected.kind === 'number' || selected.kind === 'string') return selected.text.trim();
  if (selected.kind === 'boolean') return String(selected.value);
  return '';
}

function quote(selected: Selected): string {
  if (selected.kind === 'container') return 'an array or object';
  if (selected.kind === 'null') return 'null';
  const text = asText(selected);
  return `"${text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text}"`;
}
