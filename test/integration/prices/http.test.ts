import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/common/time.js';
import { pollHttp } from '../../../src/prices/http/poll.js';
import { readRetryAfter } from '../../../src/prices/http/refusal.js';
import { requestJson } from '../../../src/prices/http/request.js';
import { json, startVenue, type Venue } from '../../support/prices/venue.js';

let venue: Venue;
beforeEach(async () => {
  venue = await startVenue();
});
afterEach(() => venue.close());

const never = new AbortController().signal;
const get = (path = '/') => ({ url: `${venue.url}${path}`, method: 'GET' as const, headers: {} });
const poll = (over: { retries?: number; deadlineMs?: number } = {}, signal = never) =>
  pollHttp(
    { request: get(), retries: 2, deadlineMs: 2_000, ...over },
    { clock: systemClock, random: () => 0 },
    signal,
  );

/** Answers with each of the handlers in turn, then with the last. */
function inTurn(...handlers: Parameters<Venue['answer']>[0][]): void {
  let at = 0;
  venue.answer((asked, response) => handlers[Math.min(at++, handlers.length - 1)]?.(asked, response));
}

describe('one request', () => {
  it('sends what is configured and reads a compressed answer', async () => {
    venue.answer(
      (_asked, response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"p":1}')),
    );
    const request = {
      url: `${venue.url}/x?a=1`,
      method: 'POST' as const,
      headers: { 'x-key': 'k', 'content-type': 'application/json' },
      body: '{"pairs":["A"]}',
    };
    expect(await requestJson(request, systemClock, never)).toMatchObject({ ok: true });
    expect(venue.asked[0]).toMatchObject({
      path: '/x?a=1',
      method: 'POST',
      headers: { 'x-key': 'k', 'content-type': 'application/json', 'user-agent': 'oracle-publisher' },
      body: '{"pairs":["A"]}',
    });
  });

  it('an answer out of a cache is as old as the cache says', async () => {
    venue.answer(json('{"p":1}', 200, { age: '30' }));
    expect(await requestJson(get(), systemClock, never)).toMatchObject({ ok: true, cacheAgeMs: 30_000 });
  });

  it('redirects are refused: they would carry the key elsewhere', async () => {
    venue.answer(json('', 302, { location: '/elsewhere' }));
    expect(await requestJson(get(), systemClock, never)).toMatchObject({ code: 'http_status', status: 302 });
    expect(venue.asked).toHaveLength(1);
  });

  it('a body without end is cut off', async () => {
    venue.answer((_asked, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    expect(await requestJson(get(), systemClock, never)).toMatchObject({ code: 'too_large' });
  });

  it('a small body that unpacks into a huge one is cut off as well', async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, 0x20));
    venue.answer(
      (_asked, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    expect(await requestJson(get(), systemClock, never)).toMatchObject({ code: 'too_large' });
  });

  it.each([
    [429, 'rate_limited'],
    [418, 'rate_limited'],
    [401, 'forbidden'],
    [403, 'forbidden'],
    [451, 'forbidden'],
    [404, 'http_status'],
    [500, 'http_status'],
  ])('status %i is %s', async (status, code) => {
    venue.answer(json('{"p":1}', status));
    expect(await requestJson(get(), systemClock, never)).toMatchObject({ ok: false, code, status });
  });

  it.each([
    ['{"code":-1121,"msg":"Invalid symbol."}', 'HTTP 400: Invalid symbol.'],
    ['{"error":{"name":"X","message":"no\\nsuch pair"}}', 'HTTP 400: no such pair'],
    ['{"statusCode":400,"errorMessage":"no price from provider"}', 'HTTP 400: no price from provider'],
    ['<html>', 'HTTP 400'],
    ['{"error":[]}', 'HTTP 400'],
    [`{"msg":"x","pad":"${'x'.repeat(20_000)}"}`, 'HTTP 400'],
  ])('says what the venue says: %s', async (body, detail) => {
    venue.answer(json(body, 400));
    expect(await requestJson(get(), systemClock, never)).toMatchObject({ code: 'http_status', detail });
  });

  it('a connection that breaks off, and nobody there', async () => {
    venue.answer((_asked, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"p"');
      response.socket?.destroy();
    });
    expect(await requestJson(get(), systemClock, never)).toMatchObject({ code: 'network' });
    const gone = await startVenue();
    await gone.close();
    const nobody = { url: `${gone.url}/?key=secret`, method: 'GET' as const, headers: {} };
    expect(await requestJson(nobody, systemClock, never)).toEqual({
      ok: false,
      code: 'network',
      detail: 'ECONNREFUSED',
    });
    expect(await requestJson({ ...nobody, url: 'no url' }, systemClock, never)).toMatchObject({
      code: 'network',
      detail: 'ERR_INVALID_URL',
    });
  });
});

describe('one poll', () => {
  it('asks again after a fault that may pass', async () => {
    inTurn(json('', 502), json('', 503), json('{"p":1}'));
    expect(await poll()).toMatchObject({ ok: true });
    expect(venue.asked).toHaveLength(3);
  });

  it('gives up after the configured retries, with the last result', async () => {
    venue.answer(json('', 500));
    expect(await poll({ retries: 1 })).toMatchObject({ code: 'http_status', status: 500 });
    expect(venue.asked).toHaveLength(2);
  });

  it.each([400, 401, 403, 404, 451])('status %i is not asked again', async (status) => {
    venue.answer(json('', status));
    expect(await poll()).toMatchObject({ ok: false });
    expect(venue.asked).toHaveLength(1);
  });

  it('an answer that is no JSON is not asked again', async () => {
    venue.answer(json('<html>'));
    expect(await poll()).toMatchObject({ code: 'not_json' });
    expect(venue.asked).toHaveLength(1);
  });

  it('waits as long as Retry-After says when the deadline allows', async () => {
    inTurn(json('', 429, { 'retry-after': '1' }), json('{"p":1}'));
    const before = performance.now();
    expect(await poll({ deadlineMs: 5_000 })).toMatchObject({ ok: true });
    expect(performance.now() - before).toBeGreaterThanOrEqual(1_000);
  });

  it('ends at once when Retry-After lies beyond the deadline', async () => {
    venue.answer(json('', 429, { 'retry-after': '60' }));
    const before = performance.now();
    expect(await poll()).toMatchObject({ code: 'rate_limited', retryAfterMs: 60_000 });
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(venue.asked).toHaveLength(1);
  });

  it('one deadline over all attempts', async () => {
    venue.answer(() => {});
    const before = performance.now();
    expect(await poll({ deadlineMs: 100, retries: 5 })).toMatchObject({ code: 'timeout' });
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  it('stops at once when the daemon does', async () => {
    const stop = new AbortController();
    venue.answer(() => stop.abort(new Error('stopping')));
    await expect(poll({}, stop.signal)).rejects.toThrow('stopping');
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2024, 0, 1);
  it.each([
    [null, undefined],
    ['', undefined],
    ['soon', undefined],
    ['0', 0],
    ['120', 120_000],
    ['999999999', 86_400_000],
    ['Mon, 01 Jan 2024 00:00:30 GMT', 30_000],
    ['Sun, 31 Dec 2023 00:00:00 GMT', 0],
  ])('%s', (text, ms) => {
    expect(readRetryAfter(text, now)).toBe(ms);
  });
});
