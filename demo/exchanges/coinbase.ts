/** Coinbase Exchange: `GET /products/{product}/ticker`. Prices as text, the trade's time in ISO 8601 with microseconds. */
import { findMarket, json, print, stepOf, type Venue } from './venue.js';

const market = (base: 'BTC' | 'ETH' | 'LTC' | 'XRP' | 'USDT', decimals: number) => ({
  symbol: `${base}-USD`,
  base,
  quote: 'USD' as const,
  step: stepOf(decimals),
  printed: decimals,
});

const TICKER = /^\/products\/([^/]+)\/ticker\/?$/;

/** Coinbase's wire format: unknown products are 404 `NotFound`, and a request without a User-Agent is refused. */
export const coinbase: Venue = {
  name: 'coinbase',
  character: { delayMs: 60, biasPpm: 40, noisePpm: 60, halfSpreadPpm: 10 },
  markets: [market('BTC', 2), market('ETH', 2), market('LTC', 2), market('XRP', 4), market('USDT', 5)],
  answer: (ask, board, nowMs) => {
    if (!ask.userAgent) return json(400, { message: 'User-Agent header is required.' });
    const product = TICKER.exec(ask.path)?.[1];
    const found = product === undefined ? undefined : findMarket(coinbase.markets, product);
    if (!found) return json(404, { message: 'NotFound' });
    const quote = board(found, nowMs);
    const price = (value: bigint) => print(value, found.printed);
    return json(200, {
      ask: price(quote.ask),
      bid: price(quote.bid),
      volume: print(quote.volume, 8),
      trade_id: 10_000_000 + quote.trades,
      price: price(quote.last),
      size: '0.01250000',
      time: new Date(quote.atMs).toISOString().replace('Z', '000Z'),
      rfq_volume: '0.000000',
    });
  },
};
