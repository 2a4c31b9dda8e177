/** One JSON-RPC endpoint over HTTP: a call with a deadline, a bounded body, and a failure of a closed kind. */

import { type Clock, DeadlineError, withDeadline } from '../../common/time.js';
import type { Hex } from '../../common/words.js';
import type { RpcErrorType } from '../../telemetry/metrics.js';
import { readBounded, splitCredentials } from '../http.js';

/** Far above any reply that is asked for here: blocks come without bodies, calls return a few kilobytes. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_RETRY_AFTER_MS = 3_600_000;
const MAX_DETAIL = 200;
/** Too many calls. -32005 is "limit exceeded", which Besu and hosted nodes say of too large a question as well. */
const TOO_OFTEN = /rate.?limit|rate exceeded|too many requests|request count/i;
const TOO_MUCH =
  /range|more than \d+ (results|logs)|too many (results|logs|blocks)|response size|query (returned|timeout)/i;

/** Why a call gave no result. `rpc_error` is the node's own answer; the other types are the endpoint's fault. */
export interface RpcFailure {
  readonly type: Exclude<RpcErrorType, 'wrong_chain' | 'height_lag' | 'height_regression'>;
  /** For people; holds no part of the URL. */
  readonly detail: string;
  /** How long the endpoint asked to be left alone. */
  readonly retryAfterMs?: number;
  /** The endpoint refuses us for good (401, 403, 451). */
  readonly permanent?: boolean;
  /** The node answers such calls, but not for so much at once (a range of logs). */
  readonly tooMuch?: boolean;
  /** The node's error code and, for a revert, its data. */
  readonly rpcCode?: number;
  readonly rpcMessage?: string;
  readonly rpcData?: Hex;
}

/** Whether a node's error says that the call itself failed: it reverted, or ran out of gas. */
export const isRevert = (failure: RpcFailure): boolean =>
  failure.type === 'rpc_error' &&
  (failure.rpcData !== undefined ||
    failure.rpcCode === 3 ||
    /revert|out ?of ?gas|gas required exceeds|evm error/i.test(failure.rpcMessage ?? ''));

export type RpcReply =
  | { readonly ok: true; readonly result: unknown; readonly latencyMs: number }
  | { readonly ok: false; readonly failure: RpcFailure; readonly latencyMs: number };

export interface Endpoint {
  /** `host#index`: the only name under which it appears in logs and labels. */
  readonly label: string;
  call(
    method: string,
    params: readonly unknown[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<RpcReply>;
}

/** The name of an endpoint: its host and its place in the list, never a path, query or credential. */
export function endpointLabel(url: string, index: number): string {
  return `${URL.canParse(url) ? new URL(url).host : 'invalid-url'}#${index}`;
}

/** Creates an endpoint. Credentials inside the URL become a Basic authorization header. @throws Error for no HTTP URL */
export function createEndpoint(url: string, index: number, clock: Clock): Endpoint {
  const label = endpointLabel(url, index);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Error(`endpoint ${index} (${label}) is not an http or https URL`);
  const target = splitCredentials(url);
  const headers = { 'content-type': 'application/json', accept: 'application/json', ...target.headers };
  let lastId = 0;

  async function request(method: string, params: readonly unknown[], signal: AbortSignal) {
    lastId = (lastId % 1_000_000_000) + 1;
    const id = lastId;
    const response = await fetch(target.url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
      redirect: 'error',
      signal,
    });
    const text = await readBounded(response, MAX_BODY_BYTES);
    return interpretReply(response.status, response.headers.get('retry-after'), text, id, clock.now());
  }

  return {
    label,
    async call(method, params, timeoutMs, signal) {
      const startedAtMs = clock.monotonic();
      const timed = (reply: Interpreted): RpcReply => ({
        ...reply,
        latencyMs: clock.monotonic() - startedAtMs,
      });
      try {
        return timed(
          await withDeadline(method, timeoutMs, (inner) => request(method, params, inner), signal),
        );
      } catch (error) {
        // Whoever aborted does not want an answer, and the endpoint is not to blame.
        if (signal?.aborted) throw signal.reason;
        return timed({ ok: false, failure: classifyThrown(error) });
      }
    },
  };
}

type Interpreted =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly failure: RpcFailure };

/** Makes a result or a failure of an HTTP answer. Pure; `nowMs` is the wall clock, for a Retry-After that is a date. */
export function interpretReply(
  status: number,
  retryAfter: string | null,
  text: string | undefined,
  id: number,
  nowMs: number,
): Interpreted {
  const fail = (failure: RpcFailure): Interpreted => ({ ok: false, failure });
  if (status === 429 || (status === 503 && retryAfter !== null)) {
    const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
    return fail({
      type: 'rate_limited',
      detail: `HTTP ${status}`,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  if (text === undefined) return fail({ type: 'invalid_reply', detail: 'the answer is too large' });
  const body = parseObject(text);
  const error = body?.error;
  // Some nodes answer a JSON-RPC error with status 400 or 500: that is an answer, not a broken endpoint.
  if (
    body !== undefined &&
    typeof error === 'object' &&
    error !== null &&
    (body.id === id || body.id === null)
  )
    return fail(interpretError(error as Record<string, unknown>));
  if (status !== 200)
    return fail({
      type: 'http_status',
      detail: `HTTP ${status}`,
      ...([401, 403, 451].includes(status) ? { permanent: true } : {}),
    });
  if (body === undefined) return fail({ type: 'invalid_reply', detail: 'the answer is not a JSON object' });
  if (body.id !== id) return fail({ type: 'invalid_reply', detail: 'the answer is for another request' });
  if (!('result' in body)) return fail({ type: 'invalid_reply', detail: 'the answer holds no result' });
  return { ok: true, result: body.result };
}

/** Reads `Retry-After`, seconds or an HTTP date. @returns milliseconds, at most an hour */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : undefined;
}

function interpretError(error: Record<string, unknown>): RpcFailure {
  const code = typeof error.code === 'number' ? error.code : undefined;
  const message = typeof error.message === 'string' ? error.message.slice(0, MAX_DETAIL) : 'no message';
  const tooMuch = !TOO_OFTEN.test(message) && TOO_MUCH.test(message);
  const limited = (code === -32005 && !tooMuch) || code === 429 || TOO_OFTEN.test(message);
  const data = revertData(error.data);
  return {
    type: limited ? 'rate_limited' : 'rpc_error',
    detail: `${code ?? 'no code'}: ${message}`,
    rpcMessage: message,
    ...(tooMuch ? { tooMuch } : {}),
    ...(code === undefined ? {} : { rpcCode: code }),
    ...(data === undefined ? {} : { rpcData: data }),
  };
}

/** Revert data stands in `error.data`, or one level deeper, as a hexadecimal text, with some nodes after `Reverted `. */
function revertData(data: unknown): Hex | undefined {
  if (typeof data === 'string') {
    const hex = data.replace(/^Reverted /, '');
    return /^0x([0-9a-fA-F]{2})*$/.test(hex) ? (hex as Hex) : undefined;
  }
  if (typeof data === 'object' && data !== null && 'data' in data && typeof data.data === 'string')
    return revertData(data.data);
  return undefined;
}

function classifyThrown(error: unknown): RpcFailure {
  if (error instanceof DeadlineError)
    return { type: 'timeout', detail: `no answer in ${error.timeoutMs} ms` };
  // The message of fetch may name the whole URL; the cause's code does not.
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return { type: 'network', detail: typeof cause?.code === 'string' ? cause.code : 'connection failed' };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
