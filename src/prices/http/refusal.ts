/** What an answer with an error status means, with the venue's own words where it has some. */
import { failure, type ReadingFailure } from '../observation.js';

// Enough for an error's text; an error page of HTML has no message that we look for.
const MAX_ERROR_BYTES = 16 * 1024;
// Beyond a day a pause is a mistake of the venue, or of ours in reading it.
const MAX_RETRY_AFTER_MS = 86_400_000;
/** Where venues put their words. */
const MESSAGE_KEYS = [
  'message',
  'msg',
  'errorMessage',
  'error_message',
  'reason',
  'err-msg',
  'error',
  'label',
];

/**
 * Judges an answer whose status is not 2xx, and ends its body.
 * @param nowMs Unix milliseconds
 */
export async function readRefusal(response: Response, nowMs: number): Promise<ReadingFailure> {
  const { status, headers } = response;
  const words = messageOf(await readStart(response));
  const detail = words === undefined ? `HTTP ${status}` : `HTTP ${status}: ${words}`;
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

/** The body when it is short, else nothing; a body that breaks off is none. */
async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > MAX_ERROR_BYTES) return '';
      chunks.push(chunk);
    }
  } catch {
    return '';
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** The first text under one of the usual keys, one level down at most. */
function messageOf(body: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  return textUnder(parsed, 1);
}

function textUnder(value: unknown, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const key of MESSAGE_KEYS) {
    if (!Object.hasOwn(value, key)) continue;
    const found = (value as Record<string, unknown>)[key];
    if (typeof found === 'string' && found.trim() !== '') return found;
    const deeper = depth > 0 ? textUnder(found, depth - 1) : undefined;
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
