/** What is known of each source: its latest observation and how its last reading went. One slot per feed and source. */
import type { Observation } from '../common/words.js';
import type { FeedConfig, SourceConfig } from '../config/types.js';
import type { Metrics, SourceResult } from '../telemetry/metrics.js';
import { SOURCE_RESULTS } from '../telemetry/metrics.js';
import type { ReadingResult } from './observation.js';

export interface Slot {
  /** Feed and everything that decides what the source's value means; equal ids survive a reload. */
  readonly id: string;
  readonly feed: string;
  readonly source: SourceConfig;
  /** Milliseconds. */
  readonly maxAgeMs: number;
  /** In the source's own quote currency. */
  observation?: Observation;
  result?: SourceResult;
  detail?: string;
  /** Milliseconds from the start of the last reading to its end. */
  latencyMs?: number;
  /** Unix milliseconds. */
  readAtMs?: number;
}

/** What a reading meant for its slot. */
export interface Recorded {
  readonly code: SourceResult;
  readonly previous: SourceResult | undefined;
}

export interface Slots {
  readonly byId: (id: string) => Slot | undefined;
  readonly of: (feed: string) => readonly Slot[];
  readonly all: () => readonly Slot[];
  /** Takes a reading into its slot and counts it; one for a source that is no longer configured is ignored. */
  record(
    id: string,
    reading: ReadingResult,
    latencyMs: number | undefined,
    nowMs: number,
  ): Recorded | undefined;
  /** The wall clock was set back: dates what is held as the clock now would have. */
  clockSetBack(byMs: number): void;
  /** Sets the configured sources; those whose meaning did not change keep what is known of them. */
  apply(feeds: readonly FeedConfig[]): void;
}

/** Creates an empty table of slots. */
export function createSlots(metrics: Metrics): Slots {
  let slots = new Map<string, Slot>();
  let perFeed = new Map<string, Slot[]>();

  return {
    byId: (id) => slots.get(id),
    of: (feed) => perFeed.get(feed) ?? [],
    all: () => [...slots.values()],
    record(id, reading, latencyMs, nowMs) {
      const slot = slots.get(id);
      if (!slot) return undefined;
      const previous = slot.result;
      const code = takeIn(slot, reading, nowMs);
      slot.result = code;
      slot.detail = reading.ok ? '' : reading.detail;
      slot.readAtMs = nowMs;
      // Without a latency nothing was asked: the breaker was open.
      if (latencyMs !== undefined) slot.latencyMs = latencyMs;
      const source = slot.source.label;
      metrics.sourceRequests.inc({ source, result: code });
      if (latencyMs !== undefined) metrics.sourceSeconds.observe({ source }, latencyMs / 1_000);
      if (code === 'ok') metrics.sourceLastSuccess.set({ source }, nowMs / 1_000);
      return { code, previous };
    },
    clockSetBack(byMs) {
      for (const slot of slots.values())
        if (slot.observation) slot.observation = dated(slot.observation, byMs);
    },
    apply(feeds) {
      const before = slots;
      slots = new Map();
      perFeed = new Map();
      for (const feed of feeds) {
        const own = feed.sources.map((source) => {
          const id = slotId(feed.name, source);
          return {
            ...before.get(id),
            id,
            feed: feed.name,
            source,
            maxAgeMs: maxAgeOf(source, feed),
          };
        });
        perFeed.set(feed.name, own);
        for (const slot of own) slots.set(slot.id, slot);
      }
      declare(metrics, labels(before), labels(slots));
    },
  };
}

/** A mirrored feed has a heartbeat of its own, far longer than the age that suits an exchange. */
function maxAgeOf(source: SourceConfig, feed: FeedConfig): number {
  return source.maxAgeMs ?? (source.kind === 'aggregator' ? source.staleAfterMs : feed.maxAgeMs);
}

/** Keeps the newer of two observations, and says what the reading was worth. */
function takeIn(slot: Slot, reading: ReadingResult, nowMs: number): SourceResult {
  if (!reading.ok) return reading.code;
  const { value, observedAtMs, timeFrom, receivedAtMs } = reading;
  const held = slot.observation;
  // A cache or a lagging node of the venue can answer with the past: what is known must not move back. What is dated
  // after now is no measure: our own clock was ahead when it came.
  if (held && held.observedAtMs <= nowMs && observedAtMs < held.observedAtMs) return 'stale';
  slot.observation = { source: slot.source.label, value, observedAtMs, timeFrom, receivedAtMs };
  return nowMs - observedAtMs > slot.maxAgeMs ? 'stale' : 'ok';
}

/** An observation that was made by a clock that was ahead. A venue's own time stands, but never after the receipt. */
function dated(observation: Observation, aheadMs: number): Observation {
  const receivedAtMs = observation.receivedAtMs - aheadMs;
  const observedAtMs =
    observation.timeFrom === 'receipt'
      ? observation.observedAtMs - aheadMs
      : Math.min(observation.observedAtMs, receivedAtMs);
  return { ...observation, observedAtMs, receivedAtMs };
}

/** Deadlines, ages, intervals and conversions may change without making an observation another one: they stay out of the id. */
function slotId(feed: string, source: SourceConfig): string {
  const { deadlineMs: _d, maxAgeMs: _a, minIntervalMs: _i, convert: _c, ...meaning } = source;
  return JSON.stringify([feed, meaning], (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

const labels = (slots: ReadonlyMap<string, Slot>) =>
  new Set([...slots.values()].map(({ source }) => source.label));

/** Metrics follow the configuration: new sources start at zero, removed ones leave. */
function declare(metrics: Metrics, before: ReadonlySet<string>, after: ReadonlySet<string>): void {
  for (const source of after) if (!before.has(source)) metrics.declareSource(source);
  for (const source of before) {
    if (after.has(source)) continue;
    for (const result of SOURCE_RESULTS) metrics.sourceRequests.remove({ source, result });
    metrics.sourceSeconds.remove({ source });
    metrics.sourceLastSuccess.remove({ source });
  }
}
