/** Feeds, sources and observations for the tests of the price stage, complete unless a test says otherwise. */
import { parseDecimal } from '../../../src/common/decimal.js';
import type { Random } from '../../../src/common/random.js';
import { type Rational, whole } from '../../../src/common/rational.js';
import type { Clock } from '../../../src/common/time.js';
import type { Observation } from '../../../src/common/words.js';
import type { FeedConfig, FeedSource, HttpSource, WebSocketSource } from '../../../src/config/types.js';

/** The exact value of decimal text. */
export function exact(text: string): Rational {
  const result = parseDecimal(text);
  if (!result.ok) throw new Error(`${text}: ${result.code}`);
  return result.value;
}

/** A clock that moves only when told. Starts at 2023-11-14T22:13:20Z. */
export function manualClock(startMs = 1_700_000_000_000) {
  let monotonicMs = startMs;
  let correctionMs = 0;
  const clock: Clock = { now: () => monotonicMs + correctionMs, monotonic: () => monotonicMs };
  const advance = (ms: number) => {
    monotonicMs += ms;
  };
  /** Sets the wall clock forward, or back, while no time passes. */
  const correct = (byMs: number) => {
    correctionMs += byMs;
  };
  return { ...clock, advance, correct, tick: () => Math.floor(clock.now() / 1_000) };
}

/** The same numbers in every run (mulberry32). */
export function seeded(seed = 1): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function httpSource(over: Partial<HttpSource> & Pick<HttpSource, 'label' | 'url'>): HttpSource {
  return {
    kind: 'http',
    venue: over.label.split(':')[0] ?? 'http',
    quote: 'USD',
    scale: whole(1n),
    invert: false,
    deadlineMs: 2_000,
    path: '$.price',
    timeUnit: 'ms',
    method: 'GET',
    headers: {},
    retries: 0,
    ...over,
  };
}

export function feedSource(over: Partial<FeedSource> & Pick<FeedSource, 'inputs'>): FeedSource {
  return {
    kind: 'feed',
    label: `feed:${over.inputs.join('*')}`,
    venue: 'feed',
    quote: 'USD',
    scale: whole(1n),
    invert: false,
    deadlineMs: 1_000,
    operation: 'product',
    ...over,
  };
}

export function feed(over: Partial<FeedConfig> = {}): FeedConfig {
  return {
    name: 'ETH/USD',
    base: 'ETH',
    quote: 'USD',
    decimals: 8,
    description: 'ETH / USD',
    heartbeatSeconds: 3_600,
    deviation: exact('0.5'),
    maxAgeMs: 60_000,
    minSources: 1,
    maxSpread: exact('5'),
    outliers: { factor: exact('5'), floor: exact('1') },
    positive: true,
    sources: [],
    ...over,
  };
}

export function observation(source: string, value: string, observedAtMs = 1_700_000_000_000): Observation {
  return {
    source,
    value: exact(value),
    observedAtMs,
    timeFrom: 'venue',
    receivedAtMs: observedAtMs,
  };
}

export function streamSource(
  over: Partial<WebSocketSource> & Pick<WebSocketSource, 'label' | 'url'>,
): WebSocketSource {
  return {
    kind: 'websocket',
    venue: over.label.split(':')[0] ?? 'websocket',
    quote: 'USD',
    scale: whole(1n),
    invert: false,
    deadlineMs: 2_000,
    path: '$.price',
    timeUnit: 'ms',
    headers: {},
    subscribe: [],
    pingIntervalMs: 30_000,
    silenceMs: 30_000,
    ...over,
  };
}
