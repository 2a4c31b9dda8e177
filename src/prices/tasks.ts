/** The plan of a poll: sources that read from the same answer share one request. Pure. */
import type { AggregatorSource, ExternalAdapterSource, HttpSource } from '../config/types.js';
import { createAdapterReader } from './external-adapter.js';
import type { PollOptions } from './http/poll.js';
import { createExtractor, type Extractor } from './json/extract.js';
import { createRedactor } from './redact.js';
import type { Slot } from './slots.js';

/** A source that reads from a task's answer. */
export interface Reader {
  readonly slot: string;
  /** Milliseconds from the start of the task; an answer that comes later is none for this source. */
  readonly deadlineMs: number;
  readonly read: Extractor;
}

interface TaskBase {
  /** Equal keys mean equal requests. Holds URLs and headers: never printed. */
  readonly key: string;
  /** For the log. */
  readonly venue: string;
  /** What limits and pauses are kept for: a venue at one host. */
  readonly host: string;
  /** What a breaker is kept for: one endpoint of a venue, whatever the symbol asked for. */
  readonly endpoint: string;
  /** The largest of its readers', milliseconds. */
  readonly deadlineMs: number;
  /** Not asked more often, milliseconds; 0 for at every poll. */
  readonly minIntervalMs: number;
}

export interface HttpTask extends TaskBase {
  readonly kind: 'http';
  readonly poll: PollOptions;
  readonly readers: readonly Reader[];
  /** Takes the request's own secrets out of what the venue says. */
  readonly redact: (text: string) => string;
}

export interface AggregatorTask extends TaskBase {
  readonly kind: 'aggregator';
  readonly source: AggregatorSource;
  readonly slot: string;
}

export type Task = HttpTask | AggregatorTask;

/** Plans the tasks of all polled sources; sources of the other kinds are not polled. */
export function planTasks(slots: readonly Slot[]): readonly Task[] {
  const tasks = new Map<string, Task>();
  for (const slot of slots) {
    const task = taskOf(slot);
    if (!task) continue;
    const known = tasks.get(task.key);
    tasks.set(task.key, known?.kind === 'http' && task.kind === 'http' ? join(known, task) : task);
  }
  return [...tasks.values()];
}

function taskOf(slot: Slot): Task | undefined {
  const { source } = slot;
  switch (source.kind) {
    case 'http':
      return httpTask(slot, source, createExtractor(source, source));
    case 'external-adapter':
      return httpTask(slot, adapterRequest(source), createAdapterReader(source));
    case 'aggregator':
      return {
        kind: 'aggregator',
        key: slot.id,
        ...places(source.venue, `chain:${source.chainId}`, source.address),
        deadlineMs: source.deadlineMs,
        minIntervalMs: source.minIntervalMs ?? 0,
        source,
        slot: slot.id,
      };
    default:
      return undefined;
  }
}

type HttpLike = Pick<
  HttpSource,
  'url' | 'method' | 'headers' | 'body' | 'retries' | 'deadlineMs' | 'minIntervalMs' | 'venue'
>;

function httpTask(slot: Slot, source: HttpLike, read: Extractor): HttpTask {
  const { url, method, headers, body, retries, deadlineMs, minIntervalMs = 0, venue } = source;
  const { origin, pathname } = parts(url);
  const ordered = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    kind: 'http',
    key: JSON.stringify([venue, method, url, ordered, body ?? null]),
    ...places(venue, origin, pathname),
    deadlineMs,
    minIntervalMs,
    poll: { request: { url, method, headers, ...(body === undefined ? {} : { body }) }, deadlineMs, retries },
    readers: [{ slot: slot.id, deadlineMs, read }],
    redact: createRedactor(url, headers),
  };
}

const places = (venue: string, origin: string, path: string) => ({
  venue,
  host: `${venue} ${origin}`,
  endpoint: `${venue} ${origin}${path}`,
});

function parts(url: string): { origin: string; pathname: string } {
  return URL.canParse(url) ? new URL(url) : { origin: url, pathname: '' };
}

function join(a: HttpTask, b: HttpTask): HttpTask {
  const deadlineMs = Math.max(a.deadlineMs, b.deadlineMs);
  const retries = Math.max(a.poll.retries, b.poll.retries);
  return {
    ...a,
    deadlineMs,
    // The source that wants to be asked least often knows the venue's limit.
    minIntervalMs: Math.max(a.minIntervalMs, b.minIntervalMs),
    poll: { ...a.poll, deadlineMs, retries },
    readers: [...a.readers, ...b.readers],
  };
}

/** Chainlink's protocol: the job's id is for the adapter's log, so one per source serves. */
function adapterRequest(source: ExternalAdapterSource): HttpLike {
  const { url, headers, data, deadlineMs, minIntervalMs = 0, venue, label } = source;
  return {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ id: label, data }),
    retries: 1,
    deadlineMs,
    minIntervalMs,
    venue,
  };
}
