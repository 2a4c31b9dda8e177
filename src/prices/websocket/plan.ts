/** The plan of the streams: sources at the same address share one connection. Pure. */
import type { WebSocketSource } from '../../config/types.js';
import { createExtractor, type Extractor } from '../json/extract.js';
import { compilePath, type JsonPath } from '../json/path.js';
import type { Slot } from '../slots.js';

/** A source that reads from a connection's messages. */
export interface StreamReader {
  readonly slot: string;
  /** Selects something in the messages that are this source's; absent: all are. */
  readonly filter: JsonPath | undefined;
  readonly read: Extractor;
}

export interface StreamPlan {
  /** Equal keys mean the same connection. Holds the URL and headers: never printed. */
  readonly key: string;
  /** For the log. */
  readonly venue: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent after connecting; each once. */
  readonly subscribe: readonly string[];
  /** A text message; a protocol ping when absent. */
  readonly ping: string | undefined;
  readonly pingIntervalMs: number;
  /** Reconnect when no message came for so long, milliseconds. */
  readonly silenceMs: number;
  /**
   * Reconnect when no reader was told anything for so long, milliseconds: pongs and a venue's heartbeats go on when a
   * subscription was dropped. What was told before is too old by then for all of them.
   */
  readonly quietMs: number;
  /** How long connecting, and in a single reading the first value, may take, milliseconds. */
  readonly deadlineMs: number;
  readonly readers: readonly StreamReader[];
}

/** Plans one connection per address. */
export function planStreams(slots: readonly Slot[]): readonly StreamPlan[] {
  const plans = new Map<string, StreamPlan>();
  for (const slot of slots) {
    if (slot.source.kind !== 'websocket') continue;
    const plan = planOf(slot, slot.source);
    const known = plans.get(plan.key);
    plans.set(plan.key, known ? join(known, plan) : plan);
  }
  return [...plans.values()];
}

function planOf(slot: Slot, source: WebSocketSource): StreamPlan {
  const { venue, url, headers, ping, pingIntervalMs, silenceMs, deadlineMs, subscribe } = source;
  const ordered = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
  const filter = source.filter === undefined ? undefined : compilePath(source.filter);
  return {
    key: JSON.stringify([venue, url, ordered, ping ?? null]),
    venue,
    url,
    headers,
    subscribe,
    ping,
    pingIntervalMs,
    silenceMs,
    quietMs: Math.max(silenceMs, slot.maxAgeMs),
    deadlineMs,
    readers: [{ slot: slot.id, filter, read: createExtractor(source, source) }],
  };
}

function join(a: StreamPlan, b: StreamPlan): StreamPlan {
  return {
    ...a,
    subscribe: [...new Set([...a.subscribe, ...b.subscribe])],
    pingIntervalMs: Math.min(a.pingIntervalMs, b.pingIntervalMs),
    silenceMs: Math.min(a.silenceMs, b.silenceMs),
    quietMs: Math.max(a.quietMs, b.quietMs),
    deadlineMs: Math.max(a.deadlineMs, b.deadlineMs),
    readers: [...a.readers, ...b.readers],
  };
}
