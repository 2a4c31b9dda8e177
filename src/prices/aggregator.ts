/** A Chainlink-style feed on this or another chain as a source: mirroring. The reading itself is handed in. */

import { divide, multiply, whole } from '../common/rational.js';
import type { Clock } from '../common/time.js';
import type { AggregatorSource } from '../config/types.js';
import { failure, type ReadingResult } from './observation.js';

/** What `latestRoundData` and `decimals` of the mirrored feed say. */
export interface AggregatorAnswer {
  readonly answer: bigint;
  readonly decimals: number;
  /** Unix seconds. */
  readonly updatedAt: number;
}

/** No feed in use has more; a larger number is a wrong contract. */
const MAX_DECIMALS = 38;
const MAX_CLOCK_SKEW_MS = 60_000;

/**
 * Reads a mirrored feed. Its time is the round's own, never the time of reading.
 * @param read asks the chain; absent in a daemon that was built without
 */
export async function readAggregatorSource(
  source: AggregatorSource,
  read: ((source: AggregatorSource, signal: AbortSignal) => Promise<AggregatorAnswer>) | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<ReadingResult> {
  if (!read) return failure('disconnected', 'no reader of chains is configured');
  let round: AggregatorAnswer;
  try {
    round = await read(source, signal);
  } catch {
    signal.throwIfAborted();
    // The error's text can hold the endpoint's address, and with it a key.
    return failure('network', 'the chain could not be read');
  }
  return readRound(source, round, clock.now());
}

/** Judges a round that was read at the given Unix milliseconds. Pure. */
export function readRound(source: AggregatorSource, round: AggregatorAnswer, nowMs: number): ReadingResult {
  const { answer, decimals, updatedAt } = round;
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > MAX_DECIMALS)
    return failure('out_of_range', `the feed has ${decimals} decimals`);
  if (source.decimals !== undefined && source.decimals !== decimals)
    return failure('venue_error', `the feed has ${decimals} decimals, configured are ${source.decimals}`);
  const observedAtMs = updatedAt * 1_000;
  if (!Number.isSafeInteger(observedAtMs) || updatedAt <= 0 || observedAtMs > nowMs + MAX_CLOCK_SKEW_MS)
    return failure('time_invalid', `updatedAt is ${updatedAt}`);
  if (nowMs - observedAtMs > source.staleAfterMs)
    return failure('stale', `the round is ${Math.floor((nowMs - observedAtMs) / 1_000)} s old`);
  const scaled = multiply({ n: answer, d: 10n ** BigInt(decimals) }, source.scale);
  const value = source.invert ? divide(whole(1n), scaled) : scaled;
  if (!value) return failure('out_of_range', 'zero has no inverse');
  return {
    ok: true,
    value,
    observedAtMs: Math.min(observedAtMs, nowMs),
    timeFrom: 'venue',
    receivedAtMs: nowMs,
  };
}
