/**
 * Binance: `GET /api/v3/ticker/24hr` and `/api/v3/ticker/price`, for one symbol, for several, or for all. Quotes in USDT,
 * which is not the dollar.
 */
import type { Market, Quote } from './quotes.js';
import { type Answer, findMarket, json, print, stepOf, type Venue } from './venue.js';

const market = (base: 'BTC' | 'ETH' | 'LTC' | 'XRP', decimals: number): Market => ({
  symbol: `${base}USDT`,
  base,
  quote: 'USDT',
  step: stepOf(decimals),
  printed: 8,
});

const DAY_MS = 86_400_000;

function statistics(quote: Quote) {
  const price = (value: bigint) => print(value, 8);
  const change = quote.last - quote.open;
  return {
    symbol: quote.market.symbol,
    priceChange: price(change),
    // Percent with three decimals; 10^5 turns a fraction into thousandths of a percent.
    priceChangePercent: print((change * 10n ** 10n) / quote.open, 3),
    weightedAvgPrice: price(quote.average),
    prevClosePrice: price(quote.open),
    lastPrice: price(quote.last),
    lastQty: '0.01250000',
    bidPrice: price(quote.bid),
    bidQty: '1.50000000',
    askPrice: price(quote.ask),
    askQty: '2.25000000',
    openPrice: price(quote.open),
    highPrice: price(quote.high),
    lowPrice: price(quote.low),
    volume: price(quote.volume),
    quoteVolume: price((quote.volume * quote.average) / 10n ** 8n),
    openTime: quote.atMs - DAY_MS,
    closeTime: quote.atMs,
    firstId: 1_000_000,
    lastId: 1_000_000 + quote.trades,
    count: quote.trades + 1,
  };
}

const ENDPOINTS: Readonly<Record<string, (quote: Quote) => object>> = {
  '/api/v3/ticker/24hr': statistics,
  '/api/v3/ticker/price': ({ market: { symbol }, last }) => ({ symbol, price: print(last, 8) }),
};

const LEGAL = '^[A-Z0-9-_.]{1,20}$';
const refused = (code: number, msg: string): Answer => json(400, { code, msg });
const illegal = (parameter: string) =>
  refused(-1100, `Illegal characters found in parameter '${parameter}'; legal range is '${LEGAL}'.`);
const INVALID_SYMBOL = refused(-1121, 'Invalid symbol.');

/** The symbols of `symbols=["A","B"]`; `undefined` when it is no such list. */
function parseList(text: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

/** Binance's wire format: errors are status 400 with a negative code. The used request weight is told in a header. */
export const binance: Venue = {
  name: 'binance',
  character: { delayMs: 30, biasPpm: 10, noisePpm: 40, halfSpreadPpm: 5 },
  markets: [market('BTC', 2), market('ETH', 2), market('LTC', 2), market('XRP', 4)],
  answer: (ask, board, nowMs) => {
    const show = ENDPOINTS[ask.path];
    if (!show) return { status: 404, body: '<html><body>404 Not Found</body></html>' };
    const one = ask.query.get('symbol');
    const several = ask.query.get('symbols');
    if (one !== null && several !== null)
      return refused(-1128, 'Combination of optional parameters invalid.');
    const weight = (units: number) => ({
      'x-mbx-used-weight': `${units}`,
      'x-mbx-used-weight-1m': `${units}`,
    });
    if (one !== null) {
      if (!new RegExp(LEGAL).test(one)) return illegal('symbol');
      const found = findMarket(binance.markets, one);
      return found ? json(200, show(board(found, nowMs)), weight(2)) : INVALID_SYMBOL;
    }
    const names = several === null ? binance.markets.map(({ symbol }) => symbol) : parseList(several);
    if (!names) return illegal('symbols');
    const found = names.map((name) => findMarket(binance.markets, name));
    if (found.includes(undefined)) return INVALID_SYMBOL;
    const all = found.flatMap((known) => (known ? [show(board(known, nowMs))] : []));
    return json(200, all, weight(several === null ? 80 : 2 * all.length));
  },
};
