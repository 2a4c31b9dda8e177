/** The exchange servers' wire formats, as the venues' public references have them. */
import { describe, expect, it } from 'vitest';
import { binance } from '../../../demo/exchanges/binance.js';
import { bitstamp } from '../../../demo/exchanges/bitstamp.js';
import { loadTape, ONE, RECORDED } from '../../../demo/exchanges/candles.js';
import { coinbase } from '../../../demo/exchanges/coinbase.js';
import { kraken } from '../../../demo/exchanges/kraken.js';
import { type Board, createBoard, noise } from '../../../demo/exchanges/quotes.js';
import { priceAt, recordedTime, usdtRateAt } from '../../../demo/exchanges/replay.js';
import type { Venue } from '../../../demo/exchanges/venue.js';
import { VENUES } from '../../../demo/exchanges/venues.js';

const NOW_MS = Date.parse('2026-05-04T12:00:30.500Z');
const tape = loadTape();
const timeline = { epochMs: NOW_MS, startMs: Date.parse('2019-06-26T19:30:00Z'), speed: 30 };

const boardOf = (venue: Venue, seed = 1): Board =>
  createBoard({ venue: venue.name, character: venue.character, tape, timeline, seed });

function get(venue: Venue, target: string, userAgent: string | undefined = 'test', nowMs = NOW_MS) {
  const { pathname: path, searchParams: query } = new URL(target, 'http://venue');
  const { status, body, headers } = venue.answer(
    { method: 'GET', path, query, userAgent },
    boardOf(venue),
    nowMs,
  );
  return { status, headers, text: body, body: body.startsWith('<') ? undefined : JSON.parse(body) };
}

describe('Coinbase Exchange', () => {
  it('answers a product ticker with text prices and an ISO time of its own', () => {
    const { status, body } = get(coinbase, '/products/BTC-USD/ticker');
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(
      ['ask', 'bid', 'price', 'rfq_volume', 'size', 'time', 'trade_id', 'volume'].sort(),
    );
    for (const field of ['ask', 'bid', 'price']) expect(body[field]).toMatch(/^\d+\.\d\d$/);
    expect(body.time).toBe('2026-05-04T12:00:30.440000Z');
  });

  it('answers 404 NotFound for an unknown product and refuses a request without a User-Agent', () => {
    expect(get(coinbase, '/products/DOGE-EUR/ticker')).toMatchObject({
      status: 404,
      text: '{"message":"NotFound"}',
    });
    const bare = coinbase.answer(
      { method: 'GET', path: '/products/BTC-USD/ticker', query: new URLSearchParams(), userAgent: undefined },
      boardOf(coinbase),
      NOW_MS,
    );
    expect(bare).toMatchObject({ status: 400, body: '{"message":"User-Agent header is required."}' });
  });

  it('has a market for USDT against the dollar', () => {
    expect(get(coinbase, '/products/USDT-USD/ticker').body.price).toMatch(/^1\.000\d\d$/);
  });
});

describe('Kraken', () => {
  it('answers under its full pair name whatever name was asked for, without any time', () => {
    for (const pair of ['XXBTZUSD', 'XBTUSD', 'XBT/USD']) {
      const { status, body } = get(kraken, `/0/public/Ticker?pair=${encodeURIComponent(pair)}`);
      expect(status).toBe(200);
      expect(body.error).toEqual([]);
      expect(Object.keys(body.result)).toEqual(['XXBTZUSD']);
      const entry = body.result.XXBTZUSD;
      expect(Object.keys(entry)).toEqual(['a', 'b', 'c', 'v', 'p', 't', 'l', 'h', 'o']);
      // A step of ten cents, printed with five decimals.
      expect(entry.c[0]).toMatch(/^\d+\.\d0000$/);
      expect(entry.a).toHaveLength(3);
    }
  });

  it('answers several pairs at once, and all without a pair', () => {
    const several = get(kraken, '/0/public/Ticker?pair=XETHZUSD,USDTZUSD').body;
    expect(Object.keys(several.result)).toEqual(['XETHZUSD', 'USDTZUSD']);
    expect(Object.keys(get(kraken, '/0/public/Ticker').body.result)).toHaveLength(5);
  });

  it('tells an unknown pair in the error array of an answer with status 200', () => {
    for (const pair of ['NOPE', 'XXBTZUSD,NOPE'])
      expect(get(kraken, `/0/public/Ticker?pair=${pair}`)).toMatchObject({
        status: 200,
        text: '{"error":["EQuery:Unknown asset pair"]}',
      });
  });
});

describe('Binance', () => {
  it('answers the 24-hour statistics of a symbol with closeTime in milliseconds', () => {
    const { status, body, headers } = get(binance, '/api/v3/ticker/24hr?symbol=BTCUSDT');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      symbol: 'BTCUSDT',
      closeTime: NOW_MS - 30,
      openTime: NOW_MS - 30 - 86_400_000,
    });
    expect(body.lastPrice).toMatch(/^\d+\.\d\d000000$/);
    expect(body.count).toBe(body.lastId - body.firstId + 1);
    expect(headers).toMatchObject({ 'x-mbx-used-weight-1m': '2' });
  });

  it('answers all symbols without one, and a list for a list', () => {
    const all = get(binance, '/api/v3/ticker/24hr');
    expect(all.body.map((each: { symbol: string }) => each.symbol)).toEqual(
      RECORDED.map((base) => `${base}USDT`),
    );
    expect(all.headers).toMatchObject({ 'x-mbx-used-weight-1m': '80' });
    const list = encodeURIComponent('["XRPUSDT","ETHUSDT"]');
    expect(get(binance, `/api/v3/ticker/24hr?symbols=${list}`).body).toMatchObject([
      { symbol: 'XRPUSDT' },
      { symbol: 'ETHUSDT' },
    ]);
  });

  it('answers the bare price at the endpoint for it', () => {
    const { lastPrice } = get(binance, '/api/v3/ticker/24hr?symbol=LTCUSDT').body;
    expect(get(binance, '/api/v3/ticker/price?symbol=LTCUSDT').body).toEqual({
      symbol: 'LTCUSDT',
      price: lastPrice,
    });
    expect(get(binance, '/api/v3/ticker/price').body).toHaveLength(4);
    expect(get(binance, '/api/v3/nope').status).toBe(404);
  });

  it.each([
    ['symbol=NOPE', -1121],
    ['symbol=btcusdt', -1100],
    ['symbols=%5B%22NOPE%22%5D', -1121],
    ['symbols=BTCUSDT', -1100],
    ['symbol=BTCUSDT&symbols=%5B%5D', -1128],
  ])('refuses %s with status 400 and code %i', (query, code) => {
    expect(get(binance, `/api/v3/ticker/24hr?${query}`)).toMatchObject({ status: 400, body: { code } });
  });

  it('quotes in USDT, so that the price is off by the rate until it is converted', () => {
    const board = boardOf(binance);
    const [market] = binance.markets;
    const { last, atMs } = board(market!, NOW_MS);
    const recordedMs = recordedTime(timeline, atMs);
    const usd = priceAt(tape.BTC, recordedMs);
    const converted = (last * usdtRateAt(recordedMs)) / ONE;
    const ppm = (a: bigint) => Number(((a - usd) * 1_000_000n) / usd);
    expect(Math.abs(ppm(converted))).toBeLessThanOrEqual(52);
  });
});

describe('Bitstamp', () => {
  it('answers a pair with everything as text and the time in whole seconds', () => {
    for (const path of ['/api/v2/ticker/btcusd/', '/api/v2/ticker/btcusd']) {
      const { status, body } = get(bitstamp, path);
      expect(status).toBe(200);
      expect(Object.values(body).every((value) => typeof value === 'string')).toBe(true);
      expect(body.timestamp).toBe(`${Math.floor((NOW_MS - 350) / 1_000)}`);
      expect(body.last).toMatch(/^\d{5}$/);
      expect(body.market_type).toBe('SPOT');
    }
  });

  it('answers all pairs with their names, and 404 for an unknown one', () => {
    const all = get(bitstamp, '/api/v2/ticker/').body;
    expect(all.map(({ pair }: { pair: string }) => pair)).toContain('USDT/USD');
    expect(get(bitstamp, '/api/v2/ticker/nopeusd/')).toMatchObject({
      status: 404,
      body: { response_code: '404.003' },
    });
  });
});

describe('every venue', () => {
  const moments = Array.from({ length: 300 }, (_, i) => NOW_MS + i * 777);

  it('shows the same for the same seed and moment, and something else for another seed', () => {
    for (const venue of VENUES) {
      const [market] = venue.markets;
      const lasts = (seed: number) => moments.map((ms) => boardOf(venue, seed)(market!, ms).last);
      expect(lasts(1)).toEqual(lasts(1));
      expect(lasts(1)).not.toEqual(lasts(2));
    }
  });

  it('stays within its character of the recorded price, between its own bid and ask, on its own steps', () => {
    for (const venue of VENUES) {
      const board = boardOf(venue);
      const { biasPpm, noisePpm, delayMs } = venue.character;
      const wrong = venue.markets.flatMap((market) =>
        moments.filter((ms) => {
          const { last, bid, ask, low, high, atMs } = board(market, ms);
          const ordered = bid < last && last < ask && low <= last && last <= high;
          const stepped = [last, bid, ask].every((price) => price % market.step === 0n);
          if (!ordered || !stepped || atMs !== ms - delayMs) return true;
          if (market.base === 'USDT' || market.quote === 'USDT') return false;
          const usd = priceAt(tape[market.base], recordedTime(timeline, atMs));
          const off = last > usd ? last - usd : usd - last;
          return off > (usd * BigInt(Math.abs(biasPpm) + noisePpm)) / 1_000_000n + market.step;
        }),
      );
      expect(wrong, venue.name).toEqual([]);
    }
  });

  it('differs from the others by less than a tenth of a percent at the same moment', () => {
    for (const [index, base] of RECORDED.entries()) {
      const lasts = VENUES.filter(({ name }) => name !== 'binance').map((venue) => {
        const still = { ...venue, character: { ...venue.character, delayMs: 0 } };
        return boardOf(still)(venue.markets[index]!, NOW_MS).last;
      });
      const sorted = [...lasts].sort((a, b) => (a < b ? -1 : 1));
      expect((sorted.at(-1)! - sorted[0]!) * 1_000n < sorted[0]!, base).toBe(true);
    }
  });

  it('draws noise that keeps its bound and uses all of it', () => {
    const draws = Array.from({ length: 2_000 }, (_, i) => noise(`draw/${i}`, 5));
    expect(Math.min(...draws)).toBe(-5);
    expect(Math.max(...draws)).toBe(5);
  });
});
