/** Traces by OpenTelemetry's protocol (OTLP, HTTP with JSON): one trace per round, written when its outcome is known. */
import type { Attributes, HrTime, Span, Tracer } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { sleep, withDeadline } from '../common/time.js';
import type { Logger, Mask } from './logger.js';
import { createOutlet, type Outlet } from './outlet.js';

/** The spans of a round, in their order. */
export const ROUND_STEPS = ['sources', 'decision', 'signing', 'sending', 'confirmation'] as const;
export type RoundStepName = (typeof ROUND_STEPS)[number];

/** Something that happened within a step. */
export interface RoundEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes?: Attributes;
}

/** One step of a round; times are unix milliseconds. */
export interface RoundStep {
  readonly name: RoundStepName;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes?: Attributes;
  readonly events?: readonly RoundEvent[];
}

/** What became of one group's round. */
export interface RoundTrace {
  readonly attributes: Attributes;
  /** As far as the round came. */
  readonly steps: readonly RoundStep[];
  /** Why it ended in its last step. */
  readonly error?: string;
}

export interface Tracing {
  /** Takes a round; never waits and never throws. @returns the trace's id, for the log */
  round(trace: RoundTrace): string | undefined;
  /** Sends what is queued, within a bound, and ends. */
  close(): Promise<void>;
}

export interface TracingOptions {
  /** Of the collector, as OpenTelemetry's variables have it: without `/v1/traces`. */
  readonly endpoint: string;
  /** Sent with each request, such as a token of the collector. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly instance: string;
  readonly mask: Mask;
  readonly log: Logger;
  /** For tests: how long spans are gathered before they are sent. */
  readonly batchDelayMs?: number;
}

const BATCH_DELAY_MS = 2_000;
/** Spans held for sending: about 300 rounds; beyond them the newest are dropped. */
const MAX_QUEUED = 2_048;
const MAX_BATCH = 256;
/** Tries of one batch, the time for each, and for all with their pauses. */
const MAX_TRIES = 3;
const REQUEST_MS = 3_000;
const EXPORT_MS = 16_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 3_000;
const FLUSH_MS = 3_000;
/** What OTLP says may be sent again. */
const RETRYABLE: readonly number[] = [429, 502, 503, 504];
const MAX_EVENTS = 128;
const MAX_TEXT = 512;

/** Loads the SDK and opens the way to the collector; a collector that is away changes nothing for the caller. */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { mask, log } = options;
  const [api, sdk, { resourceFromAttributes }, { JsonTraceSerializer }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/otlp-transformer'),
  ]);
  const outlet = createOutlet({
    name: 'traces',
    url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: options.headers,
    timeoutMs: REQUEST_MS,
    log,
  });
  const exporter = createExporter(outlet, (spans) => JsonTraceSerializer.serializeRequest([...spans]));
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.serviceName,
      'service.version': options.serviceVersion,
      'service.instance.id': options.instance,
    }),
    sampler: new sdk.AlwaysOnSampler(),
    spanLimits: { eventCountLimit: MAX_EVENTS, attributeValueLengthLimit: MAX_TEXT },
    spanProcessors: [
      new sdk.BatchSpanProcessor(exporter, {
        maxQueueSize: MAX_QUEUED,
        maxExportBatchSize: MAX_BATCH,
        scheduledDelayMillis: options.batchDelayMs ?? BATCH_DELAY_MS,
        exportTimeoutMillis: EXPORT_MS,
      }),
    ],
  });
  const tracer = provider.getTracer('oracle-publisher', options.serviceVersion);
  const within = (root: Span) => api.trace.setSpan(api.ROOT_CONTEXT, root);

  return {
    round(trace) {
      try {
        return writeRound(tracer, within, maskedTrace(trace, mask), api.SpanStatusCode.ERROR);
      } catch (error) {
        log.warn({ event: 'trace_failed', err: error }, 'a round could not be traced');
        return undefined;
      }
    },
    async close() {
      try {
        await withDeadline('flushing traces', FLUSH_MS, () => provider.shutdown());
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        log.warn({ event: 'traces_lost', detail }, 'the last traces were not sent');
      }
      outlet.close();
    },
  };
}

/** The root span and one span per step beneath it. A clock that was set back never turns the order round. */
function writeRound(
  tracer: Tracer,
  within: (root: Span) => Parameters<Tracer['startSpan']>[2],
  { attributes, steps, error }: RoundTrace,
  errorCode: number,
): string | undefined {
  const [first] = steps;
  if (!first) return undefined;
  const fail = (span: Span, message: string) => span.setStatus({ code: errorCode, message });
  const root = tracer.startSpan('round', { startTime: hrTime(first.startMs), attributes, root: true });
  let atMs = first.startMs;
  for (const [index, step] of steps.entries()) {
    const startMs = Math.max(step.startMs, atMs);
    atMs = Math.max(step.endMs, startMs);
    const span = tracer.startSpan(
      step.name,
      { startTime: hrTime(startMs), attributes: step.attributes ?? {} },
      within(root),
    );
    for (const event of step.events ?? [])
      span.addEvent(event.name, event.attributes ?? {}, hrTime(event.atMs));
    if (error !== undefined && index === steps.length - 1) fail(span, error);
    span.end(hrTime(atMs));
  }
  if (error !== undefined) fail(root, error);
  root.end(hrTime(atMs));
  return root.spanContext().traceId;
}

/** Seconds and nanoseconds: a plain number could be taken for a time since the start of the process. */
const hrTime = (ms: number): HrTime => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];

function maskedTrace({ attributes, steps, error }: RoundTrace, mask: Mask): RoundTrace {
  const masked = (from: Attributes = {}): Attributes =>
    Object.fromEntries(
      Object.entries(from).map(([name, value]) => [
        name,
        typeof value === 'string'
          ? mask(value)
          : Array.isArray(value)
            ? value.map((item) => (typeof item === 'string' ? mask(item) : String(item)))
            : value,
      ]),
    );
  return {
    attributes: masked(attributes),
    steps: steps.map((step) => ({
      ...step,
      attributes: masked(step.attributes),
      events: (step.events ?? []).map((event) => ({ ...event, attributes: masked(event.attributes) })),
    })),
    ...(error === undefined ? {} : { error: mask(error) }),
  };
}

/**
 * Sends batches through an outlet. OpenTelemetry's own exporter bounds the silence of a connection, not a request, and
 * cannot be ended: a collector that hangs would keep a stopped process alive.
 */
function createExporter(
  outlet: Outlet,
  serialize: (spans: readonly ReadableSpan[]) => Uint8Array | undefined,
): SpanExporter {
  const send = async (spans: readonly ReadableSpan[]): Promise<void> => {
    const body = serialize(spans);
    if (!body) return;
    for (let tries = 1; ; tries += 1) {
      const reply = await outlet
        .post(body, { 'content-type': 'application/json' })
        .catch((error: Error) => error);
      if (!(reply instanceof Error) && reply.status < 300) return;
      const again = reply instanceof Error || RETRYABLE.includes(reply.status);
      if (!again || tries === MAX_TRIES || outlet.closing.aborted)
        throw reply instanceof Error ? reply : new Error(`HTTP status ${reply.status}`);
      const asked =
        reply instanceof Error ? Number.NaN : Number(reply.header('retry-after') ?? Number.NaN) * 1_000;
      const pauseMs = Number.isFinite(asked) ? asked : FIRST_PAUSE_MS * 2 ** (tries - 1);
      await sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), outlet.closing);
    }
  };
  const sending = new Set<Promise<void>>();
  return {
    export(spans, done) {
      const sent = send(spans)
        .then(
          () => done({ code: 0 }),
          (error: Error) => done({ code: 1, error }),
        )
        .finally(() => sending.delete(sent));
      sending.add(sent);
    },
    async shutdown() {
      await Promise.all(sending);
    },
  };
}
