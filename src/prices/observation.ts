/** What one reading of a source ends with: a value with its time, or one code of the closed list. */
import type { Rational } from '../common/rational.js';
import type { SourceResult } from '../telemetry/metrics.js';

/** A usable value: scaled and inverted as configured, in the source's own quote currency. */
export interface Reading {
  readonly ok: true;
  readonly value: Rational;
  /** Unix milliseconds: the venue's own time where it gives one, else the moment of receipt; never after receipt. */
  readonly observedAtMs: number;
  readonly timeFrom: 'venue' | 'receipt';
  /** Unix milliseconds. */
  readonly receivedAtMs: number;
}

/** Why a reading gave no value. */
export interface ReadingFailure {
  readonly ok: false;
  readonly code: Exclude<SourceResult, 'ok'>;
  /** For the log and the status page: short, without URLs and credentials. */
  readonly detail: string;
  /** How long the venue asked to be left alone, milliseconds. */
  readonly retryAfterMs?: number;
  /** The HTTP status, where one was the cause. */
  readonly status?: number;
}

export type ReadingResult = Reading | ReadingFailure;

/** Builds a failure; the detail is cut, because part of it may come from outside. */
export function failure(
  code: ReadingFailure['code'],
  detail: string,
  more: Pick<ReadingFailure, 'retryAfterMs' | 'status'> = {},
): ReadingFailure {
  return { ok: false, code, detail: printable(detail, MAX_DETAIL), ...more };
}

/** The same result with its detail, if it has one, passed through a mask. */
export function redacted(reading: ReadingResult, mask: (text: string) => string): ReadingResult {
  return reading.ok ? reading : { ...reading, detail: mask(reading.detail) };
}

const MAX_DETAIL = 160;

/** Text from outside, made safe for one log line: no control characters, bounded length. */
export function printable(text: string, maxLength: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}
