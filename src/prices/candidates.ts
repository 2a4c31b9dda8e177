/** What a feed's sources say at a tick: observations brought into the feed's own quote currency. */
import { divide, multiply, type Rational, whole } from '../common/rational.js';
import type { FeedSource, SourceConfig } from '../config/types.js';
import type { Aggregate, Candidate, DropReason } from './aggregate.js';
import type { Slot } from './slots.js';

/** The aggregate of another feed at the same tick; holds when that feed is unknown or part of a cycle. */
export type Lookup = (feed: string) => Aggregate;

/**
 * Reads a slot at a tick.
 * @param tickMs Unix milliseconds
 * @param nowMs Unix milliseconds at which it is read
 */
export function candidateOf(slot: Slot, tickMs: number, nowMs: number, lookup: Lookup): Candidate {
  const { source } = slot;
  const own = source.kind === 'feed' ? derive(source, lookup) : observed(slot);
  if (!own.ok) return { ok: false, source: source.label, code: own.code };
  const converted = convert(own, source, lookup);
  if (!converted.ok) return { ok: false, source: source.label, code: converted.code };
  return {
    ok: true,
    ageMs: tickMs - own.observedAtMs,
    aheadMs: own.observedAtMs - nowMs,
    maxAgeMs: slot.maxAgeMs,
    observation: {
      source: source.label,
      value: converted.value,
      observedAtMs: converted.observedAtMs,
      timeFrom: own.timeFrom,
      receivedAtMs: own.receivedAtMs,
    },
  };
}

type Value =
  | {
      readonly ok: true;
      readonly value: Rational;
      readonly observedAtMs: number;
      readonly timeFrom: 'venue' | 'receipt';
      readonly receivedAtMs: number;
    }
  | { readonly ok: false; readonly code: DropReason };

function observed({ observation, result }: Slot): Value {
  if (observation) return { ok: true, ...observation };
  return { ok: false, code: result === undefined || result === 'ok' ? 'no_observation' : result };
}

/** Product of the inputs, or the first divided by each of the others, with the oldest of their times. */
function derive({ inputs, operation, scale, invert }: FeedSource, lookup: Lookup): Value {
  let value: Rational | undefined;
  let observedAtMs = Number.POSITIVE_INFINITY;
  for (const name of inputs) {
    const input = lookup(name);
    if (!input.ok) return { ok: false, code: 'input_missing' };
    observedAtMs = Math.min(observedAtMs, input.observedAtMs);
    if (!value) value = input.value;
    else {
      const next = operation === 'product' ? multiply(value, input.value) : divide(value, input.value);
      if (!next) return { ok: false, code: 'out_of_range' };
      value = next;
    }
  }
  if (!value) return { ok: false, code: 'input_missing' };
  const scaled = multiply(value, scale);
  const result = invert ? divide(whole(1n), scaled) : scaled;
  if (!result) return { ok: false, code: 'out_of_range' };
  return { ok: true, value: result, observedAtMs, timeFrom: 'venue', receivedAtMs: observedAtMs };
}

function convert(own: Extract<Value, { ok: true }>, source: SourceConfig, lookup: Lookup): Value {
  if (source.convert === undefined) return own;
  const rate = lookup(source.convert);
  if (!rate.ok) return { ok: false, code: 'conversion_missing' };
  return {
    ...own,
    value: multiply(own.value, rate.value),
    observedAtMs: Math.min(own.observedAtMs, rate.observedAtMs),
  };
}
