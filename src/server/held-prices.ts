/**
 * What the daemon holds of each published feed at its last tick: the very answer that the publisher judged, guards
 * included, and until when it may be passed on. Reading it computes no price and moves nothing.
 */
import type { DecisionReason } from '../common/words.js';
import type { FeedConfig, SourceConfig } from '../config/types.js';
import type { FeedVerdict } from '../publisher/evaluate.js';
import type { GroupState } from '../publisher/group-state.js';

export interface HeldPrice {
  readonly feed: string;
  readonly base: string;
  readonly quote: string;
  readonly decimals: number;
  /** `ok`, `pending` before the first tick, else what holds the price back. */
  readonly code: 'ok' | 'pending' | DecisionReason;
  /** What was found and what was wanted; empty for a price. */
  readonly detail: string;
  /** Scaled by the decimals; null unless the code is `ok`. */
  readonly answer: string | null;
  /** Unix seconds of the tick that it was judged at. */
  readonly tick: number | null;
  /** Unix milliseconds: the price's own time. */
  readonly observedAtMs: number | null;
  /** Unix milliseconds at which the newest of its observations reached the daemon. */
  readonly receivedAtMs: number | null;
  /** Unix milliseconds from which on it is too old to be passed on. */
  readonly goodUntilMs: number | null;
}

/** A loop that misses ticks for longer than this passes nothing on, whatever the age of the observations. */
const LATE_TICKS = 2;
const LATE_MS = 5_000;

/** Reads what is held, in the order of groups and feeds; `conversions` are the feeds that are read and not published. */
export function readHeldPrices(
  groups: readonly GroupState[],
  conversions: readonly FeedConfig[],
): HeldPrice[] {
  const feeds = [...groups.flatMap(({ config }) => config.feeds), ...conversions];
  const byName = new Map(feeds.map((feed) => [feed.name, feed]));
  return groups.flatMap(({ config, evaluation }) =>
    config.feeds.map((feed) => {
      const verdict = evaluation?.feeds.find((found) => found.feed === feed.name);
      return heldPrice(feed, byName, config.tickSeconds, verdict, evaluation?.tick);
    }),
  );
}

function heldPrice(
  feed: FeedConfig,
  byName: ReadonlyMap<string, FeedConfig>,
  tickSeconds: number,
  verdict: FeedVerdict | undefined,
  tick: number | undefined,
): HeldPrice {
  const { name, base, quote, decimals } = feed;
  const nothing = { answer: null, observedAtMs: null, receivedAtMs: null, goodUntilMs: null };
  const about = { feed: name, base, quote, decimals, tick: tick ?? null };
  if (!verdict || tick === undefined)
    return { ...about, ...nothing, code: 'pending', detail: 'no tick was judged yet' };
  const { price, reason } = verdict;
  const seen = [...price.used, ...price.dropped.flatMap(({ observation }) => observation ?? [])];
  const receivedAtMs = seen.length === 0 ? null : Math.max(...seen.map((one) => one.receivedAtMs));
  const held = (code: DecisionReason, detail: string): HeldPrice => ({
    ...about,
    ...nothing,
    receivedAtMs,
    code,
    detail,
  });
  if (!price.ok) return held(price.code, price.detail);
  // While its market is closed a feed may repeat the answer on chain to keep its heartbeat: that is an old number here.
  if (price.used.length === 0) return held('market_closed', 'the last price is repeated on chain only');
  // Without the answer on chain nobody judged the jump.
  if (reason === 'chain_unknown') return held('chain_unknown', 'the answer on chain is not known yet');
  return {
    ...about,
    code: 'ok',
    detail: '',
    answer: price.answer.toString(),
    observedAtMs: price.observedAtMs,
    receivedAtMs,
    goodUntilMs: Math.min(
      price.observedAtMs + ageLimitMs(feed, byName, []),
      (tick + LATE_TICKS * tickSeconds) * 1_000 + LATE_MS,
    ),
  };
}

/** The longest age that any of a feed's sources is allowed, what these are converted with or derived from included. */
export function ageLimitMs(
  feed: FeedConfig,
  byName: ReadonlyMap<string, FeedConfig>,
  path: readonly string[],
): number {
  const below = (name: string): number => {
    const other = byName.get(name);
    return other && !path.includes(name) ? ageLimitMs(other, byName, [...path, feed.name]) : 0;
  };
  const limitOf = (source: SourceConfig): number =>
    Math.max(
      source.maxAgeMs ?? (source.kind === 'aggregator' ? source.staleAfterMs : feed.maxAgeMs),
      ...(source.convert === undefined ? [] : [below(source.convert)]),
      ...(source.kind === 'feed' ? source.inputs.map(below) : []),
    );
  return Math.max(0, ...feed.sources.map(limitOf));
}
