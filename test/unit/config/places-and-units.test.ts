/** One place counts once. */
import { describe, expect, it } from 'vitest';
import { load, refused } from '../../support/load-config.js';

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
