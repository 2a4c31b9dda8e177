/** Local servers that speak OTLP/HTTP with JSON and Sentry's envelopes, and tests that wait for what arrives. */
import { type Asked, type Handler, json, startVenue, type Venue } from '../../support/prices/venue.js';

export interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  /** 2 is an error. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface SentryEvent {
  readonly level: string;
  readonly message?: string;
  readonly release?: string;
  readonly environment?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly fingerprint?: readonly string[];
  readonly exception?: {
    readonly values: readonly {
      readonly type: string;
      readonly value: string;
      readonly mechanism?: { readonly handled?: boolean };
      readonly stacktrace: {
        readonly frames: readonly { readonly filename?: string; readonly lineno?: number }[];
      };
    }[];
  };
}

export interface Receiver<T> extends Venue {
  /** What arrived in requests that were answered with 200. */
  readonly received: readonly T[];
  /** Resolves once what arrived, now or later, gives an answer. Rejects after half a minute. */
  until<R>(look: (received: readonly T[]) => R | undefined, what: string): Promise<R>;
  /** The handler that takes what arrives, to be set again after another one. */
  readonly take: Handler;
  /** Everything that was asked, as text. */
  readonly text: () => string;
}

const WAIT_MS = 30_000;

async function startReceiver<T>(parse: (asked: Asked) => T[]): Promise<Receiver<T>> {
  const received: T[] = [];
  const looks = new Set<() => void>();
  const take: Handler = (asked, response) => {
    received.push(...parse(asked));
    json('{}')(asked, response);
    for (const look of [...looks]) look();
  };
  const venue = await startVenue(take);
  return {
    ...venue,
    received,
    take,
    text: () =>
      venue.asked.map(({ path, headers, body }) => path + JSON.stringify(headers) + body).join('\n'),
    until: (look, what) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          looks.delete(check);
          reject(new Error(`${what}: did not arrive within ${WAIT_MS} ms`));
        }, WAIT_MS);
        const check = () => {
          const found = look(received);
          if (found === undefined) return;
          clearTimeout(timer);
          looks.delete(check);
          resolve(found);
        };
        looks.add(check);
        check();
      }),
  };
}

/** A collector at `url`: takes what is posted to `/v1/traces`. */
export const startCollector = (): Promise<Receiver<Span>> =>
  startReceiver(({ path, body }) => (path === '/v1/traces' ? readSpans(JSON.parse(body)) : []));

/** A Sentry whose DSN is {@link dsnOf} its URL. */
export const startSentry = (): Promise<Receiver<SentryEvent>> =>
  startReceiver(({ path, body }) => {
    if (!path.startsWith(`/api/${PROJECT}/envelope/`)) return [];
    const lines = body.split('\n').map((line) => JSON.parse(line || 'null'));
    return lines.flatMap((line, index) => (line?.type === 'event' ? [lines[index + 1] as SentryEvent] : []));
  });

const PROJECT = 4711;
export const SENTRY_KEY = '0123456789abcdef0123456789abcdef';
export const dsnOf = (url: string): string => `${url.replace('://', `://${SENTRY_KEY}@`)}/${PROJECT}`;

/** The six spans of a trace, once all of them arrived. */
export const traceOf =
  (traceId: unknown) =>
  (spans: readonly Span[]): readonly Span[] | undefined => {
    const found = spans.filter((span) => span.traceId === traceId);
    return found.some(({ parentSpanId }) => parentSpanId === undefined) ? found : undefined;
  };

type Json = Readonly<Record<string, never>>;

function readSpans(body: Json): Span[] {
  const list = (value: unknown): readonly Json[] => (value ?? []) as readonly Json[];
  return list(body.resourceSpans).flatMap((resourceSpan) =>
    list(resourceSpan.scopeSpans).flatMap((scope) =>
      list((scope as Json).spans).map((span) => ({
        name: String(span.name),
        traceId: String(span.traceId),
        spanId: String(span.spanId),
        parentSpanId: span.parentSpanId || undefined,
        startNs: BigInt(String(span.startTimeUnixNano)),
        endNs: BigInt(String(span.endTimeUnixNano)),
        attributes: readAttributes(list(span.attributes)),
        events: list(span.events).map((event) => ({
          name: String(event.name),
          attributes: readAttributes(list(event.attributes)),
        })),
        status: (span.status ?? {}) as Span['status'],
        resource: readAttributes(list((resourceSpan.resource as Json | undefined)?.attributes)),
      })),
    ),
  );
}

const readAttributes = (attributes: readonly Json[]): Record<string, unknown> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => {
      const { arrayValue, ...plain } = value as unknown as { arrayValue?: { values: Json[] } };
      const one = (from: object) => Object.values(from)[0] as unknown;
      return [String(key), arrayValue ? arrayValue.values.map(one) : one(plain)];
    }),
  );
