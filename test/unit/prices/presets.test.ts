/** Every preset reads an answer of the shape that its venue documents, and the odd answers that venues give. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { JsonExtraction } from '../../../src/config/types.js';
import { readJson } from '../../../src/prices/json/document.js';
import { createExtractor } from '../../../src/prices/json/extract.js';
import { exact } from '../../support/prices/feeds.js';
import { expand, presetNames } from '../../support/prices/presets.js';

const NOW = Date.UTC(2024, 5, 1);
const AT = 1_717_199_990_123;
const ISO = '2024-05-31T23:59:50.123Z';

function read(source: JsonExtraction & { scale: { n: bigint; d: bigint }; invert: boolean }, text: string) {
  const json = readJson(text);
  if (!json.ok) return { ok: false as const, code: 'not_json' as const, detail: json.detail };
  return createExtractor(source, source)(json.document, NOW);
}

interface Shape {
  readonly preset: string;
  readonly symbol: string;
  readonly quote: string;
  readonly answer: string;
  readonly price: string;
  /** Unix milliseconds, where the venue tells a time. */
  readonly at?: number;
  /** Answers without a usable price, with the code that each must give. */
  readonly odd?: Readonly<Record<string, string>>;
}

const SECOND = 1_717_199_990_000;
const shapes: Shape[] = [
  {
    preset: 'coinbase',
    symbol: 'BTC-USD',
    quote: 'USD',
    answer: `{"trade_id":86326522,"price":"6268.48","size":"0.00698254","time":"2024-05-31T23:59:50.123456Z","bid":"6265.15","ask":"6267.71","volume":"53602.03940154"}`,
    price: '6268.48',
    at: AT,
    odd: { '{"message":"NotFound"}': 'venue_error', '{"price":"6268.48","time":""}': 'time_invalid' },
  },
  {
    preset: 'kraken',
    symbol: 'XETHZUSD',
    quote: 'USD',
    answer: `{"error":[],"result":{"XETHZUSD":{"a":["3010.01","1","1.000"],"b":["3010.00","1","1.000"],"c":["3010.005","0.5"],"v":["1","2"]}}}`,
    price: '3010.005',
    odd: {
      '{"error":["EQuery:Unknown asset pair"]}': 'venue_error',
      '{"error":[],"result":{}}': 'path_missing',
      '{"error":[],"result":{"A":{"c":["1","1"]},"B":{"c":["2","1"]}}}': 'path_missing',
    },
  },
  ...['binance', 'mexc'].map((preset) => ({
    preset,
    symbol: 'BTCUSDT',
    quote: 'USDT',
    answer: `{"symbol":"BTCUSDT","lastPrice":"67500.01000000","lastQty":"0.0001","openTime":${AT - 86_400_000},"closeTime":${AT},"count":76}`,
    price: '67500.01',
    at: AT,
    odd: { '{"code":-1121,"msg":"Invalid symbol."}': 'venue_error' },
  })),
  {
    preset: 'binance-us',
    symbol: 'DOTUSD',
    quote: 'USD',
    answer: `{"symbol":"DOTUSD","lastPrice":"7.1","closeTime":${AT}}`,
    price: '7.1',
    at: AT,
  },
  {
    preset: 'binance-all',
    symbol: 'ETHFDUSD',
    quote: 'FDUSD',
    answer: '[{"symbol":"BTCUSDT","price":"67500.1"},{"symbol":"ETHFDUSD","price":"3765.43000000"}]',
    price: '3765.43',
    odd: { '[]': 'path_missing', '{"code":-1003,"msg":"Too many requests."}': 'venue_error' },
  },
  {
    preset: 'bitstamp',
    symbol: 'BTCUSD',
    quote: 'USD',
    answer: `{"timestamp":"${SECOND / 1000}","open":"67000","last":"67501","bid":"67500","ask":"67502","volume":"1213","side":"0","percent_change_24":"0.1"}`,
    price: '67501',
    at: SECOND,
    odd: { '{"status":"error","reason":"Invalid currency pair"}': 'venue_error' },
  },
  {
    preset: 'bitfinex',
    symbol: 'tBTCUST',
    quote: 'USDT',
    answer: '[67498,12.1,67499,9.5,120,0.0018,67499.5,1201.3,68000,66900]',
    price: '67499.5',
    odd: { '["error",10020,"symbol: invalid"]': 'venue_error', '[]': 'path_missing' },
  },
  {
    preset: 'bitfinex-all',
    symbol: 'tETHUSD',
    quote: 'USD',
    answer:
      '[["tBTCUSD",67498,12.1,67499,9.5,120,0.0018,67499.5,1201.3,68000,66900],["tETHUSD",1,2,3,4,5,6,3.7654e3,8,9,10]]',
    price: '3765.4',
    odd: { '["error",10020,"symbols: invalid"]': 'venue_error' },
  },
  {
    preset: 'gemini',
    symbol: 'btcusd',
    quote: 'USD',
    answer: `{"bid":"977.59","ask":"977.35","last":"977.65","volume":{"BTC":"2210.505328803","USD":"2135477.463379586263","timestamp":${AT}}}`,
    price: '977.65',
    at: AT,
    odd: { '{"result":"error","reason":"InvalidSymbol","message":"Supplied value"}': 'venue_error' },
  },
  {
    preset: 'okx',
    symbol: 'BTC-USDT',
    quote: 'USDT',
    answer: `{"code":"0","msg":"","data":[{"instType":"SPOT","instId":"BTC-USDT","last":"67499.9","lastSz":"0.1","ts":"${AT}"}]}`,
    price: '67499.9',
    at: AT,
    odd: {
      '{"code":"51001","msg":"Instrument ID does not exist","data":[]}': 'venue_error',
      '{"code":"0","msg":"","data":[{"instId":"X","last":"","ts":"1"}]}': 'not_a_number',
    },
  },
  {
    preset: 'okx-all',
    symbol: 'ETH-EUR',
    quote: 'EUR',
    answer: `{"code":"0","msg":"","data":[{"instId":"BTC-USDT","last":"1","ts":"1"},{"instId":"ETH-EUR","last":"3500.1","ts":"${AT}"}]}`,
    price: '3500.1',
    at: AT,
  },
  ...['bybit', 'bybit-all'].map((preset) => ({
    preset,
    symbol: 'BTCUSDT',
    quote: 'USDT',
    answer: `{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"BTCUSDT","bid1Price":"20517.96","lastPrice":"20533.13","usdIndexPrice":""}]},"retExtInfo":{},"time":${AT}}`,
    price: '20533.13',
    at: AT,
    odd: {
      '{"retCode":10001,"retMsg":"Not supported symbols","result":{},"time":1}': 'venue_error',
      '{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[]},"time":1717199990123}':
        'path_missing',
    },
  })),
  {
    preset: 'kucoin',
    symbol: 'BTC-USDT',
    quote: 'USDT',
    answer: `{"code":"200000","data":{"time":${AT},"sequence":"14609309753","price":"67269","size":"0.000025"}}`,
    price: '67269',
    at: AT,
    odd: {
      '{"code":"200000","data":null}': 'path_missing',
      '{"code":"400100","msg":"symbol error"}': 'venue_error',
    },
  },
  {
    preset: 'kucoin-all',
    symbol: 'ETH-USDC',
    quote: 'USDC',
    answer: `{"code":"200000","data":{"time":${AT},"ticker":[{"symbol":"ETH-USDC","symbolName":"ETH-USDC","last":"3765.1"},{"symbol":"X-Y","last":null}]}}`,
    price: '3765.1',
    at: AT,
  },
  {
    preset: 'gate',
    symbol: 'BTC_USDT',
    quote: 'USDT',
    answer: '[{"currency_pair":"BTC_USDT","last":"67500.1","lowest_ask":"67500.2","highest_bid":"67500.1"}]',
    price: '67500.1',
    odd: { '{"label":"INVALID_CURRENCY","message":"Invalid currency X"}': 'venue_error' },
  },
  {
    preset: 'htx',
    symbol: 'btcusdt',
    quote: 'USDT',
    answer: `{"ch":"market.btcusdt.detail.merged","status":"ok","ts":${AT},"tick":{"id":272164011416,"close":67500.12,"bid":[67500.11,0.2],"ask":[67500.12,0.1]}}`,
    price: '67500.12',
    at: AT,
    odd: {
      '{"ts":1,"status":"error","err-code":"invalid-parameter","err-msg":"invalid symbol"}': 'venue_error',
    },
  },
  ...['bitget', 'bitget-all'].map((preset) => ({
    preset,
    symbol: 'BTCUSDT',
    quote: 'USDT',
    answer: `{"code":"00000","msg":"success","requestTime":1,"data":[{"symbol":"BTCUSDT","lastPr":"67501.5","ts":"${AT}"}]}`,
    price: '67501.5',
    at: AT,
    odd: { '{"code":"40034","msg":"Parameter does not exist","data":null}': 'venue_error' },
  })),
  {
    preset: 'crypto-com',
    symbol: 'BTC_USD',
    quote: 'USD',
    answer: `{"id":-1,"method":"public/get-tickers","code":0,"result":{"data":[{"h":"51790.00","l":"47895.50","a":"51174.500000","i":"BTC_USD","t":${AT}}]}}`,
    price: '51174.5',
    at: AT,
    odd: {
      '{"code":40004,"message":"Invalid instrument_name"}': 'venue_error',
      '{"code":0,"result":{"data":[{"a":null,"i":"X_USD","t":1717199990123}]}}': 'not_a_number',
    },
  },
  {
    preset: 'poloniex',
    symbol: 'BTC_USDT',
    quote: 'USDT',
    answer: `{"symbol":"BTC_USDT","price":"38597.32","time":1648866396349,"dailyChange":"0.0102","ts":${AT}}`,
    price: '38597.32',
    at: AT,
    odd: { '{"code":24101,"message":"symbol not exist"}': 'venue_error' },
  },
  {
    preset: 'upbit',
    symbol: 'KRW-BTC',
    quote: 'KRW',
    answer: `[{"market":"KRW-BTC","trade_price":94500000.00000000,"signed_change_rate":-2.1E-7,"timestamp":${AT}}]`,
    price: '94500000',
    at: AT,
    odd: { '{"error":{"name":404,"message":"Code not found"}}': 'venue_error' },
  },
  {
    preset: 'bithumb',
    symbol: 'BTC_KRW',
    quote: 'KRW',
    answer: `{"status":"0000","data":{"opening_price":"504000","closing_price":"94505000","date":"${AT}"}}`,
    price: '94505000',
    at: AT,
    odd: { '{"status":"5500","message":"Invalid Parameter"}': 'venue_error' },
  },
  {
    preset: 'cex-io',
    symbol: 'BTC-USD',
    quote: 'USD',
    answer: `{"ok":"ok","data":{"BTC-USD":{"bestBid":"66786.9","last":"66842.7","lastTradePrice":"66830.7","lastTradeDateISO":"${ISO}"}}}`,
    price: '66830.7',
    at: AT,
    odd: {
      '{"error":"Bad Request","statusCode":400}': 'venue_error',
      '{"ok":"ok","data":{"BTC-USD":{"bestBid":"1","lastTradePrice":null,"lastTradeDateISO":null}}}':
        'not_a_number',
    },
  },
  {
    preset: 'lbank',
    symbol: 'btc_usdt',
    quote: 'USDT',
    answer: `{"result":"true","data":[{"symbol":"btc_usdt","ticker":{"high":"68000","latest":"67500.7"},"timestamp":${AT}}],"error_code":0,"ts":${AT}}`,
    price: '67500.7',
    at: AT,
    odd: { '{"result":"false","error_code":10008,"ts":1}': 'venue_error' },
  },
  {
    preset: 'bitmart',
    symbol: 'BTC_USDT',
    quote: 'USDT',
    answer: `{"code":1000,"trace":"886fb6ae","message":"success","data":{"symbol":"BTC_USDT","last":"30000.00","ts":"${AT}"}}`,
    price: '30000',
    at: AT,
    odd: { '{"code":70002,"trace":"x","message":"Pair not found","data":{}}': 'venue_error' },
  },
  {
    preset: 'coinex',
    symbol: 'BTCUSDT',
    quote: 'USDT',
    answer: '{"code":0,"data":[{"market":"BTCUSDT","last":"67500.33","open":"67000"}],"message":"OK"}',
    price: '67500.33',
    odd: { '{"code":3639,"data":{},"message":"market not found"}': 'venue_error' },
  },
  {
    preset: 'bitvavo',
    symbol: 'BTC-EUR',
    quote: 'EUR',
    answer: `{"market":"BTC-EUR","startTimestamp":1,"timestamp":${AT},"open":"5001.1","last":"5003.2","volume":"0.15"}`,
    price: '5003.2',
    at: AT,
    odd: {
      '{"errorCode":205,"error":"market parameter is invalid."}': 'venue_error',
      '{"market":"X-EUR","timestamp":1717199990123,"open":null,"last":null}': 'not_a_number',
    },
  },
  {
    preset: 'bitso',
    symbol: 'btc_mxn',
    quote: 'MXN',
    answer:
      '{"success":true,"payload":{"book":"btc_mxn","last":"372110.00","created_at":"2024-05-31T23:59:50+00:00"}}',
    price: '372110',
    at: SECOND,
    odd: { '{"success":false,"error":{"code":"0301","message":"Unknown OrderBook"}}': 'venue_error' },
  },
  {
    preset: 'luno',
    symbol: 'XBTZAR',
    quote: 'ZAR',
    answer: `{"pair":"XBTZAR","timestamp":${AT},"bid":"1270000","ask":"1270100","last_trade":"1270050.00","status":"ACTIVE"}`,
    price: '1270050',
    at: AT,
    odd: {
      '{"pair":"XBTZAR","timestamp":1717199990123,"last_trade":"1","status":"POSTONLY"}': 'market_suspended',
      '{"error":"Invalid currency pair.","error_code":"ErrInvalidPair"}': 'venue_error',
    },
  },
  {
    preset: 'coingecko',
    symbol: 'bitcoin/usd',
    quote: 'USD',
    answer: `{"bitcoin":{"usd":67187.33589365664,"last_updated_at":${SECOND / 1000}}}`,
    price: '67187.33589365664',
    at: SECOND,
    odd: {
      '{}': 'path_missing',
      '{"bitcoin":{}}': 'path_missing',
      '{"status":{"error_code":429,"error_message":"Rate Limit"}}': 'venue_error',
    },
  },
  {
    preset: 'coinpaprika',
    symbol: 'btc-bitcoin/usd',
    quote: 'USD',
    answer:
      '{"id":"btc-bitcoin","last_updated":"2024-05-31T23:59:50Z","quotes":{"USD":{"price":5162.15941296,"volume_24h":7304207651.1585}}}',
    price: '5162.15941296',
    at: SECOND,
    odd: { '{"error":"id not found"}': 'venue_error' },
  },
  {
    preset: 'cryptocompare',
    symbol: 'BTC/USD',
    quote: 'USD',
    answer: `{"RAW":{"BTC":{"USD":{"PRICE":67500.5,"LASTUPDATE":${SECOND / 1000}}}},"DISPLAY":{"BTC":{"USD":{"PRICE":"$ 67,500.5"}}}}`,
    price: '67500.5',
    at: SECOND,
    odd: { '{"Response":"Error","Message":"You are over your rate limit","Type":99}': 'venue_error' },
  },
  {
    preset: 'defillama',
    symbol: 'coingecko:shiba-inu',
    quote: 'USD',
    answer: `{"coins":{"coingecko:shiba-inu":{"price":2.5e-05,"symbol":"SHIB","timestamp":${SECOND / 1000},"confidence":0.99}}}`,
    price: '0.000025',
    at: SECOND,
    odd: { '{"coins":{}}': 'path_missing' },
  },
  {
    preset: 'coinbase-ws',
    symbol: 'ETH-USD',
    quote: 'USD',
    answer: `{"type":"ticker","sequence":37475248783,"product_id":"ETH-USD","price":"1285.22","open_24h":"1310.79","time":"${ISO}","trade_id":370843401}`,
    price: '1285.22',
    at: AT,
    odd: { '{"type":"error","message":"Failed to subscribe","reason":"not valid"}': 'venue_error' },
  },
  {
    preset: 'kraken-ws',
    symbol: 'BTC/USD',
    quote: 'USD',
    answer:
      '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":67499.9,"ask":67500.0,"last":67500.0,"volume":1.0}]}',
    price: '67500',
    odd: {
      '{"error":"Currency pair not supported XX/USD","method":"subscribe","success":false}': 'venue_error',
    },
  },
  {
    preset: 'binance-ws',
    symbol: 'BNBUSDT',
    quote: 'USDT',
    answer: `{"e":"24hrTicker","E":${AT},"s":"BNBUSDT","p":"0.0015","c":"600.0025","Q":"10","C":86400000}`,
    price: '600.0025',
    at: AT,
    odd: { '{"error":{"code":2,"msg":"Invalid request"},"id":1}': 'venue_error' },
  },
  {
    preset: 'okx-ws',
    symbol: 'BTC-USDT',
    quote: 'USDT',
    answer: `{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"9999.99","ts":"${AT}"}]}`,
    price: '9999.99',
    at: AT,
    odd: { '{"event":"error","code":"60012","msg":"Invalid request","connId":"a4d3ae55"}': 'venue_error' },
  },
  {
    preset: 'bybit-ws',
    symbol: 'BTCUSDT',
    quote: 'USDT',
    answer: `{"topic":"tickers.BTCUSDT","ts":${AT},"type":"snapshot","cs":2588407389,"data":{"symbol":"BTCUSDT","lastPrice":"21109.77","usdIndexPrice":"21120.2400136"}}`,
    price: '21109.77',
    at: AT,
    odd: { '{"success":false,"ret_msg":"Invalid symbol","conn_id":"x","op":"subscribe"}': 'venue_error' },
  },
];

describe('presets of venues', () => {
  it('are at least 20 venues, each with a test', () => {
    const names = presetNames();
    expect(names.filter((name) => !/-(ws|all)$/.test(name)).length).toBeGreaterThanOrEqual(20);
    expect(names.filter((name) => name.endsWith('-ws'))).toHaveLength(5);
    expect(new Set(shapes.map(({ preset }) => preset))).toEqual(new Set(names));
  });

  describe.each(shapes)('$preset', ({ preset, symbol, quote, answer, price, at, odd = {} }) => {
    const source = expand(preset, symbol);

    it('reads price, time and quote currency', () => {
      expect(source.quote).toBe(quote);
      expect(URL.canParse(source.url)).toBe(true);
      expect(source.url).not.toMatch(/[{}]/);
      expect(read(source, answer)).toMatchObject({
        ok: true,
        value: exact(price),
        observedAtMs: at ?? NOW,
        timeFrom: at === undefined ? 'receipt' : 'venue',
      });
    });

    it.each(Object.entries(odd))('%s is %s', (text, code) => {
      expect(read(source, text)).toMatchObject({ ok: false, code });
    });

    it.each(['', 'null', '[]', '{}', '"x"', '0', '<html>', '{"a":'])(
      '%s never passes for a price',
      (text) => {
        expect(read(source, text).ok).toBe(false);
      },
    );

    it('a streamed message is told apart from those of other symbols', () => {
      if (source.kind !== 'websocket') return;
      const other = expand(preset, symbol.replace(/^[A-Z]+?(?=USDT|-|\/)/, 'DOGE'));
      expect(selects(answer, source.filter!)).toBe(true);
      expect(selects(answer, (other as typeof source).filter!)).toBe(false);
    });
  });

  it.each(offeredSymbols())('%s offers the symbol %s in its comment, and takes it', (preset, symbol) => {
    expect(expand(preset, symbol).quote).toMatch(/^[A-Z]{3,5}$/);
  });

  it('a symbol that does not tell its quote currency is refused', () => {
    expect(() => expand('binance', 'BTCXYZ')).toThrow('quote');
    expect(() => expand('bitfinex', 'tETHF0:USTF0')).toThrow('quote');
  });
});

/** What the comments of the shipped files write as `Symbol as …`, with the preset that follows. */
function offeredSymbols(): (readonly [preset: string, symbol: string])[] {
  const directory = fileURLToPath(new URL('../../../config/sources', import.meta.url));
  return readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => {
      const text = readFileSync(join(directory, file), 'utf8');
      return [...text.matchAll(/^#.*Symbol as (.*(?:\n#.*)*)\n([a-z0-9-]+):$/gm)].flatMap(
        ([, offer, preset]) => {
          const [first, or] = offer!.split(/[:;.]\s/)[0]!.split(' or ');
          const quoted = [first, or].map((part) => part?.match(/`([^`…]+)`/)?.[1]);
          return quoted.filter((symbol) => symbol !== undefined).map((symbol) => [preset!, symbol] as const);
        },
      );
    });
}

function selects(text: string, filter: string): boolean {
  const source = { path: filter, timeUnit: 'ms' as const, scale: exact('1'), invert: false };
  const result = read(source, text);
  return result.ok || result.detail !== 'path selects nothing';
}
