/**
 * From many observations to one value at a tick: pure and exact. The order of the guards is time, positive values,
 * outliers, minimum sources, spread, median, bounds. Each holds back with a reason; none clamps a value.
 */
import { formatRational } from '../common/decimal.js';
import { compare, multiply, type Rational } from '../common/rational.js';
import type { DroppedObservation, HoldReason, Observation } from '../common/words.js';
import type { FeedConfig } from '../config/types.js';
import type { SourceResult } from '../telemetry/metrics.js';
import { CLOCK_TOLERANCE_MS } from './clock-watch.js';
import { distance, median, percentOf, sorted } from './median.js';

/** Why an observation was left out, or why a source had none. A closed list. */
export type DropReason =
  | Exclude<SourceResult, 'ok'>
  | 'no_observation'
  | 'not_positive'
  | 'outlier'
  | 'conversion_missing'
  | 'input_missing';

/** What one source has to say at a tick. */
export type Candidate =
  | {
      readonly ok: true;
      /** In the feed's own quote currency; its time is the oldest of all that went into the value. */
      readonly observation: Observation;
      /** Milliseconds from the source's own observation to the tick, judged against `maxAgeMs`. */
      readonly ageMs: number;
      /** Milliseconds by which that observation is dated after now: only a clock that was set back leaves one there. */
      readonly aheadMs: number;
      readonly maxAgeMs: number;
    }
  | { readonly ok: false; readonly source: string; readonly code: DropReason };

/** The rules that a feed's observations are judged by. */
export type AggregationRules = Pick<
  FeedConfig,
  'minSources' | 'maxSpread' | 'outliers' | 'positive' | 'min' | 'max'
>;

interface Evidence {
  readonly used: readonly Observation[];
  readonly dropped: readonly DroppedObservation[];
}

/** A feed's exact value at a tick, or the guard that held it back. */
export type Aggregate = Evidence &
  (
    | {
        readonly ok: true;
        readonly value: Rational;
        /** Unix milliseconds; see {@link quorumTime}. */
        readonly observedAtMs: number;
      }
    | { readonly ok: false; readonly code: HoldReason; readonly detail: string }
  );

/** Aggregates what the sources say. */
export function aggregate(rules: AggregationRules, candidates: readonly Candidate[]): Aggregate {
  const dropped: DroppedObservation[] = [];
  const drop = (observation: Observation, code: DropReason) =>
    dropped.push({ source: observation.source, code, observation });

  const fresh: Observation[] = [];
  for (const candidate of candidates) {
    if (!candidate.ok) dropped.push({ source: candidate.source, code: candidate.code });
    // Its age is unknown, and would stay below any limit until its date has come.
    else if (candidate.aheadMs > CLOCK_TOLERANCE_MS) drop(candidate.observation, 'time_invalid');
    else if (candidate.ageMs > candidate.maxAgeMs) drop(candidate.observation, 'stale');
    else if (rules.positive && candidate.observation.value.n <= 0n)
      drop(candidate.observation, 'not_positive');
    else fresh.push(candidate.observation);
  }

  const limit = outlierLimit(fresh, rules);
  const used: Observation[] = [];
  for (const observation of fresh) {
    if (limit && compare(distance(observation.value, limit.centre), limit.distance) > 0)
      drop(observation, 'outlier');
    else used.push(observation);
  }

  const hold = (code: HoldReason, detail: string): Aggregate => ({ ok: false, code, detail, used, dropped });
  const values = sorted(used.map(({ value }) => value));
  const [low, high, middle] = [values[0], values[values.length - 1], median(values)];
  if (used.length < rules.minSources || !low || !high || !middle)
    return hold(shortageReason(used.length, dropped, rules.minSources), shortage(used, dropped, rules));

  const spread = distance(high, low);
  if (compare(spread, percentOf(rules.maxSpread, middle)) > 0)
    return hold('spread_too_wide', `${text(low)} to ${text(high)}, wanted ${text(rules.maxSpread)} %`);
  if (rules.positive && middle.n <= 0n) return hold('not_positive', text(middle));
  if (rules.min && compare(middle, rules.min) < 0)
    return hold('out_of_bounds', `${text(middle)} is below ${text(rules.min)}`);
  if (rules.max && compare(middle, rules.max) > 0)
    return hold('out_of_bounds', `${text(middle)} is above ${text(rules.max)}`);
  return {
    ok: true,
    value: middle,
    observedAtMs: quorumTime(fresh, rules.minSources),
    used,
    dropped,
  };
}

/**
 * The time of a price: the moment since which at least `minSources` fresh observations have been at hand, the newest
 * such moment. Not simply the oldest observation's time: losing the oldest source would then make a price look newer.
 * So defined, dropping or delaying any source can only move the time back.
 */
function quorumTime(fresh: readonly Observation[], minSources: number): number {
  const newestFirst = fresh.map(({ observedAtMs }) => observedAtMs).sort((a, b) => b - a);
  return newestFirst[Math.max(minSources, 1) - 1] ?? 0;
}

/** How far from the median an observation may lie: so many median absolute deviations, but at least the floor. */
function outlierLimit(fresh: readonly Observation[], { outliers }: AggregationRules) {
  const values = fresh.map(({ value }) => value);
  const centre = median(values);
  const deviation = centre && median(values.map((value) => distance(value, centre)));
  if (!centre || !deviation) return undefined;
  const byDeviation = multiply(outliers.factor, deviation);
  const floor = percentOf(outliers.floor, centre);
  return { centre, distance: compare(byDeviation, floor) > 0 ? byDeviation : floor };
}

/** Too few are left: the reason names what would have made the difference. */
function shortageReason(
  left: number,
  dropped: readonly DroppedObservation[],
  minSources: number,
): HoldReason {
  const count = (...codes: DropReason[]) =>
    dropped.filter(({ code }) => (codes as string[]).includes(code)).length;
  if (left + count('not_positive') >= minSources && count('not_positive') > 0) return 'not_positive';
  const missing = count('conversion_missing', 'input_missing');
  if (left + missing >= minSources && missing > 0) return 'input_missing';
  if (left === 0 && dropped.every(({ observation }) => !observation)) return 'no_observations';
  return 'too_few_sources';
}

function shortage(
  used: readonly Observation[],
  dropped: readonly DroppedObservation[],
  { minSources }: AggregationRules,
): string {
  const why = dropped.map(({ source, code }) => `${source} ${code}`).join(', ');
  return `${used.length} of ${minSources} sources${why === '' ? '' : `: ${why}`}`;
}

const text = (value: Rational) => formatRational(value, 12);
