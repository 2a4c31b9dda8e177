/** The exchanges over real HTTP. */
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { bitstamp } from '../../../demo/exchanges/bitstamp.js';
import { loadTape } from '../../../demo/exchanges/candles.js';
import { kraken } from '../../../demo/exchanges/kraken.js';
import { type Exchange, startExchange } from '../../../demo/exchanges/server.js';
import type { Venue } from '../../../demo/exchanges/venue.js';

const NOW_MS = Date.parse('2026-05-04T12:00:30.500Z');
const tape = loadTape();
const timeline = { epochMs: NOW_MS, startMs: Date.parse('2019-06-26T19:30:00Z'), speed: 30 };

describe('the server', () => {
  const running: Exchange[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((exchange) => exchange.close()));
  });
  const start = async (venue: Venue) => {
    const exchange = await startExchange({ venue, tape, timeline, seed: 1, port: 0, now: () => NOW_MS });
    running.push(exchange);
    return exchange;
  };

  it('serves the venue over HTTP as JSON', async () => {
    const { url } = await start(bitstamp);
    const response = await fetch(`${url}/api/v2/ticker/ethusd/`);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toMatchObject({
      last: expect.stringMatching(/^3\d\d\.\d$/),
      market_type: 'SPOT',
    });
  });

  it('refuses other methods, and survives a target that is no URL', async () => {
    const { url } = await start(kraken);
    expect((await fetch(`${url}/0/public/Ticker`, { method: 'POST' })).status).toBe(405);
    const status = await new Promise((resolve, reject) => {
      request({ port: new URL(url).port, host: '127.0.0.1', path: '//' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(400);
    expect((await fetch(`${url}/0/public/Ticker`)).status).toBe(200);
  });
});
