/** The price book: polls and streams the sources, keeps their latest observations, and answers with prices at ticks. */
import type { Random } from '../common/random.js';
import type { Clock } from '../common/time.js';
import type { Observation, Price } from '../common/words.js';
import type { AggregatorSource, FeedConfig, SourceConfig } from '../config/types.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics, SourceResult } from '../telemetry/metrics.js';
import type { AggregatorAnswer } from './aggregator.js';
import type { BreakerState } from './breaker.js';
import { createClockWatch } from './clock-watch.js';
import type { ReadingResult } from './observation.js';
import { createPoller } from './poller.js';
import { createSlots, type Slot } from './slots.js';
import { planTasks } from './tasks.js';
import { createTicks, type PriceContext } from './ticks.js';
import { planStreams } from './websocket/plan.js';
import { createStreams } from './websocket/streams.js';

/** What the book needs of the configuration. */
export interface PricesConfig {
  /** Published feeds and conversions together. */
  readonly feeds: readonly FeedConfig[];
  readonly pollIntervalMs: number;
}

export interface PriceBookDeps {
  readonly config: PricesConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
  /** Reads a Chainlink-style feed; without it `aggregator` sources have no observations. */
  readonly readAggregator?: (source: AggregatorSource, signal: AbortSignal) => Promise<AggregatorAnswer>;
}

/** One source as the status page and `check-config --live` show it. */
export interface SourceView {
  readonly label: string;
  readonly feed: string;
  readonly kind: SourceConfig['kind'];
  readonly venue: string;
  /** In the source's own quote currency. */
  readonly observation?: Observation;
  /** What the last reading ended with; absent before the first. */
  readonly result?: SourceResult;
  /** Why, in a few words without URLs; empty after a success. */
  readonly detail?: string;
  /** Milliseconds. */
  readonly latencyMs?: number;
  /** Unix milliseconds of the last reading. */
  readonly readAtMs?: number;
  /** Absent for sources that are not polled. */
  readonly breaker?: BreakerState;
}

export interface PriceBook {
  /** Polls and streams until the signal aborts. One source never blocks another. */
  run(signal: AbortSignal): Promise<void>;
  /** Asks every source once. */
  pollOnce(signal: AbortSignal): Promise<void>;
  /**
   * The price of a feed at a tick, out of what is known now: never waits. Asked twice for one of the last 128 ticks, it
   * gives the same answer. The guards that compare with the chain are judged only when `context` says what it holds,
   * and anew when that changed.
   * @param tick Unix seconds
   */
  price(feed: string, tick: number, context?: PriceContext): Price;
  /** What is known of a feed's sources, in the order of the configuration. */
  sources(feed: string): readonly SourceView[];
  /** Takes a new configuration; sources whose meaning did not change keep their observations. */
  apply(config: PricesConfig): void;
}

/** Creates a price book; it asks nobody before `run` or `pollOnce`. */
export function createPriceBook(deps: PriceBookDeps): PriceBook {
  const { clock, log, metrics, random, readAggregator } = deps;
  const slots = createSlots(metrics);
  const ticks = createTicks(slots, clock);
  const lookAtClock = createClockWatch(clock);

  /** Before anything is dated or judged by the clock: was it set back? */
  function heedClock(): void {
    const byMs = lookAtClock();
    if (byMs === 0) return;
    slots.clockSetBack(byMs);
    ticks.clockSetBack(byMs);
    log.warn(
      { event: 'clock_set_back', milliseconds: byMs },
      'the clock was set back; what was observed before is dated back as far',
    );
  }

  /** Logs a source when its result changes, not at every poll. */
  function record(id: string, reading: ReadingResult, latencyMs: number | undefined): void {
    heedClock();
    const recorded = slots.record(id, reading, latencyMs, clock.now());
    const slot = slots.byId(id);
    if (!recorded || !slot || recorded.code === recorded.previous) return;
    const fields = {
      feed: slot.feed,
      source: slot.source.label,
      code: recorded.code,
      detail: slot.detail || undefined,
    };
    if (recorded.code !== 'ok') log.warn({ event: 'source_lost', ...fields }, 'source gives no usable value');
    else if (recorded.previous !== undefined) log.info({ event: 'source_back', ...fields }, 'source is back');
  }

  const poller = createPoller({
    clock,
    log,
    random,
    record,
    ...(readAggregator ? { readAggregator } : {}),
  });

  const streams = createStreams({
    clock,
    log,
    random,
    record: (id, reading) => record(id, reading, undefined),
  });

  function apply({ feeds, pollIntervalMs }: PricesConfig): void {
    slots.apply(feeds);
    ticks.apply(feeds);
    poller.apply(planTasks(slots.all()), pollIntervalMs);
    streams.apply(planStreams(slots.all()));
  }

  function view({ source, feed, observation, result, detail, latencyMs, readAtMs, id }: Slot): SourceView {
    const breaker = poller.breakerState(id);
    return {
      label: source.label,
      feed,
      kind: source.kind,
      venue: source.venue,
      ...(observation ? { observation } : {}),
      ...(result ? { result } : {}),
      ...(detail ? { detail } : {}),
      ...(latencyMs === undefined ? {} : { latencyMs }),
      ...(readAtMs === undefined ? {} : { readAtMs }),
      ...(breaker ? { breaker } : {}),
    };
  }

  apply(deps.config);
  return {
    async run(signal) {
      await Promise.all([poller.run(signal), streams.run(signal)]);
    },
    async pollOnce(signal) {
      await Promise.all([poller.pollOnce(signal), streams.once(signal)]);
    },
    price(feed, tick, context) {
      heedClock();
      return ticks.price(feed, tick, context);
    },
    sources: (feed) => slots.of(feed).map(view),
    apply,
  };
}
