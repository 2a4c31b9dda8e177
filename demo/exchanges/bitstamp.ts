/** Bitstamp: `GET /api/v2/ticker/{pair}/`. Everything is text, the time in whole Unix seconds. */
import type { Market, Quote } from './quotes.js';
import { findMarket, json, print, stepOf, type Venue } from './venue.js';

const market = (base: 'BTC' | 'ETH' | 'LTC' | 'XRP' | 'USDT', decimals: number): Market => ({
  symbol: `${base}usd`.toLowerCase(),
  base,
  quote: 'USD',
  step: stepOf(decimals),
  printed: decimals,
});

function ticker(quote: Quote) {
  const price = (value: bigint) => print(value, quote.market.printed);
  const change = quote.last - quote.open;
  return {
    timestamp: `${Math.floor(quote.atMs / 1_000)}`,
    open: price(quote.open),
    high: price(quote.high),
    low: price(quote.low),
    last: price(quote.last),
    volume: print(quote.volume, 8),
    vwap: price(quote.average),
    bid: price(quote.bid),
    ask: price(quote.ask),
    side: `${quote.trades % 2}`,
    open_24: price(quote.open),
    percent_change_24: print((change * 10n ** 10n) / quote.open, 2),
    market_type: 'SPOT',
  };
}

// The body follows the response codes of Bitstamp's reference.
const UNKNOWN_PAIR = json(404, {
  response_code: '404.003',
  response_explanation: 'Currency pair not found for corresponding request.',
});

const TICKER = /^\/api\/v2\/ticker\/([^/]+)\/?$/;
const ALL = /^\/api\/v2\/ticker\/?$/;

/** Bitstamp's wire format: few decimals, so that BTC moves in whole dollars, and all pairs at once without a pair. */
export const bitstamp: Venue = {
  name: 'bitstamp',
  character: { delayMs: 350, biasPpm: -60, noisePpm: 80, halfSpreadPpm: 40 },
  markets: [market('BTC', 0), market('ETH', 1), market('LTC', 2), market('XRP', 5), market('USDT', 5)],
  answer: (ask, board, nowMs) => {
    if (ALL.test(ask.path))
      return json(
        200,
        bitstamp.markets.map((each) => ({ ...ticker(board(each, nowMs)), pair: `${each.base}/USD` })),
      );
    const pair = TICKER.exec(ask.path)?.[1];
    const found = pair === undefined ? undefined : findMarket(bitstamp.markets, pair);
    return found ? json(200, ticker(board(found, nowMs))) : UNKNOWN_PAIR;
  },
};
