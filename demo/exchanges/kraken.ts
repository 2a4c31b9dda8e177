/** Kraken: `GET /0/public/Ticker?pair=…`. Errors come with status 200 and an `error` array; there is no time anywhere. */
import type { Market, Quote } from './quotes.js';
import { findMarket, json, print, stepOf, type Venue } from './venue.js';

const market = (
  symbol: string,
  alias: string,
  base: Market['base'],
  decimals: number,
  printed: number,
): Market => ({
  symbol,
  aliases: [alias, `${alias.slice(0, -3)}/USD`],
  base,
  quote: 'USD',
  step: stepOf(decimals),
  printed,
});

/** One entry of the result; pairs of figures are today's and those of the last 24 hours. */
function entry(quote: Quote) {
  const price = (value: bigint) => print(value, quote.market.printed);
  const volume = print(quote.volume, 8);
  const twice = <T>(value: T): readonly [T, T] => [value, value];
  return {
    a: [price(quote.ask), '1', '1.000'],
    b: [price(quote.bid), '2', '2.000'],
    c: [price(quote.last), '0.01250000'],
    v: twice(volume),
    p: twice(price(quote.average)),
    t: twice(quote.trades),
    l: twice(price(quote.low)),
    h: twice(price(quote.high)),
    o: price(quote.open),
  };
}

/** Kraken's wire format. A market is found under its alternative names too; the result's key is always the full one. */
export const kraken: Venue = {
  name: 'kraken',
  character: { delayMs: 180, biasPpm: -30, noisePpm: 90, halfSpreadPpm: 25 },
  markets: [
    market('XXBTZUSD', 'XBTUSD', 'BTC', 1, 5),
    market('XETHZUSD', 'ETHUSD', 'ETH', 2, 5),
    market('XLTCZUSD', 'LTCUSD', 'LTC', 2, 5),
    market('XXRPZUSD', 'XRPUSD', 'XRP', 5, 8),
    market('USDTZUSD', 'USDTUSD', 'USDT', 5, 8),
  ],
  answer: (ask, board, nowMs) => {
    if (ask.path !== '/0/public/Ticker') return json(200, { error: ['EGeneral:Unknown method'] });
    const asked = ask.query.get('pair');
    const names = asked === null ? kraken.markets.map(({ symbol }) => symbol) : asked.split(',');
    const found = names.map((name) => findMarket(kraken.markets, name));
    // One unknown pair fails the whole request, without a result.
    if (found.includes(undefined)) return json(200, { error: ['EQuery:Unknown asset pair'] });
    const result = Object.fromEntries(
      found.flatMap((known) => (known ? [[known.symbol, entry(board(known, nowMs))]] : [])),
    );
    return json(200, { error: [], result });
  },
};
