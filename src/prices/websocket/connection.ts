/** A stream of a venue kept alive: reconnects with growing, spread pauses, and sorts messages to their sources. */
import type { Random } from '../../common/random.js';
import { type Clock, sleep } from '../../common/time.js';
import { type JsonDocument, readJson } from '../json/document.js';
import { failure, type ReadingFailure, type ReadingResult, redacted } from '../observation.js';
import { createRedactor } from '../redact.js';
import type { StreamPlan } from './plan.js';
import { holdSession } from './session.js';

export interface StreamDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly record: (slot: string, reading: ReadingResult) => void;
  /** Pauses between connections, milliseconds. */
  readonly backoff?: { readonly firstMs: number; readonly longestMs: number };
}

export interface Connection {
  /** Streams until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Connects, takes one reading for each source or waits for the deadline, and disconnects. */
  once(signal: AbortSignal): Promise<void>;
  /** Takes a plan with the same key; new subscriptions are sent on the open connection. */
  update(plan: StreamPlan): void;
}

const BACKOFF = { firstMs: 500, longestMs: 30_000 };
/** A venue that refuses is not asked again at once: asking on is what turns a refusal into a ban, milliseconds. */
const REFUSED_PAUSE_MS = 300_000;

/** Creates a connection that is not open yet. */
export function createConnection(first: StreamPlan, deps: StreamDeps): Connection {
  const { clock, random, record, backoff = BACKOFF } = deps;
  const redact = createRedactor(first.url, first.headers);
  let plan = first;
  let send: ((text: string) => void) | undefined;
  let sent = new Set<string>();
  /** Sources that had a reading since the connection opened. */
  let heard = new Set<string>();
  let onHeard = () => {};

  function subscribe(): void {
    // A reload while the connection is being made: what is to be subscribed is sent when it is open.
    if (!send) return;
    for (const text of plan.subscribe) {
      if (sent.has(text)) continue;
      sent.add(text);
      send(text);
    }
  }

  /** Hands a message to its sources; whether it told one of them something of its market. */
  function onMessage(text: string): boolean {
    const receivedAtMs = clock.now();
    const json = readJson(text);
    // Some venues answer a ping with bare text.
    if (!json.ok) return false;
    let isNews = false;
    for (const reader of plan.readers) {
      const reading = read(reader, json.document, receivedAtMs, heard.has(reader.slot));
      if (!reading) continue;
      heard.add(reader.slot);
      isNews ||= reading.ok || reading.code === 'market_suspended';
      record(reader.slot, redacted(reading, redact));
    }
    onHeard();
    return isNews;
  }

  async function session(signal: AbortSignal): Promise<ReadingFailure> {
    sent = new Set();
    heard = new Set();
    const { url, headers, ping, pingIntervalMs, silenceMs, quietMs, deadlineMs } = plan;
    const onOpen = (sendText: (text: string) => void) => {
      send = sendText;
      subscribe();
    };
    const end = await holdSession(
      { url, headers, ping, pingIntervalMs, silenceMs, quietMs, deadlineMs, onOpen, onMessage },
      signal,
    );
    send = undefined;
    return end;
  }

  return {
    async run(signal) {
      let pauseMs = backoff.firstMs;
      while (!signal.aborted) {
        const end = await session(signal);
        if (signal.aborted) return;
        if (heard.size > 0) pauseMs = backoff.firstMs;
        for (const { slot } of plan.readers) record(slot, end);
        const refused = end.code === 'forbidden' || end.code === 'rate_limited';
        // Between half and one and a half times: replicas that lost the same venue do not come back as one.
        await sleep((refused ? REFUSED_PAUSE_MS : pauseMs) * (0.5 + random()), signal);
        pauseMs = Math.min(pauseMs * 2, backoff.longestMs);
      }
    },
    async once(signal) {
      const done = new AbortController();
      const deadline = setTimeout(() => done.abort(), plan.deadlineMs);
      onHeard = () => {
        if (plan.readers.every(({ slot }) => heard.has(slot))) done.abort();
      };
      const end = await session(AbortSignal.any([signal, done.signal]));
      clearTimeout(deadline);
      onHeard = () => {};
      if (signal.aborted) return;
      const missed = done.signal.aborted ? failure('timeout', 'no message within the deadline') : end;
      for (const { slot } of plan.readers) if (!heard.has(slot)) record(slot, missed);
    },
    update(next) {
      plan = next;
      subscribe();
    },
  };
}

/** A message's reading for a source; of messages that are not its own only an error told before its first value. */
function read(
  { filter, read: extract }: StreamPlan['readers'][number],
  document: JsonDocument,
  receivedAtMs: number,
  wasHeard: boolean,
): ReadingResult | undefined {
  if (!filter || document.select(filter, 1).length > 0) return extract(document, receivedAtMs);
  if (wasHeard) return undefined;
  const reading = extract(document, receivedAtMs);
  return !reading.ok && reading.code === 'venue_error' ? reading : undefined;
}
