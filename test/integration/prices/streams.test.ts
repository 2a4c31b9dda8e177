import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FeedConfig } from '../../../src/config/types.js';
import { createPriceBook, type PriceBook } from '../../../src/prices/book.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { exact, feed, manualClock, streamSource } from '../../support/prices/feeds.js';
import { expand } from '../../support/prices/presets.js';
import { type StreamServer, startStream } from '../../support/prices/stream.js';

let server: StreamServer;
let clock: ReturnType<typeof manualClock>;
let stop: AbortController;
let running: Promise<void> | undefined;
let lines: string[];

beforeEach(async () => {
  server = await startStream();
  clock = manualClock();
  stop = new AbortController();
  running = undefined;
  lines = [];
});
afterEach(async () => {
  stop.abort();
  await running;
  await server.close();
});

function bookOf(...feeds: FeedConfig[]): PriceBook {
  return createPriceBook({
    config: { feeds, pollIntervalMs: 1_000 },
    clock,
    log: createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } }),
    metrics: createMetrics(),
    // The shortest pauses that the backoff knows.
    random: () => 0,
  });
}

function start(book: PriceBook): void {
  running = book.run(stop.signal);
}

const symbolFeed = (name: string, symbol: string) =>
  feed({
    name,
    sources: [
      streamSource({
        label: `v:${symbol}`,
        url: server.url,
        headers: { 'x-key': 'a-secret-key' },
        subscribe: [`sub ${symbol}`],
        filter: `$[?$.symbol == '${symbol}']`,
      }),
    ],
  });

const result = (book: PriceBook, name = 'ETH/USD') => book.sources(name)[0]?.result;

describe('streams over real WebSocket servers', () => {
  it('subscribes once per symbol on one connection and sorts the messages', async () => {
    const book = bookOf(symbolFeed('ETH/USD', 'ETH'), symbolFeed('BTC/USD', 'BTC'));
    start(book);
    const client = await server.client();
    expect(client.headers['x-key']).toBe('a-secret-key');
    expect([await client.next(), await client.next()]).toEqual(['sub ETH', 'sub BTC']);
    client.send('{"event":"subscribed"}');
    client.send('pong');
    client.send('{"symbol":"BTC","price":30000.10}');
    client.send('{"symbol":"ETH","price":"2000.20"}');
    await expect.poll(() => result(book), { interval: 5 }).toBe('ok');
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ answer: 200_020_000_000n });
    expect(book.price('BTC/USD', clock.tick())).toMatchObject({ answer: 3_000_010_000_000n });
  });

  it('reconnects and subscribes again when the venue hangs up; what was seen stays until it is too old', async () => {
    const book = bookOf(symbolFeed('ETH/USD', 'ETH'));
    start(book);
    const first = await server.client();
    first.send('{"symbol":"ETH","price":1}');
    await expect.poll(() => result(book), { interval: 5 }).toBe('ok');
    first.socket.terminate();
    await expect.poll(() => result(book), { interval: 5 }).toBe('disconnected');
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true });
    clock.advance(61_000);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: false, code: 'too_few_sources' });
    const second = await server.client();
    expect(await second.next()).toBe('sub ETH');
    second.send('{"symbol":"ETH","price":2}');
    await expect.poll(() => result(book), { interval: 5 }).toBe('ok');
    clock.advance(1_000);
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true, answer: 200_000_000n });
  });

  it('a connection that went silent is given up and made anew', async () => {
    const quiet = streamSource({ label: 'v:ETH', url: server.url, silenceMs: 60 });
    const book = bookOf(feed({ sources: [quiet] }));
    start(book);
    await server.client();
    await server.client();
    expect(book.sources('ETH/USD')[0]).toMatchObject({
      result: 'disconnected',
      detail: 'no message for 60 ms',
    });
  });

  it.each([
    ['with JSON', '{"op":"pong"}'],
    ['with bare text', 'pong'],
    ['with an error', '{"error":"unknown request"}'],
  ])(
    'a venue that dropped the subscription and still answers pings %s is left and subscribed anew',
    async (_how, pong) => {
      const source = streamSource({
        label: 'v:ETH',
        url: server.url,
        subscribe: ['sub ETH'],
        errorPath: '$.error',
        ping: 'ping',
        pingIntervalMs: 20,
        silenceMs: 100,
      });
      const book = bookOf(feed({ sources: [source], maxAgeMs: 300 }));
      start(book);
      const first = await server.client();
      first.send('{"price":1}');
      first.socket.on('message', () => first.send(pong));
      const second = await server.client();
      expect(book.sources('ETH/USD')[0]).toMatchObject({
        result: 'disconnected',
        detail: 'no reading for 300 ms',
      });
      expect(await second.next()).toBe('sub ETH');
      second.send('{"price":2}');
      await expect.poll(() => result(book), { interval: 5 }).toBe('ok');
    },
  );

  it.each([
    ['rarely trades', '{"symbol":"ETH","status":"open","price":1}'],
    ['is suspended and says so', '{"symbol":"ETH","status":"halt","price":1}'],
  ])(
    'a market that %s keeps its connection, by the longest maxAge of its sources',
    { timeout: 10_000 },
    async (_what, message) => {
      const talk = {
        ping: 'ping',
        pingIntervalMs: 20,
        silenceMs: 100,
        statusPath: '$.status',
        statusOk: ['open'],
      };
      const feeds = [symbolFeed('ETH/USD', 'ETH'), symbolFeed('BTC/USD', 'BTC')].map((one, i) => ({
        ...one,
        maxAgeMs: [60, 1_000][i]!,
        sources: [{ ...one.sources[0]!, ...talk } as FeedConfig['sources'][0]],
      }));
      start(bookOf(...feeds));
      const client = await server.client();
      // A reading with every 12th ping, a quarter of a second apart: over `silence`, under the longest `maxAge`.
      for (let i = 0; i < 80; i += 1) {
        if ((await client.next()) !== 'ping') continue;
        client.send(i % 12 === 0 ? message : '{"op":"pong"}');
      }
      expect(client.socket.readyState).toBe(client.socket.OPEN);
    },
  );

  it('pings in the words of the venue, or with the protocol’s own ping', async () => {
    const talking = streamSource({ label: 'a:1', url: server.url, ping: 'ping', pingIntervalMs: 10 });
    const plain = streamSource({ label: 'b:1', url: server.url, pingIntervalMs: 10 });
    const book = bookOf(feed({ sources: [talking, plain] }));
    const clients = [server.client(), server.client()];
    start(book);
    const [one, two] = await Promise.all(clients);
    const pinged = (client: typeof one) =>
      new Promise<string>((resolve) => client?.socket.once('ping', () => resolve('protocol')));
    const seen = await Promise.all(
      [one, two].map((client) => Promise.race([client!.next(), pinged(client)])),
    );
    expect(seen.sort()).toEqual(['ping', 'protocol']);
  });

  it('a reload adds and removes symbols without dropping the connection', async () => {
    const eth = symbolFeed('ETH/USD', 'ETH');
    const book = bookOf(eth);
    start(book);
    const client = await server.client();
    expect(await client.next()).toBe('sub ETH');
    client.send('{"symbol":"ETH","price":1}');
    await expect.poll(() => result(book), { interval: 5 }).toBe('ok');
    book.apply({ feeds: [eth, symbolFeed('BTC/USD', 'BTC')], pollIntervalMs: 1_000 });
    expect(await client.next()).toBe('sub BTC');
    client.send('{"symbol":"BTC","price":3}');
    await expect.poll(() => result(book, 'BTC/USD'), { interval: 5 }).toBe('ok');
    expect(result(book)).toBe('ok');
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    book.apply({ feeds: [], pollIntervalMs: 1_000 });
    await closed;
  });

  it('a reload while the connection is being made loses no subscription', { timeout: 10_000 }, async () => {
    const handshake = server.hold();
    const eth = symbolFeed('ETH/USD', 'ETH');
    const book = bookOf(eth);
    start(book);
    await handshake.asked;
    book.apply({ feeds: [eth, symbolFeed('BTC/USD', 'BTC')], pollIntervalMs: 1_000 });
    handshake.release();
    const client = await server.client();
    expect([await client.next(), await client.next()]).toEqual(['sub ETH', 'sub BTC']);
  });

  it('a refusal is told by its code and not asked again at once', async () => {
    server.refuse(403);
    const book = bookOf(symbolFeed('ETH/USD', 'ETH'));
    start(book);
    await expect.poll(() => result(book), { interval: 5 }).toBe('forbidden');
  });

  it('an error told before the first value belongs to the source', async () => {
    const source = {
      ...symbolFeed('ETH/USD', 'ETH').sources[0]!,
      errorPath: '$.error',
    } as FeedConfig['sources'][0];
    const book = bookOf(feed({ sources: [source] }));
    start(book);
    const client = await server.client();
    client.send('{"error":"unknown symbol"}');
    await expect.poll(() => result(book), { interval: 5 }).toBe('venue_error');
    expect(book.sources('ETH/USD')[0]?.detail).toBe('the venue says: "unknown symbol"');
  });

  it('one reading for check-config: connects, takes the first value, disconnects', async () => {
    const book = bookOf(symbolFeed('ETH/USD', 'ETH'));
    const polled = book.pollOnce(stop.signal);
    const client = await server.client();
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    client.send('{"symbol":"ETH","price":7}');
    await polled;
    await closed;
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: true, answer: 700_000_000n });
  });

  it('one reading of a venue that says nothing ends at the deadline', async () => {
    const mute = streamSource({ label: 'v:ETH', url: server.url, deadlineMs: 50 });
    const book = bookOf(feed({ sources: [mute] }));
    await book.pollOnce(stop.signal);
    expect(result(book)).toBe('timeout');
  });

  it('nobody there: disconnected, without the address in the log', async () => {
    const book = bookOf(
      feed({ sources: [streamSource({ label: 'v:ETH', url: 'ws://127.0.0.1:1/?k=secret' })] }),
    );
    await book.pollOnce(stop.signal);
    expect(book.sources('ETH/USD')[0]).toMatchObject({ result: 'disconnected', detail: 'ECONNREFUSED' });
    expect(lines.join('')).not.toMatch(/127\.0\.0\.1|secret/);
  });

  it('the shipped presets stream through the same path', async () => {
    const source = expand('bybit-ws', 'ETHUSDT', server.url);
    const book = bookOf(feed({ sources: [{ ...source, convert: 'USDT/USD' }] }), fixedRate());
    const polled = book.pollOnce(stop.signal);
    const client = await server.client();
    expect(JSON.parse(await client.next())).toEqual({ op: 'subscribe', args: ['tickers.ETHUSDT'] });
    client.send('{"success":true,"ret_msg":"subscribe","op":"subscribe"}');
    client.send(
      `{"topic":"tickers.ETHUSDT","ts":${clock.now()},"type":"snapshot","data":{"lastPrice":"2000.5"}}`,
    );
    await polled;
    expect(book.sources('ETH/USD')[0]?.observation?.value).toEqual(exact('2000.5'));
    expect(book.price('ETH/USD', clock.tick())).toMatchObject({ ok: false, code: 'input_missing' });
  });
});

const fixedRate = () => feed({ name: 'USDT/USD', sources: [] });
