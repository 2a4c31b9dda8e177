/** One HTTP request and what it ends with: a JSON document, or a code. Nothing of the URL or headers gets out. */
import type { Clock } from '../../common/time.js';
import { DeadlineError } from '../../common/time.js';
import { type JsonDocument, readJson } from '../json/document.js';
import { failure, type ReadingFailure } from '../observation.js';

export interface HttpRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type HttpAnswer =
  | { readonly ok: true; readonly document: JsonDocument; readonly receivedAtMs: number }
  | ReadingFailure;

// The largest known answer, all tickers of one venue with every field, is about 2 MB.
const MAX_BODY_BYTES = 8 * 1024 * 1024;
// Beyond a day a pause is a mistake of the venue, or of ours in reading it.
const MAX_RETRY_AFTER_MS = 86_400_000;
// An `Age` beyond this is no cache's word.
const MAX_CACHE_AGE_S = 86_400;

const DEFAULT_HEADERS = { accept: 'application/json', 'user-agent': 'oracle-publisher' };

/**
 * Sends one request. Never throws for what the other side does; redirects are refused, because they would carry the
 * request's credentials to an address that nobody configured.
 * @param signal ends the request; a {@link DeadlineError} as its reason counts as a timeout
 */
export async function requestJson(
  request: HttpRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { ...DEFAULT_HEADERS, ...request.headers },
      ...(request.body === undefined ? {} : { body: request.body }),
      redirect: 'manual',
      signal,
    });
    const refused = refusal(response, clock.now());
    if (refused) {
      await response.body?.cancel();
      return refused;
    }
    const text = await readBody(response);
    if (text === undefined) return failure('too_large', `the answer is over ${MAX_BODY_BYTES} bytes`);
    const json = readJson(text);
    if (!json.ok) return failure('not_json', json.detail);
    const receivedAtMs = clock.now() - cacheAgeMs(response.headers);
    return { ok: true, document: json.document, receivedAtMs };
  } catch (error) {
    return thrown(error, signal);
  }
}

function refusal(response: Response, nowMs: number): ReadingFailure | undefined {
  const { status, headers } = response;
  if (response.ok) return undefined;
  const detail = `HTTP ${status}`;
  const wait = readRetryAfter(headers.get('retry-after'), nowMs);
  const more = wait === undefined ? { status } : { status, retryAfterMs: wait };
  // 418 is how Binance tells an address that went on after 429.
  if (status === 429 || status === 418) return failure('rate_limited', detail, more);
  if (status === 401 || status === 403 || status === 451) return failure('forbidden', detail, { status });
  return failure('http_status', detail, status === 503 ? more : { status });
}

/**
 * Reads `Retry-After`: seconds or a date.
 * @param nowMs Unix milliseconds
 * @returns milliseconds to wait, at most a day; `undefined` when absent or unreadable
 */
export function readRetryAfter(text: string | null, nowMs: number): number | undefined {
  if (text === null) return undefined;
  const trimmed = text.trim();
  const ms = /^\d{1,9}$/.test(trimmed) ? Number(trimmed) * 1_000 : Date.parse(trimmed) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

/** An answer out of a cache was true when it entered the cache, not when it reached us. */
function cacheAgeMs(headers: Headers): number {
  const age = headers.get('age')?.trim() ?? '';
  return /^\d{1,6}$/.test(age) ? Math.min(Number(age), MAX_CACHE_AGE_S) * 1_000 : 0;
}

/** The body as text, or `undefined` as soon as it passes the limit; counted after decompression. */
async function readBody(response: Response): Promise<string | undefined> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the stream, and with it the connection.
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function thrown(error: unknown, signal: AbortSignal): ReadingFailure {
  if (signal.reason instanceof DeadlineError) return failure('timeout', 'no answer within the deadline');
  return failure('network', networkCode(error));
}

/** The system's code of a failed connection; the message itself can hold the address. */
export function networkCode(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code)) return code;
  }
  return 'connection failed';
}
