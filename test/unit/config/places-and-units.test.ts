/** One place counts once, and a price of one thing is not published as the price of another. */
import { describe, expect, it } from 'vitest';
import { load, refused } from '../../support/load-config.js';
import { expand } from '../../support/prices/presets.js';

/** A feed with sources, a line each, and what it may refer to. */
const feed = (sources: readonly string[], name = 'ETH/USD') =>
  `feeds:\n  - name: ${name}\n    minSources: 1\n    sources:\n${sources.map((source) => `      - { ${source} }\n`).join('')}${RATES}`;
const RATES = `conversions:
${['USDT/USD', 'USDC/USD', 'cbETH/ETH', 'ETH/BTC', 'BTC/USD', 'BTC/JPY', 'STETH/ETH', 'JPY/USD']
  .map(
    (name) =>
      `  - { name: ${name}, minSources: 1, sources: [{ http: { url: "http://x/${name}", path: $.p } }] }\n`,
  )
  .join('')}`;

const http = (rest: string) => `http: { url: "https://p.example/all", ${rest} }`;
const stream = (rest: string) => `websocket: { url: "wss://p.example/v1", ${rest} }`;
const chain = (rest: string) => `aggregator: { rpc: "https://n.example", ${rest} }`;
const [ONE, TWO] = [
  '0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419',
  '0x986b5E1e1755e3C2440e960477f25201B0a8bbD4',
];

describe('one place counts once', () => {
  it.each([
    ['one venue under its old and its new symbol', 'kraken: XETHZUSD', 'kraken: ETHUSD'],
    ['a venue and its stream', 'kraken: XETHZUSD', 'kraken-ws: ETH/USD'],
    ['a venue and its list of all pairs', 'okx: ETH-USD', 'okx-all: ETH-USD'],
    ['two pairs of one venue', 'binance: ETHUSDT, convert: USDT/USD', 'binance: ETHUSDC, convert: USDC/USD'],
    ['one source under two names', 'kraken: XETHZUSD', 'kraken: XETHZUSD, name: other'],
    [
      'one request under two names',
      `${http('path: $.eth.price')}, name: a`,
      `${http(`path: "$['eth'].price", headers: { x-key: other }`)}, name: b`,
    ],
    [
      'one stream under two names',
      `${stream('filter: "$[?$.s == 1]", path: $.p')}, name: a`,
      `${stream('filter: "$[?$.s == 1]", path: $.p, ping: x')}, name: b`,
    ],
    [
      'one contract through two endpoints',
      `${chain(`chainId: 1, address: "${ONE}"`)}, name: a`,
      `aggregator: { rpc: "https://other.example", chainId: 1, address: "${ONE?.toLowerCase()}" }, name: b`,
    ],
    [
      'one adapter under two names',
      'external-adapter: { url: "http://ea:8080/", data: { base: ETH, quote: USD } }, name: a',
      'external-adapter: { url: "http://ea:8080", data: { quote: USD, base: ETH } }, name: b',
    ],
    [
      'the same feeds the other way round',
      'feed: { product: [ETH/BTC, BTC/USD] }, name: a',
      'feed: { product: [BTC/USD, ETH/BTC] }, name: b',
    ],
  ])('%s is refused', (_name, first, second) => {
    const lines = refused(feed([first, second]));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^feeds\.yaml:6 feeds\[0\]\.sources\[1\] ".+": stands twice in this feed: .+ reads the same place, which must count once$/,
    );
  });

  it.each([
    ['two paths of one answer', [`${http('path: $.a')}, name: a`, `${http('path: $.b')}, name: b`]],
    [
      'two bodies to one address',
      [1, 2].map((n) => `${http(`path: $.p, method: POST, body: '{"id":${n}}'`)}, name: "${n}"`),
    ],
    [
      'two subscriptions of one stream',
      [1, 2].map((n) => `${stream(`filter: "$[?$.s == ${n}]", path: $.p`)}, name: "${n}"`),
    ],
    [
      'one address on two chains',
      [1, 10].map((n) => `${chain(`chainId: ${n}, address: "${ONE}"`)}, name: "${n}"`),
    ],
    ['two contracts', [ONE, TWO].map((at, n) => `${chain(`chainId: 1, address: "${at}"`)}, name: "${n}"`)],
    [
      'an exchange and its sister for another country',
      ['binance: ETHUSDT, convert: USDT/USD', 'binance-us: ETHUSD'],
    ],
  ])('%s are two places', (_name, sources) => {
    expect(load(feed(sources)).config.groups[0]?.feeds[0]?.sources).toHaveLength(2);
  });

  it('two sources that only share their name are told to take others', () => {
    expect(refused(feed([http('path: $.a'), http('path: $.b')]))).toEqual([
      'feeds.yaml:6 feeds[0].sources[1] "http": is what another source of this feed is called; give each a `name` of its own',
    ]);
  });
});

describe('units', () => {
  it.each([
    ['a ratio times a price', 'cbETH/USD', 'feed: { product: [cbETH/ETH, ETH/BTC, BTC/USD] }'],
    ['a price over a price', 'ETH/USD', 'feed: { quotient: [ETH/BTC, USD/BTC] }'],
    ['a price turned round', 'USD/BTC', 'feed: { product: [BTC/JPY, JPY/USD] }, invert: true'],
    [
      'a product in another currency, converted',
      'BTC/EUR',
      'feed: { product: [BTC/JPY, JPY/USD] }, convert: USD/EUR',
    ],
    ['a wrapped name that is said to be the same', 'WETH/USD', 'kraken: XETHZUSD, base: WETH'],
    [
      'inputs that are said to make the feed',
      'WSTETH/BTC',
      'feed: { product: [STETH/ETH, ETH/BTC] }, base: WSTETH',
    ],
    ['a pair that is quoted the other way round', 'USD/ETH', 'coinbase: ETH-USD, invert: true'],
    ['a mixed case that the venue has not', 'cbETH/USD', 'coinbase: CBETH-USD'],
  ])('%s is accepted', (_name, name, source) => {
    const more = ['USD/BTC', 'USD/EUR']
      .filter((rate) => rate !== name)
      .map(
        (rate) =>
          `  - { name: ${rate}, minSources: 1, sources: [{ http: { url: "http://x/${rate}", path: $.p } }] }\n`,
      );
    const text = feed([source], name) + more.join('');
    // The feed itself is no conversion as well.
    expect(load(text).config.groups[0]?.feeds[0]?.sources).toHaveLength(1);
  });

  it.each([
    [
      'a ratio used as a price (Moonwell, 2026)',
      'cbETH/USD',
      'feed: { product: [cbETH/ETH, BTC/JPY] }',
      'is a price of cbETH·BTC/ETH·JPY, the feed is one of cbETH; mind its inputs, and whether they are multiplied or divided',
    ],
    [
      'a product of a ratio and itself',
      'cbETH/USD',
      'feed: { quotient: [cbETH/ETH, cbETH/ETH] }',
      'is a price of 1/1',
    ],
    [
      'a product that ends in another currency',
      'cbETH/USD',
      'feed: { product: [cbETH/ETH, ETH/BTC] }',
      'quotes in BTC, the feed in USD; add `convert: BTC/USD`',
    ],
    [
      'a product that should be a quotient',
      'ETH/USD',
      'feed: { product: [ETH/BTC, USDT/USD] }',
      'is a price of ETH·USDT/BTC·USD, the feed is one of ETH',
    ],
    [
      'another coin at a venue',
      'ETH/USD',
      'kraken: XXBTZUSD',
      '"kraken:XXBTZUSD": is a price of BTC, the feed is one of ETH',
    ],
    ['another coin elsewhere', 'ETH/USD', 'coinbase: BTC-USD', '"coinbase:BTC-USD": is a price of BTC'],
    [
      'a pair taken the wrong way round',
      'ETH/BTC',
      'kraken: XETHXXBT, invert: true',
      'is a price of BTC, the feed is one of ETH',
    ],
    [
      'a base that is not the feed’s',
      'ETH/USD',
      'kraken: XETHZUSD, base: BTC',
      'sources[0].base "BTC": is a price of BTC',
    ],
  ])('%s is refused', (_name, name, source, expected) => {
    const lines = refused(feed([source], name));
    expect(
      lines.some((line) => line.startsWith('feeds.yaml:5 ') && line.includes(expected)),
      lines.join('\n'),
    ).toBe(true);
  });

  it('a product and a quotient on one source are refused', () => {
    expect(
      refused(feed(['feed: { product: [ETH/BTC, BTC/USD], quotient: [ETH/BTC, BTC/JPY] }'])).join(),
    ).toContain('feeds[0].sources[0].feed.quotient: stands beside `product`; a feed is one of them');
  });

  it.each([
    ['kraken', 'XETHZUSD', 'ETH'],
    ['kraken', 'XTZUSD', 'XTZ'],
    ['kraken', 'CHZUSD', 'CHZ'],
    ['kraken', 'XXBTZEUR', 'BTC'],
    ['kraken', 'XBTUSDT', 'BTC'],
    ['kraken', 'XETHXXBT', 'ETH'],
    ['kraken', 'XDGUSD', 'DOGE'],
    ['kraken', 'USDTZUSD', 'USDT'],
    ['kraken', 'USDTUSD', 'USDT'],
    ['kraken', 'XLTCZUSD', 'LTC'],
    ['kraken', 'XXRPZUSD', 'XRP'],
    ['kraken-ws', 'BTC/USD', 'BTC'],
    ['binance', 'TUSDT', 'T'],
    ['binance', 'TUSDUSDT', 'TUSD'],
    ['binance-all', 'ETHFDUSD', 'ETH'],
    ['binance-us', 'USDTUSD', 'USDT'],
    ['binance-ws', 'WBTCETH', 'WBTC'],
    ['bitfinex', 'tBTCUSD', 'BTC'],
    ['bitfinex', 'tUSTUSD', 'USDT'],
    ['bitfinex', 'tDUSK:USD', 'DUSK'],
    ['bitfinex-all', 'tDSHUSD', 'DASH'],
    ['bitstamp', 'usdtusd', 'USDT'],
    ['bithumb', 'BTC_KRW', 'BTC'],
    ['bitso', 'btc_mxn', 'BTC'],
    ['bybit', 'ETHUSDT', 'ETH'],
    ['coinbase', '00-USD', '00'],
    ['cryptocompare', 'BTC/USD', 'BTC'],
    ['gate', 'BTC3L_USDT', 'BTC3L'],
    ['gemini', 'usdcusd', 'USDC'],
    ['htx', 'usddusdt', 'USDD'],
    ['luno', 'XBTZAR', 'BTC'],
    ['okx', 'BTC-USDT', 'BTC'],
    ['upbit', 'KRW-BTC', 'BTC'],
  ])('%s: %s is a price of %s', (preset, symbol, base) => {
    const { quote } = expand(preset, symbol);
    const of = (name: string) => feed([`${preset}: ${symbol}, quote: ${quote}`], `${name}/${quote}`);
    const rates = (text: string) => text.split('conversions:')[0] ?? '';
    expect(load(rates(of(base))).config.groups[0]?.feeds).toHaveLength(1);
    expect(refused(rates(of('OTHER'))).join()).toContain(`is a price of ${base}, the feed is one of OTHER`);
  });

  it.each([
    ['coingecko', 'bitcoin/usd'],
    ['coinpaprika', 'btc-bitcoin/usd'],
    ['defillama', 'coingecko:ethereum'],
  ])('%s has coin names of its own, which are not judged: %s', (preset, symbol) => {
    const text = feed([`${preset}: "${symbol}", maxAge: 10m`], 'WHATEVER/USD').split('conversions:')[0] ?? '';
    expect(load(text).config.groups[0]?.feeds).toHaveLength(1);
  });
});
