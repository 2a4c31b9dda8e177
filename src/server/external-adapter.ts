/**
 * The daemon as a Chainlink external adapter: `POST /` answers with the price that the publisher judged at its last tick.
 * It reads what is held and does nothing else: no request to a source, no price computed, no transaction. A price that a
 * guard holds back, or that has become too old, is an error and never the last number.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../common/time.js';
import type { ExternalAdapterSettings } from '../config/environment.js';
import { errorReply, providerErrorReply, resultReply } from './external-adapter-reply.js';
import { type AdapterRequest, type JobId, readAdapterRequest } from './external-adapter-request.js';
import type { HeldPrice } from './held-prices.js';
import type { Reply, Request } from './http.js';
import { createRateLimit } from './rate-limit.js';

/** What the daemon holds now. */
export interface Holdings {
  readonly startedAtMs: number;
  readonly prices: readonly HeldPrice[];
}

export interface ExternalAdapterDeps {
  readonly settings: ExternalAdapterSettings | undefined;
  /** `undefined` until the start-up checks have passed. */
  readonly holdings: () => Holdings | undefined;
  readonly clock: Clock;
}

/** Ten a second: a node asks for each feed every few seconds. */
const REQUESTS_PER_MINUTE = 600;
/** Before a request is read, nobody knows its job. */
const UNREAD = '1';

/** Creates what answers `POST /`. */
export function createExternalAdapter({ settings, holdings, clock }: ExternalAdapterDeps) {
  const limit = createRateLimit(settings?.requestsPerMinute ?? REQUESTS_PER_MINUTE, clock);
  const isAllowed = tokenCheck(settings?.token);

  return ({ headers, remoteAddress, body }: Pick<Request, 'headers' | 'remoteAddress' | 'body'>): Reply => {
    // Before the token: guessing it is limited as well.
    const waitMs = limit.take(remoteAddress);
    if (waitMs > 0)
      return errorReply(UNREAD, 429, 'AdapterRateLimitError', 'Too many requests from this address', {
        'retry-after': String(Math.ceil(waitMs / 1_000)),
      });
    if (!isAllowed(headers.authorization))
      return errorReply(UNREAD, 401, 'AdapterError', 'A bearer token is required', {
        'www-authenticate': 'Bearer',
      });
    if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? ''))
      return errorReply(UNREAD, 400, 'AdapterError', 'Content type not "application/json", returning 400');
    const request = readAdapterRequest(body);
    if (!request.ok) return errorReply(request.jobRunID, request.status, 'AdapterError', request.message);
    const held = holdings();
    if (!held) return errorReply(request.jobRunID, 503, 'AdapterError', 'The daemon is starting');
    const price = find(held.prices, request);
    if (!price)
      return errorReply(request.jobRunID, 404, 'AdapterError', `There is no feed ${nameOf(request)}`);
    return answer(request.jobRunID, price, held.startedAtMs, clock.now());
  };
}

type Asked = Extract<AdapterRequest, { ok: true }>;

function answer(jobRunID: JobId, held: HeldPrice, startedAtMs: number, nowMs: number): Reply {
  if (held.answer !== null && held.goodUntilMs !== null) {
    if (nowMs < held.goodUntilMs) return resultReply(jobRunID, BigInt(held.answer), held, startedAtMs);
    return errorReply(jobRunID, 504, 'AdapterTimeoutError', `The price of ${held.feed} is too old`);
  }
  if (held.receivedAtMs === null)
    return errorReply(
      jobRunID,
      504,
      'AdapterTimeoutError',
      `No source of ${held.feed} has given a value yet (${held.code})`,
    );
  const why = held.detail === '' ? held.code : `${held.code}, ${held.detail}`;
  return providerErrorReply(jobRunID, `${held.feed} is held back: ${why}`, held.receivedAtMs, startedAtMs);
}

/** The feed as it is written, else in any case; base and quote likewise. */
function find(prices: readonly HeldPrice[], asked: Asked): HeldPrice | undefined {
  const matches = (fold: (text: string) => string) =>
    prices.find(({ feed, base, quote }) =>
      'feed' in asked
        ? fold(feed) === fold(asked.feed)
        : fold(base) === fold(asked.base) && fold(quote) === fold(asked.quote),
    );
  return matches((text) => text) ?? matches((text) => text.toUpperCase());
}

const nameOf = (asked: Asked): string => ('feed' in asked ? asked.feed : `${asked.base}/${asked.quote}`);

/** Compares hashes: neither the time that it takes nor the length tells anything of the token. */
function tokenCheck(token: string | undefined): (authorization: string | undefined) => boolean {
  if (token === undefined) return () => true;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(token);
  return (authorization) => {
    const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), wanted);
  };
}
