/** Asks all polled sources, over and over: each request on its own, so that a slow one delays nobody. */
import pLimit, { type LimitFunction } from 'p-limit';
import type { Random } from '../common/random.js';
import { type Clock, DeadlineError, sleep, withDeadline } from '../common/time.js';
import type { AggregatorSource } from '../config/types.js';
import type { Logger } from '../telemetry/logger.js';
import { type AggregatorAnswer, readAggregatorSource } from './aggregator.js';
import { type Breaker, type BreakerState, createBreaker } from './breaker.js';
import { pollHttp } from './http/poll.js';
import { failure, type ReadingFailure, type ReadingResult, redacted } from './observation.js';
import type { HttpTask, Task } from './tasks.js';

export interface PollerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly record: (slot: string, reading: ReadingResult, latencyMs: number | undefined) => void;
  readonly readAggregator?: (source: AggregatorSource, signal: AbortSignal) => Promise<AggregatorAnswer>;
}

export interface Poller {
  /** Polls at the interval until the signal aborts; returns when nothing is under way any more. */
  run(signal: AbortSignal): Promise<void>;
  /** Asks every source once and waits for all; requests that are already under way are waited for, not repeated. */
  pollOnce(signal: AbortSignal): Promise<void>;
  apply(tasks: readonly Task[], intervalMs: number): void;
  /** The state of the breakers that a slot's requests pass; `undefined` for sources that are not polled. */
  breakerState(slot: string): BreakerState | undefined;
}

/** Requests at one venue's host at the same time; the venues' own limits lie above. */
const VENUE_CONCURRENCY = 4;
/** Requests at the same time in all. */
const OVERALL_CONCURRENCY = 100;
/** How long a host or endpoint that refuses us is left alone: asking on is what turns a refusal into a ban. */
const FORBIDDEN_PAUSE_MS = 600_000;

/** What a task's end says of its endpoint. */
type Outcome = { readonly ok: true } | ReadingFailure;

/** Creates a poller without tasks. */
export function createPoller(deps: PollerDeps): Poller {
  const { clock, log, random, record } = deps;
  const overall = pLimit(OVERALL_CONCURRENCY);
  const limits = new Map<string, LimitFunction>();
  const breakers = new Map<string, Breaker>();
  const underWay = new Map<string, Promise<void>>();
  /** When each task was last started, on the monotonic clock. */
  const startedAt = new Map<string, number>();
  let tasks: readonly Task[] = [];
  let perSlot = new Map<string, Task>();
  let intervalMs = 1_000;

  function breaker(key: string): Breaker {
    const known = breakers.get(key) ?? createBreaker({ clock, random });
    breakers.set(key, known);
    return known;
  }

  function limit(host: string): LimitFunction {
    const known = limits.get(host) ?? pLimit(VENUE_CONCURRENCY);
    limits.set(host, known);
    return known;
  }

  function recordAll(task: Task, reading: ReadingResult): void {
    for (const slot of slotsOf(task)) record(slot, reading, undefined);
  }

  async function attend(task: Task, parent: AbortSignal): Promise<void> {
    if (parent.aborted) return;
    // A signal of its own: hundreds of listeners on the parent would look like a leak to Node.
    const signal = AbortSignal.any([parent]);
    const [host, endpoint] = [breaker(task.host), breaker(task.endpoint)];
    if (!host.tryPass()) return recordAll(task, PAUSED);
    if (!endpoint.tryPass()) {
      host.released();
      return recordAll(task, PAUSED);
    }
    try {
      const outcome = await (task.kind === 'http' ? askHttp(task, signal) : askAggregator(task, signal));
      judge(outcome, host, endpoint);
    } catch (error) {
      host.released();
      endpoint.released();
      if (signal.aborted) return;
      // Only a bug comes here; the message may hold a URL, so its kind must do.
      log.error(
        { event: 'poll_failed', venue: task.venue, error: (error as Error).name },
        'a poll failed unexpectedly',
      );
      recordAll(task, failure('network', 'unexpected error'));
    }
  }

  async function askHttp(task: HttpTask, signal: AbortSignal): Promise<Outcome> {
    const startedAt = clock.monotonic();
    const answer = await pollHttp(task.poll, { clock, random }, signal);
    const latencyMs = clock.monotonic() - startedAt;
    for (const { slot, deadlineMs, read } of task.readers) {
      const late = answer.ok && latencyMs > deadlineMs;
      const reading = late
        ? failure('timeout', 'the answer came after the deadline')
        : answer.ok
          ? read(answer.document, answer.receivedAtMs, answer.cacheAgeMs)
          : answer;
      record(slot, redacted(reading, task.redact), latencyMs);
    }
    return answer.ok ? { ok: true } : answer;
  }

  async function askAggregator(
    { source, slot, deadlineMs }: Extract<Task, { kind: 'aggregator' }>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const startedAt = clock.monotonic();
    const read = deps.readAggregator;
    const reading = await withDeadline(
      'aggregator',
      deadlineMs,
      (inner) => readAggregatorSource(source, read, clock, inner),
      signal,
    ).catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof DeadlineError) return failure('timeout', 'no answer within the deadline');
      throw error;
    });
    record(slot, reading, clock.monotonic() - startedAt);
    return reading.ok || reading.code !== 'network' ? { ok: true } : reading;
  }

  /** Starts a task unless it is under way; it waits for its place at its venue, never for another venue. */
  function start(task: Task, signal: AbortSignal): Promise<void> {
    const known = underWay.get(task.key);
    if (known) return known;
    startedAt.set(task.key, clock.monotonic());
    const work = limit(task.host)(() => overall(() => attend(task, signal))).finally(() =>
      underWay.delete(task.key),
    );
    underWay.set(task.key, work);
    return work;
  }

  function isDue({ key, minIntervalMs }: Task): boolean {
    const last = startedAt.get(key);
    return last === undefined || clock.monotonic() - last >= minIntervalMs;
  }

  return {
    async run(signal) {
      let nextAt = clock.monotonic();
      while (!signal.aborted) {
        for (const task of tasks) if (isDue(task)) void start(task, signal);
        // After a pause of the machine one round is made up for, not all of them.
        nextAt = Math.max(nextAt + intervalMs, clock.monotonic());
        await sleep(nextAt - clock.monotonic(), signal);
      }
      await Promise.all(underWay.values());
    },
    async pollOnce(signal) {
      await Promise.all(tasks.map((task) => start(task, signal)));
    },
    apply(next, nextIntervalMs) {
      const before = new Map(tasks.map((task) => [task.key, slotsOf(task).join()]));
      const after = new Map(next.map((task) => [task.key, slotsOf(task).join()]));
      // A source that joins a request does not wait for the request's interval to pass.
      for (const key of startedAt.keys()) if (after.get(key) !== before.get(key)) startedAt.delete(key);
      // A request that changed may be the cure of what the breaker opened for.
      for (const { key, endpoint } of next) if (!before.has(key)) breakers.delete(endpoint);
      tasks = next;
      intervalMs = nextIntervalMs;
      perSlot = new Map(next.flatMap((task) => slotsOf(task).map((slot) => [slot, task] as const)));
      const used = new Set(next.flatMap(({ host, endpoint }) => [host, endpoint]));
      for (const key of breakers.keys()) if (!used.has(key)) breakers.delete(key);
      for (const key of limits.keys()) if (!used.has(key)) limits.delete(key);
    },
    breakerState(slot) {
      const task = perSlot.get(slot);
      if (!task) return undefined;
      const states = [breakers.get(task.host)?.state(), breakers.get(task.endpoint)?.state()];
      return states.includes('open') ? 'open' : states.includes('half_open') ? 'half_open' : 'closed';
    },
  };
}

const PAUSED = failure('breaker_open', 'left alone after repeated failures');

function slotsOf(task: Task): readonly string[] {
  return task.kind === 'http' ? task.readers.map(({ slot }) => slot) : [task.slot];
}

/** Tells the breakers. A rate limit is the whole host's; a refusal or a fault is the endpoint's. */
function judge(outcome: Outcome, host: Breaker, endpoint: Breaker): void {
  if (outcome.ok) {
    host.succeeded();
    endpoint.succeeded();
    return;
  }
  const { code, status = 0, retryAfterMs } = outcome;
  if (code === 'rate_limited') {
    host.trip(retryAfterMs ?? 0);
    endpoint.released();
    return;
  }
  host.succeeded();
  if (code === 'forbidden') endpoint.trip(FORBIDDEN_PAUSE_MS);
  else if (retryAfterMs !== undefined) endpoint.trip(retryAfterMs);
  else if (code === 'network' || code === 'timeout' || status >= 500) endpoint.failed();
  else endpoint.succeeded();
}
