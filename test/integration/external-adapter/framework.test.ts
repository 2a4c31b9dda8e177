/** Our external adapter beside one made with Chainlink's own framework: as its source, and the same requests to both. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { whole } from '../../../src/common/rational.js';
import type { ExternalAdapterSource } from '../../../src/config/types.js';
import { exact, feed, httpSource } from '../../support/prices/feeds.js';
import { startVenue, type Venue } from '../../support/prices/venue.js';
import { until } from '../../support/redis.js';
import { type FrameworkAdapter, startFrameworkAdapter } from './framework.js';
import { type Ours, startOurs } from './ours.js';

/** More digits than 64 bits of floating point hold. */
const PRICE = '2000.123456789012345678';
const JSON_TYPE = { 'content-type': 'application/json' };

let venue: Venue;
let stream: WebSocketServer;
let theirs: FrameworkAdapter;
let ours: Ours;

const adapterSource = (over: Partial<ExternalAdapterSource> = {}): ExternalAdapterSource => ({
  kind: 'external-adapter',
  label: 'adapter',
  venue: 'external-adapter',
  quote: 'USD',
  scale: whole(1n),
  invert: false,
  deadlineMs: 5_000,
  url: `${theirs.url}/`,
  headers: {},
  data: { base: 'ETH', quote: 'USD' },
  ...over,
});
const pair = (base: string, more: Parameters<typeof feed>[0]) =>
  feed({ name: `${base}/USD`, base, quote: 'USD', decimals: 18, ...more });

beforeAll(async () => {
  venue = await startVenue(({ path }, response) => {
    const at = Date.now() - 250;
    const body = path.startsWith('/BAD/') ? '{"price":-1}' : `{"price":${PRICE},"at":${at}}`;
    if (path.startsWith('/SILENT/')) response.destroy();
    else response.writeHead(200, JSON_TYPE).end(body);
  });
  stream = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(stream, 'listening');
  stream.on('connection', (socket) =>
    socket.on('message', (message) => {
      const { base, quote } = JSON.parse(message.toString()) as { base: string; quote: string };
      if (base === 'SILENT') return;
      const said = base === 'BAD' ? `"error":"no such market"` : `"price":${PRICE},"at":${Date.now()}`;
      socket.send(`{"base":"${base}","quote":"${quote}",${said}}`);
    }),
  );
  theirs = await startFrameworkAdapter({
    httpUrl: venue.url,
    wsUrl: `ws://127.0.0.1:${(stream.address() as AddressInfo).port}`,
  });
  const at = (base: string) => httpSource({ label: base, url: `${venue.url}/${base}/USD`, timePath: '$.at' });
  ours = await startOurs([
    pair('ETH', { sources: [at('ETH')] }),
    pair('BAD', { sources: [httpSource({ label: 'BAD', url: `${venue.url}/BAD/USD` })] }),
    pair('SILENT', { sources: [at('SILENT')] }),
    pair('VIA', { sources: [adapterSource()] }),
  ]);
  await ours.tick();
});
afterAll(async () => {
  await ours?.close();
  await theirs?.close();
  stream?.close();
  await venue?.close();
});

async function ask(url: string, body: unknown, headers: Record<string, string> = JSON_TYPE) {
  const response = await fetch(`${url}/`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  const type = response.headers.get('content-type');
  return { status: response.status, type, text, json: readJson(text) };
}
function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Names of fields and types of values, all the way down. */
const shapeOf = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]))
    : typeof value;
/** The protocol's `jobRunID` is what the framework leaves out, and we do not. */
function shapeOfOurs(value: unknown): unknown {
  const { jobRunID, ...rest } = shapeOf(value) as Record<string, unknown>;
  expect(jobRunID).toBe('string');
  return rest;
}

describe('an adapter of the framework as a source', () => {
  it('is read with its value and its provider’s time', async () => {
    const source = await until('the adapter has asked its venue', async () => {
      await ours.tick();
      return ours.book.sources('VIA/USD').find(({ result }) => result === 'ok');
    });
    // The framework has cut the price to a double before it reaches us; what it then says is read exactly.
    expect(source.observation).toMatchObject({ timeFrom: 'venue', value: exact(String(Number(PRICE))) });
    const { text } = await ask(ours.url, { data: { base: 'VIA', quote: 'USD' } });
    expect(text).toContain(`"result":${Number(PRICE)},`);
  });

  it('that tells an error gives no value', async () => {
    const bad = await startOurs([
      pair('BAD', { sources: [adapterSource({ data: { base: 'BAD', quote: 'USD', endpoint: 'crypto' } })] }),
      pair('NONE', { sources: [adapterSource({ data: { base: 'ETH', quote: 'USD', endpoint: 'none' } })] }),
    ]);
    await bad.tick();
    for (const name of ['BAD/USD', 'NONE/USD'])
      expect(['venue_error', 'http_status']).toContain(bad.book.sources(name)[0]?.result);
    await bad.close();
  });
});

describe('our adapter as a source of ours', () => {
  it('passes every digit and the price’s own time on', async () => {
    const second = await startOurs([
      pair('ETH', { sources: [adapterSource({ url: `${ours.url}/`, headers: {} })] }),
    ]);
    await ours.tick();
    await second.tick();
    expect(second.book.sources('ETH/USD')[0]).toMatchObject({
      result: 'ok',
      observation: { value: exact(PRICE), timeFrom: 'venue' },
    });
    await second.close();
  });
});

describe('the same request to both', () => {
  it.each([
    ['a price', { id: '7', data: { base: 'ETH', quote: 'USD', endpoint: 'crypto' } }, 200],
    ['other names of the currencies', { id: '7', data: { from: 'ETH', to: 'USD', endpoint: 'CRYPTO' } }, 200],
    [
      'the endpoint beside the data',
      { id: '7', endpoint: 'crypto', data: { coin: 'ETH', market: 'USD' } },
      200,
    ],
    [
      'no id, as newer nodes ask',
      { data: { base: 'ETH', quote: 'USD', endpoint: 'crypto' }, meta: null },
      200,
    ],
    ['an error of the data', { id: '7', data: { base: 'BAD', quote: 'USD', endpoint: 'crypto' } }, 502],
    [
      'a source without a value',
      { id: '7', data: { base: 'SILENT', quote: 'USD', endpoint: 'crypto' } },
      504,
    ],
    ['a missing currency', { id: '7', data: { base: 'ETH' } }, 400],
    ['a currency that is no text', { id: '7', data: { base: 1, quote: 'USD' } }, 400],
    ['a currency named twice', { id: '7', data: { base: 'ETH', coin: 'ETH', quote: 'USD' } }, 400],
    ['no data', { id: '7' }, 400],
    ['data that are no object', { id: '7', data: 'ETH' }, 400],
    ['an unknown endpoint', { id: '7', data: { base: 'ETH', quote: 'USD', endpoint: 'nope' } }, 404],
    ['a list', '[]', 400],
  ])('%s: the same status, type and shape', async (_what, body, status) => {
    await ours.tick();
    const [a, b] = [await ask(ours.url, body), await ask(theirs.url, body)];
    expect([a.status, b.status]).toEqual([status, status]);
    expect(a.type).toBe(b.type);
    expect(shapeOfOurs(a.json)).toEqual(shapeOf(b.json));
    const code = (json: unknown) => (json as { statusCode: number }).statusCode;
    expect(code(a.json)).toBe(code(b.json));
  });

  it('of an adapter over HTTP differs in one name only: when the data were asked for', async () => {
    await ours.tick();
    const body = { id: '7', data: { base: 'ETH', quote: 'USD' } };
    const [a, b] = [await ask(ours.url, body), await ask(theirs.url, body)];
    const renamed = (value: unknown) =>
      JSON.parse(
        JSON.stringify(value).replace('providerDataRequestedUnixMs', 'providerDataStreamEstablishedUnixMs'),
      ) as unknown;
    expect(shapeOfOurs(a.json)).toEqual(shapeOf(renamed(b.json)));
  });

  it('is answered with the same number for who reads doubles, and with all digits for who does not', async () => {
    await ours.tick();
    const body = { id: '7', data: { base: 'ETH', quote: 'USD' } };
    const [a, b] = [await ask(ours.url, body), await ask(theirs.url, body)];
    expect((a.json as { result: number }).result).toBe((b.json as { result: number }).result);
    expect(a.text).toContain(`"data":{"result":${PRICE}},"result":${PRICE},`);
    expect(b.text).not.toContain(PRICE);
  });

  it('in another content type is refused by both', async () => {
    const body = { data: { base: 'ETH', quote: 'USD' } };
    const headers = { 'content-type': 'text/plain' };
    const [a, b] = [await ask(ours.url, body, headers), await ask(theirs.url, body, headers)];
    expect([a.status, b.status]).toEqual([400, 400]);
    expect(shapeOfOurs(a.json)).toEqual(shapeOf(b.json));
  });

  it.each([['null'], ['{nope'], ['']])('%j is refused by both, by ours in the error form', async (body) => {
    const [a, b] = [await ask(ours.url, body), await ask(theirs.url, body)];
    expect(b.status).toBeGreaterThanOrEqual(400);
    expect(a).toMatchObject({ status: 400, json: { status: 'errored', statusCode: 400 } });
  });
});

describe('the HTTP side of ours', () => {
  it('asks for its token, limits each address, and refuses a body that is too large', async () => {
    const token = 'a-token-of-the-node-0123456789';
    const guarded = await startOurs(
      [pair('ETH', { sources: [httpSource({ label: 'ETH', url: `${venue.url}/ETH/USD` })] })],
      {
        token,
        requestsPerMinute: 3,
      },
    );
    await guarded.tick();
    const body = { data: { feed: 'ETH/USD' } };
    const authorised = { ...JSON_TYPE, authorization: `Bearer ${token}` };
    expect((await ask(guarded.url, body)).status).toBe(401);
    expect((await ask(guarded.url, body, authorised)).status).toBe(200);
    expect((await ask(guarded.url, body, { ...JSON_TYPE, authorization: 'Bearer other' })).status).toBe(401);
    expect((await ask(guarded.url, body, authorised)).status).toBe(429);
    await guarded.close();
    expect((await ask(ours.url, { data: { base: 'E'.repeat(70_000), quote: 'USD' } })).status).toBe(413);
  });
});
