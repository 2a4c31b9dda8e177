/** One HTTP request and what it ends with: a JSON document, or a code. Nothing of the URL or headers gets out. */
import type { Clock } from '../../common/time.js';
import { DeadlineError } from '../../common/time.js';
import { type JsonDocument, readJson } from '../json/document.js';
import { failure, type ReadingFailure } from '../observation.js';
import { readRefusal } from './refusal.js';

export interface HttpRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type HttpAnswer =
  | {
      readonly ok: true;
      readonly document: JsonDocument;
      /** Unix milliseconds. */
      readonly receivedAtMs: number;
      /** How long the answer lay in a cache on its way, milliseconds. */
      readonly cacheAgeMs: number;
    }
  | ReadingFailure;

// The largest known answer, all tickers of one venue with every field, is about 2 MB.
const MAX_BODY_BYTES = 8 * 1024 * 1024;
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
    if (!response.ok) return await readRefusal(response, clock.now());
    const text = await readBody(response);
    if (text === undefined) return failure('too_large', `the answer is over ${MAX_BODY_BYTES} bytes`);
    const json = readJson(text);
    if (!json.ok) return failure('not_json', json.detail);
    const cacheAgeMs = readAge(response.headers);
    return { ok: true, document: json.document, receivedAtMs: clock.now(), cacheAgeMs };
  } catch (error) {
    return thrown(error, signal);
  }
}

/** An answer out of a cache was true when it entered the cache, not when it reached us. */
function readAge(headers: Headers): number {
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
