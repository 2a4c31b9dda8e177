/** Error reports to Sentry: what the log says at error or fatal, already masked, with its event name and group. */
import type { Event, Exception, StackParser } from '@sentry/core';
import type { Clock } from '../common/time.js';
import type { Logger } from './logger.js';
import { createOutlet } from './outlet.js';

export interface ErrorReports {
  /** Takes each line of the log as it was written; never waits and never throws. */
  take(line: string): void;
  /** Sends what is queued, within a bound, and ends. */
  close(): Promise<void>;
}

export interface ErrorReportOptions {
  /** A secret. */
  readonly dsn: string;
  readonly release: string;
  readonly environment: string;
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One report of a kind in this time; the next says how many were left out. */
const REPEAT_MS = 60_000;
/** Kinds remembered for that. */
const MAX_KINDS = 256;
/** Reports under way at once; beyond them new ones are dropped. */
const MAX_QUEUED = 32;
const REQUEST_MS = 5_000;
const FLUSH_MS = 2_000;
/** Longer lines are no help to a reader. */
const MAX_LINE = 64 * 1_024;
/** Pino writes the level first: other lines are not even parsed. */
const REPORTED = /^\{"level":"(?:error|fatal)"/;
/** Fields of a line by which reports are searched. */
const TAGS = ['event', 'group', 'chain', 'error', 'cause', 'code'] as const;

type Line = Readonly<Record<string, unknown>>;

/** Loads Sentry's core and opens the way to it; a Sentry that is away changes nothing for the caller. */
export async function openErrorReports(options: ErrorReportOptions): Promise<ErrorReports> {
  const { dsn, clock, log } = options;
  const { ServerRuntimeClient, createStackParser, createTransport, nodeStackLineParser } = await import(
    '@sentry/core'
  );
  const parseStack = createStackParser(nodeStackLineParser());
  let end = (): void => undefined;
  const client = new ServerRuntimeClient({
    dsn,
    release: options.release,
    environment: options.environment,
    serverName: options.instance,
    platform: 'node',
    runtime: { name: 'node', version: process.version },
    integrations: [],
    stackParser: parseStack,
    sendClientReports: false,
    enableLogs: false,
    enableMetrics: false,
    transport(transportOptions) {
      const outlet = createOutlet({
        name: 'error_reports',
        url: transportOptions.url,
        timeoutMs: REQUEST_MS,
        log,
      });
      end = outlet.close;
      return createTransport({ ...transportOptions, bufferSize: MAX_QUEUED }, async ({ body }) => {
        const reply = await outlet.post(body, { 'content-type': 'application/x-sentry-envelope' });
        return {
          statusCode: reply.status,
          headers: {
            'x-sentry-rate-limits': reply.header('x-sentry-rate-limits'),
            'retry-after': reply.header('retry-after'),
          },
        };
      });
    },
  });
  const repeats = createRepeats(clock);

  return {
    take(line) {
      if (!REPORTED.test(line) || line.length > MAX_LINE) return;
      try {
        const fields = JSON.parse(line) as Line;
        const leftOut = repeats(Object.values(tagsOf(fields)).join(' '));
        if (leftOut !== undefined) client.captureEvent(readReport(fields, leftOut, parseStack));
      } catch {
        // A line that cannot be read was still logged.
      }
    },
    async close() {
      await client.close(FLUSH_MS);
      end();
    },
  };
}

/** Turns a line of the log into Sentry's event. Pure. */
export function readReport(fields: Line, leftOut: number, parseStack: StackParser): Event {
  const { level, time, message, err, ...rest } = fields;
  const exception = readException(err, parseStack, String(fields.event ?? ''));
  return {
    level: level === 'fatal' ? 'fatal' : 'error',
    timestamp: Date.parse(String(time)) / 1_000,
    message: String(message ?? fields.event ?? ''),
    logger: String(fields.event ?? ''),
    tags: tagsOf(fields),
    extra: { ...rest, ...(leftOut > 0 ? { leftOut } : {}) },
    fingerprint: exception
      ? ['{{ default }}', String(fields.event ?? '')]
      : [String(fields.event ?? message ?? ''), String(fields.error ?? fields.cause ?? fields.code ?? '')],
    ...(exception ? { exception: { values: [exception] } } : {}),
  };
}

/** A line is of one group or names several. */
function tagsOf(fields: Line): Record<string, string> {
  const { groups, group = Array.isArray(groups) ? groups.join(',') : undefined } = fields;
  return Object.fromEntries(
    Object.entries({ ...fields, group }).flatMap(([name, value]) =>
      TAGS.some((tag) => tag === name) && value !== undefined && value !== '' ? [[name, String(value)]] : [],
    ),
  );
}

/** The logged form of an error: its type, message and stack, causes behind it. */
function readException(err: unknown, parseStack: StackParser, event: string): Exception | undefined {
  if (typeof err !== 'object' || err === null) return undefined;
  const { type, message, stack } = err as Line;
  const [own = ''] = String(stack ?? '').split('\ncaused by: ');
  return {
    type: String(type ?? 'Error'),
    value: String(message ?? ''),
    stacktrace: { frames: parseStack(own) },
    mechanism: { type: 'logged', handled: !CRASHES.includes(event) },
  };
}

/** Events after which the process ends. */
const CRASHES: readonly string[] = ['uncaught_exception', 'unhandled_rejection'];

/** @returns for a kind how many of it were left out, or `undefined` when this one is to be left out as well */
function createRepeats(clock: Clock): (kind: string) => number | undefined {
  const kinds = new Map<string, { readonly sinceMs: number; leftOut: number }>();
  return (kind) => {
    const nowMs = clock.monotonic();
    const known = kinds.get(kind);
    if (known && nowMs - known.sinceMs < REPEAT_MS) {
      known.leftOut += 1;
      return undefined;
    }
    kinds.delete(kind);
    kinds.set(kind, { sinceMs: nowMs, leftOut: 0 });
    const oldest = kinds.keys().next();
    if (kinds.size > MAX_KINDS && !oldest.done) kinds.delete(oldest.value);
    return known?.leftOut ?? 0;
  };
}
