import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FeedConfig } from '../../../src/config/types.js';
import { createPriceBook, type PriceBook } from '../../../src/prices/book.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { exact, feed, httpSource, manualClock, seeded } from '../../support/prices/feeds.js';
import { expand } from '../../support/prices/presets.js';
import { json, startVenue, type Venue } from '../../support/prices/venue.js';

const never = new AbortController().signal;
let venues: Venue[];
let clock: ReturnType<typeof manualClock>;
let lines: string[];
let metrics: ReturnType<typeof createMetrics>;

beforeEach(async () => {
  venues = await Promise.all([startVenue(), startVenue(), startVenue()]);
  clock = manualClock();
  lines = [];
  metrics = createMetrics();
});
afterEach(() => Promise.all(venues.map((venue) => venue.close())));

function bookOf(...feeds: FeedConfig[]): PriceBook {
  const log = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
  return createPriceBook({
    config: { feeds, pollIntervalMs: 50 },
    clock,
    log,
    metrics,
    random: seeded(),
  });
}

const threeVenues = (over: Partial<FeedConfig> = {}) =>
  feed({
    minSources: 2,
    sources: ['a', 'b', 'c'].map((name, i) =>
      httpSource({ label: `${name}:ETHUSD`, url: `${venues[i]!.url}/ticker?key=super-secret-key` }),
    ),
    ...over,
  });

describe('the price book over real servers', () => {
  it('gives the median of what the venues say, exact to the last digit', async () => {
    venues[0]!.answer(json('{"price":1234.123456785}'));
    venues[1]!.answer(json('{"price":"1234.123456775"}'));
    venues[2]!.answer(json('{"price":1.234123456784e3}'));
    const book = bookOf(threeVenues());
    await book.pollOnce(never);
    const price = book.price('ETH/USD', clock.tick());
    expect(price).toMatchObject({ ok: true, answer: 123_412_345_678n });
    expect(price.used.map(({ source }) => source)).toEqual(['a:ETHUSD', 'b:ETHUSD', 'c:ETHUSD']);
  });

  it('asks a URL once a poll, however many feeds read from the answer', async () => {
    venues[0]!.answer(json('{"ETH":{"price":"2000"},"BTC":{"price":30000.5}}'));
    const url = `${venues[0]!.url}/all`;
    const book = bookOf(
      feed({ sources: [httpSource({ label: 'a:ETH', url, path: '$.ETH.price' })] }),
      feed({ name: 'BTC/USD', sources: [httpSource({ label: 'a:BTC', url, path: '$.BTC.price' })] }),
    );
    await book.pollOnce(never);
    expect(venues[0]!.asked).toHaveLength(1);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ answer: 200_000_000_000n });
    expect(book.price('BTC/USD', clock.tick())).toMatchObject({ answer: 3_000_050_000_000n });
  });

  it('reads any number of feeds from one answer of a venue that gives all its tickers at once', async () => {
    const symbols = Array.from({ length: 20 }, (_, i) => `C${i}USDT`);
    const all = symbols.map((symbol, i) => `{"symbol":"${symbol}","price":"${i + 1}.50000000"}`);
    venues[0]!.answer(json(`[{"symbol":"OTHER","price":"1"},${all}]`));
    const feeds = symbols.map((symbol) =>
      feed({ name: `${symbol}/X`, sources: [expand('binance-all', symbol, venues[0]!.url)] }),
    );
    const book = bookOf(...feeds);
    await book.pollOnce(never);
    expect(venues[0]!.asked.map(({ path }) => path)).toEqual(['/api/v3/ticker/price']);
    for (const [i, symbol] of symbols.entries())
      expect(book.price(`${symbol}/X`, clock.tick())).toMatchObject({
        ok: true,
        answer: BigInt(i + 1) * 100_000_000n + 50_000_000n,
      });
  });

  it('a source that hangs costs its vote and delays nobody', async () => {
    venues[0]!.answer(() => {});
    venues[1]!.answer(json('{"price":"10"}'));
    venues[2]!.answer(json('{"price":"10.2"}'));
    const sources = threeVenues().sources.map((source) => ({ ...source, deadlineMs: 400 }));
    const book = bookOf(threeVenues({ sources }));
    const stop = new AbortController();
    const running = book.run(stop.signal);
    await expect.poll(() => venues[1]!.asked.length, { interval: 10 }).toBeGreaterThan(3);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true, answer: 1_010_000_000n });
    expect(venues[0]!.asked.length).toBeLessThan(3);
    stop.abort();
    await running;
    expect(book.sources('ETH/USD')[0]).not.toHaveProperty('observation');
  });

  it('a value out of a cache is as old as the cache says, unless the venue tells its own time', async () => {
    const body = `{"price":"10","time":${clock.now() - 1_000}}`;
    for (const venue of venues) venue.answer(json(body, 200, { age: '20' }));
    const book = bookOf(
      feed({ sources: [httpSource({ label: 'a:1', url: venues[0]!.url })] }),
      feed({ name: 'X/Y', sources: [httpSource({ label: 'b:1', url: venues[1]!.url, timePath: '$.time' })] }),
    );
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ observedAtMs: clock.now() - 20_000 });
    expect(book.price('X/Y', clock.tick())).toMatchObject({ observedAtMs: clock.now() - 1_000 });
  });

  it('a venue with a narrow limit is asked no more often than its interval', async () => {
    for (const venue of venues) venue.answer(json('{"price":"10"}'));
    const sources = [
      httpSource({ label: 'slow:1', url: venues[0]!.url, minIntervalMs: 3_600_000 }),
      httpSource({ label: 'quick:1', url: venues[1]!.url }),
    ];
    const book = bookOf(feed({ sources }));
    const stop = new AbortController();
    const running = book.run(stop.signal);
    await expect.poll(() => venues[1]!.asked.length, { interval: 10 }).toBeGreaterThan(3);
    expect(venues[0]!.asked).toHaveLength(1);
    const joined = { ...sources[0]!, label: 'slow:2', path: '$.other' };
    book.apply({ feeds: [feed({ sources: [...sources, joined] })], pollIntervalMs: 50 });
    await expect.poll(() => book.sources('ETH/USD')[2]?.result, { interval: 10 }).toBe('path_missing');
    expect(venues[0]!.asked).toHaveLength(2);
    stop.abort();
    await running;
  });

  it('many sources at once look like no leak to Node', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning.message);
    process.on('warning', onWarning);
    for (const venue of venues) venue.answer(json('{"price":"10"}'));
    const sources = Array.from({ length: 36 }, (_, i) =>
      httpSource({ label: `v${i}:1`, url: `${venues[i % 3]!.url}/${i}` }),
    );
    const book = bookOf(feed({ sources, minSources: 36 }));
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('all but one down: nothing is published, and the reason is told', async () => {
    venues[0]!.answer(json('{"price":"10"}'));
    venues[1]!.answer(json('oops', 503));
    venues[2]!.answer(json('<html>', 200));
    const book = bookOf(threeVenues());
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({
      ok: false,
      code: 'too_few_sources',
      detail: '1 of 2 sources: b:ETHUSD http_status, c:ETHUSD not_json',
      dropped: [
        { source: 'b:ETHUSD', code: 'http_status' },
        { source: 'c:ETHUSD', code: 'not_json' },
      ],
    });
  });

  it('asked twice for one tick, answers the same, whatever came in between', async () => {
    for (const venue of venues) venue.answer(json('{"price":"10"}'));
    const book = bookOf(threeVenues());
    await book.pollOnce(never);
    const first = book.price('ETH/USD', clock.tick());
    for (const venue of venues) venue.answer(json('{"price":"12"}'));
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toEqual(first);
    clock.advance(1_000);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ answer: 1_200_000_000n });
  });

  it('an observation ages out; the price is held back and not repeated', async () => {
    for (const venue of venues) venue.answer(json('{"price":"10"}'));
    const book = bookOf(threeVenues());
    await book.pollOnce(never);
    clock.advance(60_000);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true });
    clock.advance(1_000);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: false, code: 'too_few_sources' });
  });

  it('our clock ran an hour ahead and is set back: the log says so, and prices follow the venues at once', async () => {
    for (const venue of venues) venue.answer(json('{"price":"10"}'));
    clock.correct(3_600_000);
    const book = bookOf(threeVenues());
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true, answer: 1_000_000_000n });
    clock.correct(-3_600_000);
    const readAtMs = clock.now();
    clock.advance(2_000);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true, observedAtMs: readAtMs });
    expect(lines.join('')).toContain('"event":"clock_set_back","milliseconds":3600000');
    for (const venue of venues) venue.answer(json('{"price":"9"}'));
    clock.advance(1_000);
    await book.pollOnce(never);
    expect(book.sources('ETH/USD').map((source) => source.result)).toEqual(['ok', 'ok', 'ok']);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true, answer: 900_000_000n });
  });

  it('readings that come in before the next tick are dated by the corrected clock', async () => {
    for (const venue of venues) venue.answer(json('{"price":"10"}'));
    clock.correct(3_600_000);
    const book = bookOf(threeVenues());
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true });
    clock.correct(-3_600_000);
    for (const venue of venues) venue.answer(json('{"price":"9"}'));
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({
      answer: 900_000_000n,
      observedAtMs: clock.now(),
    });
  });

  it('brings USDT into USD by the declared conversion, at the older time of both', async () => {
    venues[0]!.answer(json(`{"price":"2000","time":${clock.now() - 1_000}}`));
    venues[1]!.answer(json(`{"price":"0.999","time":${clock.now() - 9_000}}`));
    const timed = { timePath: '$.time' };
    const book = bookOf(
      feed({
        sources: [
          httpSource({ label: 'a', url: venues[0]!.url, quote: 'USDT', convert: 'USDT/USD', ...timed }),
        ],
      }),
      feed({ name: 'USDT/USD', sources: [httpSource({ label: 'b', url: venues[1]!.url, ...timed })] }),
    );
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({
      ok: true,
      answer: 199_800_000_000n,
      observedAtMs: clock.now() - 9_000,
      used: [{ source: 'a', value: exact('1998') }],
    });
  });

  it('without the conversion there is no price, and the reason says so', async () => {
    venues[0]!.answer(json('{"price":"2000"}'));
    venues[1]!.answer(json('{"price":null}'));
    const book = bookOf(
      feed({ sources: [httpSource({ label: 'a', url: venues[0]!.url, convert: 'USDT/USD' })] }),
      feed({ name: 'USDT/USD', sources: [httpSource({ label: 'b', url: venues[1]!.url })] }),
    );
    await book.pollOnce(never);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ code: 'input_missing' });
  });

  it('a reload keeps the observations of unchanged sources and forgets removed ones', async () => {
    for (const venue of venues) venue.answer(json('{"price":"10"}'));
    const before = threeVenues();
    const book = bookOf(before);
    await book.pollOnce(never);
    const asked = venues.map((venue) => venue.asked.length);
    clock.advance(1_000);
    book.apply({
      feeds: [{ ...before, maxAgeMs: 30_000, sources: before.sources.slice(0, 2) }],
      pollIntervalMs: 50,
    });
    expect(venues.map((venue) => venue.asked.length)).toEqual(asked);
    const price = book.price('ETH/USD', clock.tick());
    expect(price).toMatchObject({ ok: true });
    expect(price.used).toHaveLength(2);
    expect(await metrics.registry.metrics()).not.toContain('source="c:ETHUSD"');
  });

  it('a venue that repeats our key in its error does not get it into the log', async () => {
    const source = httpSource({
      label: 'a:1',
      url: `${venues[0]!.url}/v1/0123456789abcdef01234567/x?apikey=query-secret-1`,
      headers: { authorization: 'Bearer header-secret-1' },
    });
    venues[0]!.answer((asked, response) => {
      const { authorization } = asked.headers;
      response.writeHead(401).end(JSON.stringify({ message: `bad key: ${asked.path} ${authorization}` }));
    });
    const book = bookOf(feed({ sources: [source] }));
    await book.pollOnce(never);
    const told = lines.join('') + book.sources('ETH/USD')[0]!.detail;
    expect(told).toContain('HTTP 401: bad key');
    expect(told).not.toMatch(/secret-1|0123456789abcdef/);
  });

  it('counts results by closed codes and never prints a URL', async () => {
    venues[0]!.answer(json('{"price":"10"}'));
    venues[1]!.answer(json('{}', 403));
    venues[2]!.answer(json('{}', 429, { 'retry-after': '3600' }));
    const book = bookOf(threeVenues());
    await book.pollOnce(never);
    await book.pollOnce(never);
    const text = await metrics.registry.metrics();
    expect(text).toContain('oracle_source_requests_total{source="a:ETHUSD",result="ok"} 2');
    expect(text).toContain('oracle_source_requests_total{source="b:ETHUSD",result="forbidden"} 1');
    expect(text).toContain('oracle_source_requests_total{source="b:ETHUSD",result="breaker_open"} 1');
    expect(text).toContain('oracle_source_requests_total{source="c:ETHUSD",result="rate_limited"} 1');
    expect(text).toContain('oracle_source_requests_total{source="c:ETHUSD",result="timeout"} 0');
    expect(book.sources('ETH/USD').map(({ breaker }) => breaker)).toEqual(['closed', 'open', 'open']);
    expect(lines.join('')).toContain('forbidden');
    expect(lines.join('')).not.toMatch(/127\.0\.0\.1|super-secret-key/);
  });
});
