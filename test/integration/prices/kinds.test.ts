/** The other kinds of sources: external adapters, mirrored feeds, derived feeds; and breakers over several polls. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whole } from '../../../src/common/rational.js';
import type { AggregatorSource, ExternalAdapterSource, FeedConfig } from '../../../src/config/types.js';
import type { AggregatorAnswer } from '../../../src/prices/aggregator.js';
import { createPriceBook } from '../../../src/prices/book.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { exact, feed, feedSource, httpSource, manualClock } from '../../support/prices/feeds.js';
import { json, startVenue, type Venue } from '../../support/prices/venue.js';

let venue: Venue;
let clock: ReturnType<typeof manualClock>;
const never = new AbortController().signal;

beforeEach(async () => {
  venue = await startVenue();
  clock = manualClock();
});
afterEach(() => venue.close());

function bookOf(
  feeds: FeedConfig[],
  readAggregator?: (source: AggregatorSource, signal: AbortSignal) => Promise<AggregatorAnswer>,
) {
  return createPriceBook({
    config: { feeds, pollIntervalMs: 1_000 },
    clock,
    log: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    random: () => 0,
    ...(readAggregator ? { readAggregator } : {}),
  });
}

const common = { quote: 'USD', scale: whole(1n), invert: false, deadlineMs: 1_000 };

describe('external adapters', () => {
  const adapter = (): ExternalAdapterSource => ({
    ...common,
    kind: 'external-adapter',
    label: 'ea',
    venue: 'external-adapter',
    url: `${venue.url}/`,
    headers: { authorization: 'Bearer token' },
    data: { base: 'ETH', quote: 'USD' },
  });
  const ask = async (answer: string, status = 200) => {
    venue.answer(json(answer, status));
    const book = bookOf([feed({ sources: [adapter()] })]);
    await book.pollOnce(never);
    return book;
  };

  it('asks as Chainlink’s nodes do', async () => {
    await ask('{"jobRunID":"1","data":{"result":1234.5},"result":1234.5,"statusCode":200}');
    expect(venue.asked[0]).toMatchObject({ method: 'POST', headers: { authorization: 'Bearer token' } });
    expect(JSON.parse(venue.asked[0]!.body)).toEqual({ id: 'ea', data: { base: 'ETH', quote: 'USD' } });
  });

  it.each([
    ['{"jobRunID":"1","data":{"result":1234.5},"result":1234.5,"statusCode":200}', '1234.5'],
    ['{"data":{"result":"1234.500000000000000001"},"statusCode":200}', '1234.500000000000000001'],
    ['{"result":1.2345e3,"data":{}}', '1234.5'],
    ['{"result":null,"data":{"result":1234.5},"error":null}', '1234.5'],
  ])('reads %s', async (answer, value) => {
    const book = await ask(answer);
    expect(book.sources('ETH/USD')[0]).toMatchObject({ result: 'ok', observation: { value: exact(value) } });
  });

  it.each([
    ['{"jobRunID":"1","status":"errored","statusCode":500,"error":{"message":"no route"}}', 'venue_error'],
    ['{"jobRunID":"1","statusCode":200,"result":1,"error":"stale data"}', 'venue_error'],
    ['{"status":"errored","result":1}', 'venue_error'],
    ['{"statusCode":"504","result":1}', 'venue_error'],
    [
      '{"errorMessage":"The EA has not received any values from the Data Provider","statusCode":504}',
      'venue_error',
    ],
    ['{"statusCode":200,"data":{}}', 'path_missing'],
    ['{"statusCode":200,"result":{"price":1}}', 'not_a_number'],
  ])('%s with status 200 is %s', async (answer, code) => {
    expect((await ask(answer)).sources('ETH/USD')[0]).toMatchObject({ result: code });
  });

  it('understands what an adapter made with Chainlink’s framework answers (recorded from 2.18.1)', async () => {
    const [asked, received, told] = [clock.now() - 26, clock.now(), clock.now() - 4_987];
    const good = await ask(
      `{"result":1234.1234567890124,"data":{"result":1234.1234567890124},"timestamps":{"providerDataRequestedUnixMs":${asked},"providerDataReceivedUnixMs":${received},"providerIndicatedTimeUnixMs":${told}},"statusCode":200}`,
    );
    expect(good.sources('ETH/USD')[0]).toMatchObject({
      result: 'ok',
      observation: { value: exact('1234.1234567890124'), observedAtMs: told, timeFrom: 'venue' },
    });
    const provider = await ask(
      `{"statusCode":502,"errorMessage":"no price from provider","timestamps":{"providerDataRequestedUnixMs":${asked},"providerDataReceivedUnixMs":${received}}}`,
      502,
    );
    expect(provider.sources('ETH/USD')[0]).toMatchObject({
      result: 'http_status',
      detail: 'HTTP 502: no price from provider',
    });
    const refused = await ask(
      '{"status":"errored","statusCode":400,"error":{"name":"AdapterError","message":"[Param: base] param is required but no value was provided"}}',
      400,
    );
    expect(refused.sources('ETH/USD')[0]).toMatchObject({
      result: 'http_status',
      detail: 'HTTP 400: [Param: base] param is required but no value was provided',
    });
  });

  it('the time is the provider’s, or that of the adapter’s cache', async () => {
    const times = (provider: number | null) =>
      `{"result":1,"statusCode":200,"timestamps":{"providerDataReceivedUnixMs":${clock.now() - 2_000},` +
      `"providerIndicatedTimeUnixMs":${provider}}}`;
    const at = async (answer: string) => (await ask(answer)).sources('ETH/USD')[0]?.observation?.observedAtMs;
    expect(await at(times(clock.now() - 9_000))).toBe(clock.now() - 9_000);
    expect(await at(times(null))).toBe(clock.now() - 2_000);
    expect(await at('{"result":1}')).toBe(clock.now());
  });
});

describe('a mirrored feed', () => {
  const mirror = (over: Partial<AggregatorSource> = {}): AggregatorSource => ({
    ...common,
    kind: 'aggregator',
    label: 'mainnet',
    venue: 'aggregator',
    rpcUrls: ['http://rpc.invalid/?key=secret'],
    chainId: 1,
    address: '0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419',
    staleAfterMs: 3_900_000,
    ...over,
  });
  const round = (ageSeconds: number, over: Partial<AggregatorAnswer> = {}): AggregatorAnswer => ({
    answer: 200_012_345_678n,
    decimals: 8,
    updatedAt: clock.tick() - ageSeconds,
    ...over,
  });
  const look = async (answer: AggregatorAnswer, over: Partial<AggregatorSource> = {}) => {
    const book = bookOf([feed({ sources: [mirror(over)] })], async () => answer);
    await book.pollOnce(never);
    return { view: book.sources('ETH/USD')[0], price: book.price('ETH/USD', clock.tick()) };
  };

  it('is read at its own decimals and with its own age limit', async () => {
    const { price } = await look(round(3_000));
    expect(price).toMatchObject({
      ok: true,
      answer: 200_012_345_678n,
      observedAtMs: clock.now() - 3_000_000,
    });
    const wide = await look(round(0, { answer: 2_000_123_456_785_000_000_000n, decimals: 18 }));
    expect(wide.price).toMatchObject({ ok: true, answer: 200_012_345_678n });
  });

  it.each([
    ['an old round', () => round(3_901), {}, 'stale'],
    ['a round without time', () => round(0, { updatedAt: 0 }), {}, 'time_invalid'],
    ['a round from the future', () => round(-61), {}, 'time_invalid'],
    ['other decimals than configured', () => round(0), { decimals: 18 }, 'venue_error'],
    ['absurd decimals', () => round(0, { decimals: 200 }), {}, 'out_of_range'],
  ])('%s is no observation', async (_name, answer, over, code) => {
    const { view, price } = await look(answer(), over);
    expect(view).toMatchObject({ result: code });
    expect(price.ok).toBe(false);
  });

  it('a chain that cannot be read, or hangs, is told by its code and nothing of its address', async () => {
    const broken = bookOf([feed({ sources: [mirror()] })], () =>
      Promise.reject(new Error('http://rpc.invalid/?key=secret failed')),
    );
    await broken.pollOnce(never);
    expect(broken.sources('ETH/USD')[0]).toMatchObject({
      result: 'network',
      detail: 'the chain could not be read',
    });
    const hanging = bookOf([feed({ sources: [mirror({ deadlineMs: 30 })] })], () => new Promise(() => {}));
    await hanging.pollOnce(never);
    expect(hanging.sources('ETH/USD')[0]).toMatchObject({ result: 'timeout' });
  });
});

describe('derived feeds', () => {
  const inputs = (eth: string, btc: string) =>
    [
      ['ETH/USD', eth, 1_000],
      ['BTC/USD', btc, 7_000],
    ].map(([name, price, age]) => {
      const path = `/${name}`;
      return {
        path,
        body: `{"price":"${price}","time":${clock.now() - Number(age)}}`,
        config: feed({
          name: `${name}`,
          sources: [httpSource({ label: `v:${name}`, url: `${venue.url}${path}`, timePath: '$.time' })],
        }),
      };
    });
  const derive = async (eth: string, btc: string, operation: 'product' | 'quotient', over = {}) => {
    const all = inputs(eth, btc);
    venue.answer((asked, response) => void response.end(all.find(({ path }) => path === asked.path)?.body));
    const source = feedSource({ inputs: ['ETH/USD', 'BTC/USD'], operation, ...over });
    const book = bookOf([
      ...all.map(({ config }) => config),
      feed({ name: 'ETH/BTC', decimals: 18, sources: [source] }),
    ]);
    await book.pollOnce(never);
    return book.price('ETH/BTC', clock.tick());
  };

  it('a quotient is rounded once, at the end, and as old as its oldest input', async () => {
    expect(await derive('2000', '30000', 'quotient')).toMatchObject({
      ok: true,
      answer: 66_666_666_666_666_667n,
      observedAtMs: clock.now() - 7_000,
    });
    expect(await derive('2000', '30000', 'quotient', { invert: true })).toMatchObject({
      answer: 15_000_000_000_000_000_000n,
    });
  });

  it('a product', async () => {
    expect(await derive('1.1', '1.1', 'product')).toMatchObject({ answer: 1_210_000_000_000_000_000n });
  });

  it('without one input there is no price, and the input is named as missing', async () => {
    expect(await derive('2000', 'halted', 'quotient')).toMatchObject({
      ok: false,
      code: 'input_missing',
      dropped: [{ code: 'input_missing' }],
    });
  });

  it('a feed that depends on itself has no price, and does not hang', () => {
    const book = bookOf([
      feed({ name: 'A/B', sources: [feedSource({ inputs: ['B/A'] })] }),
      feed({ name: 'B/A', sources: [feedSource({ inputs: ['A/B'] })] }),
    ]);
    expect(book.price('A/B', clock.tick())).toMatchObject({ ok: false, code: 'input_missing' });
    expect(book.price('nothing', clock.tick())).toMatchObject({ ok: false, code: 'no_observations' });
  });
});

describe('a venue in trouble', () => {
  const polls = async (book: ReturnType<typeof bookOf>, count: number) => {
    for (let i = 0; i < count; i += 1) await book.pollOnce(never);
  };
  const source = (path: string) => httpSource({ label: `v:${path}`, url: `${venue.url}${path}` });

  it('is left alone after five faults, tried once after the pause, and taken back when it answers', async () => {
    venue.answer(json('', 500));
    const book = bookOf([feed({ sources: [source('/a')] })]);
    await polls(book, 8);
    expect(venue.asked).toHaveLength(5);
    expect(book.sources('ETH/USD')[0]).toMatchObject({ result: 'breaker_open', breaker: 'open' });
    clock.advance(5_000);
    await polls(book, 2);
    expect(venue.asked).toHaveLength(6);
    clock.advance(5_000);
    await polls(book, 1);
    expect(venue.asked).toHaveLength(6);
    clock.advance(5_000);
    venue.answer(json('{"price":1}'));
    await polls(book, 2);
    expect(venue.asked).toHaveLength(8);
    expect(book.sources('ETH/USD')[0]).toMatchObject({ result: 'ok', breaker: 'closed' });
  });

  it('a refused path is left alone; the venue’s other paths are not', async () => {
    venue.answer((asked, response) =>
      asked.path === '/a' ? json('', 403)(asked, response) : json('{"price":1}')(asked, response),
    );
    const book = bookOf([feed({ sources: [source('/a'), source('/b')] })]);
    await polls(book, 3);
    expect(venue.asked.filter(({ path }) => path === '/a')).toHaveLength(1);
    expect(venue.asked.filter(({ path }) => path === '/b')).toHaveLength(3);
  });

  it('a key that was corrected by a reload is tried at once', async () => {
    venue.answer(
      ({ headers }, response) =>
        void response.writeHead(headers['x-key'] === 'right' ? 200 : 401).end('{"price":1}'),
    );
    const withKey = (key: string) => [feed({ sources: [{ ...source('/a'), headers: { 'x-key': key } }] })];
    const book = bookOf(withKey('wrong'));
    await polls(book, 2);
    expect(book.sources('ETH/USD')[0]).toMatchObject({ result: 'breaker_open' });
    book.apply({ feeds: withKey('right'), pollIntervalMs: 1_000 });
    await polls(book, 1);
    expect(book.sources('ETH/USD')[0]).toMatchObject({ result: 'ok' });
  });

  it('a rate limit pauses the whole host, for as long as the venue says', async () => {
    venue.answer(json('', 429, { 'retry-after': '30' }));
    const book = bookOf([feed({ sources: [source('/a')] })]);
    await polls(book, 2);
    book.apply({ feeds: [feed({ sources: [source('/a'), source('/b')] })], pollIntervalMs: 1_000 });
    await polls(book, 1);
    expect(venue.asked).toHaveLength(1);
    clock.advance(30_000);
    venue.answer(json('{"price":1}'));
    await polls(book, 2);
    expect(book.sources('ETH/USD').map(({ result }) => result)).toEqual(['ok', 'ok']);
  });

  it('an answer older than the one held does not take its place', async () => {
    const timed = { ...source('/a'), timePath: '$.t' };
    const book = bookOf([feed({ sources: [timed] })]);
    venue.answer(json(`{"price":2,"t":${clock.now() - 1_000}}`));
    await polls(book, 1);
    venue.answer(json(`{"price":1,"t":${clock.now() - 5_000}}`));
    await polls(book, 1);
    expect(book.sources('ETH/USD')[0]).toMatchObject({ result: 'stale' });
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ answer: 200_000_000n });
  });
});
