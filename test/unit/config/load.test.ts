import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { configDir } from '../../support/config-dir.js';
import { DEFAULTS, load, refused } from '../../support/load-config.js';

const FIVE_LINES = `feeds:
  - name: ETH/USD
    sources:
      - kraken: XETHZUSD
      - coinbase: ETH-USD
`;

describe('a configuration', () => {
  it('of five lines is one group with every default filled in', () => {
    const { config } = load(FIVE_LINES);
    expect(config.groups).toHaveLength(1);
    expect(config.groups[0]).toMatchObject({
      name: 'default',
      id: 1,
      chain: 'main',
      wide: false,
      threshold: 1,
      tickSeconds: 1,
    });
    expect(config.groups[0]?.feeds[0]).toMatchObject({
      name: 'ETH/USD',
      decimals: 8,
      description: 'ETH / USD',
      heartbeatSeconds: 3600,
      deviation: { n: 1n, d: 2n },
      minSources: 2,
      positive: true,
    });
    expect(config.groups[0]?.feeds[0]?.sources.map(({ label }) => label)).toEqual([
      'kraken:XETHZUSD',
      'coinbase:ETH-USD',
    ]);
  });

  it('falls back from feed to group to chain to the environment', () => {
    const { config } = load(`
chains:
  - name: besu
    id: 1337
    rpc: http://localhost:8545
    heartbeat: 10m
    deviation: 2
groups:
  - name: fast
    chain: besu
    deviation: 1
    feeds:
      - { name: A/USD, heartbeat: 30s, minSources: 1, sources: [{ coinbase: A-USD }] }
      - { name: B/USD, minSources: 1, sources: [{ coinbase: B-USD }] }
  - name: slow
    chain: besu
    feeds:
      - { name: C/USD, deviation: off, minSources: 1, sources: [{ coinbase: C-USD }] }
`);
    const feeds = config.groups.flatMap((group) => group.feeds);
    expect(feeds.map(({ name, heartbeatSeconds, deviation }) => [name, heartbeatSeconds, deviation])).toEqual(
      [
        ['A/USD', 30, { n: 1n, d: 1n }],
        ['B/USD', 600, { n: 1n, d: 1n }],
        ['C/USD', 600, 'off'],
      ],
    );
  });

  it('changes a setting of a shipped preset and keeps the others', () => {
    const { config } = load(`sources: { kraken: { baseUrl: "http://127.0.0.1:9" } }\n${FIVE_LINES}`);
    const [kraken] = config.groups[0]?.feeds[0]?.sources ?? [];
    expect(kraken).toMatchObject({ kind: 'http', url: 'http://127.0.0.1:9/0/public/Ticker?pair=XETHZUSD' });
  });

  it('reads exact numbers: 0.1 percent is one tenth', () => {
    const { config } = load(FIVE_LINES.replace('sources:', 'deviation: 0.1\n    sources:'));
    expect(config.groups[0]?.feeds[0]?.deviation).toEqual({ n: 1n, d: 10n });
  });

  it('fills in variables and tells which texts are secret', () => {
    const text = `
feeds:
  - name: ETH/USD
    minSources: 1
    sources:
      - http: { url: "https://paid.example/eth", path: $.p, headers: { authorization: "Bearer \${PAID_KEY}" } }
`;
    const loaded = load(text, { PAID_KEY: 'very-secret-token' });
    expect(loaded.config.groups[0]?.feeds[0]?.sources[0]).toMatchObject({
      headers: { authorization: 'Bearer very-secret-token' },
    });
    expect(loaded.secrets).toContain('very-secret-token');
    expect(refused(text)).toEqual([
      `feeds.yaml:6 \${PAID_KEY}: the environment variable PAID_KEY is not set; set it or write the value`,
    ]);
  });

  it('joins several files, and its hash follows the content', () => {
    const parts = {
      'a.yaml': FIVE_LINES,
      'b.yaml': 'conversions:\n  - { name: USDT/USD, minSources: 1, sources: [{ kraken: USDTZUSD }] }\n',
    };
    const one = loadConfig(configDir(parts), DEFAULTS, {});
    const two = loadConfig(configDir(parts), DEFAULTS, {});
    const three = loadConfig(configDir({ ...parts, 'a.yaml': `${FIVE_LINES}# a word\n` }), DEFAULTS, {});
    expect(one.config.conversions.map(({ name }) => name)).toEqual(['USDT/USD']);
    expect(two.config.hash).toBe(one.config.hash);
    expect(three.config.hash).not.toBe(one.config.hash);
  });

  const conversion = `${FIVE_LINES.replace('kraken: XETHZUSD', 'binance: ETHUSDT\n        convert: USDT/USD')}conversions:
  - { name: USDT/USD, minSources: 1, sources: [{ kraken: USDTZUSD }] }
`;
  it('bridges another quote currency by a declared conversion', () => {
    expect(load(conversion).config.groups[0]?.feeds[0]?.sources[0]).toMatchObject({
      quote: 'USDT',
      convert: 'USDT/USD',
    });
  });
});

describe('a refused configuration says file, line, path, value and what is allowed', () => {
  const feed = (lines: string) =>
    `feeds:\n  - name: ETH/USD\n${lines}    sources: [{ kraken: XETHZUSD }, { coinbase: ETH-USD }]\n`;
  it.each([
    [
      'a deviation of zero',
      feed('    deviation: 0\n'),
      'feeds.yaml:3 feeds[0].deviation "0": must be a percentage above 0',
    ],
    [
      'a number with rubbish behind it',
      feed('    heartbeat: 12abc\n'),
      'feeds.yaml:3 feeds[0].heartbeat "12abc": must be whole seconds',
    ],
    [
      'a boolean that is not true or false',
      feed('    positive: yes\n'),
      'feeds.yaml:3 feeds[0].positive "yes": must be true or false',
    ],
    [
      'half a decimal',
      feed('    decimals: 8.5\n'),
      'feeds.yaml:3 feeds[0].decimals "8.5": must be a whole number from 0 to 18',
    ],
    [
      'an unknown setting',
      feed('    hearbeat: 60s\n'),
      'feeds.yaml:3 feeds[0].hearbeat: is not a setting known here',
    ],
    [
      'a feed without a quote',
      feed('').replace('ETH/USD', 'ETHUSD'),
      'feeds.yaml:2 feeds[0].name "ETHUSD": must be BASE/QUOTE',
    ],
    [
      'an unknown venue',
      feed('').replace('kraken', 'krakn'),
      'feeds[0].sources[0] "krakn": must name one source',
    ],
    [
      'one source only',
      'feeds:\n  - name: ETH/USD\n    sources: [{ kraken: XETHZUSD }]\n',
      'feeds[0].sources: has one source only',
    ],
    [
      'the same source twice',
      feed('').replace('coinbase: ETH-USD', 'kraken: XETHZUSD'),
      'stands twice in this feed',
    ],
    [
      'more sources wanted than there are',
      feed('    minSources: 3\n'),
      'feeds.yaml:3 feeds[0].minSources "3": is more than the 2 sources',
    ],
    [
      'a stablecoin taken for the dollar',
      feed('').replace('kraken: XETHZUSD', 'binance: ETHUSDT'),
      'quotes in USDT, the feed in USD; add `convert: USDT/USD`',
    ],
    [
      'a conversion that is not declared',
      feed('').replace('kraken: XETHZUSD', 'binance: ETHUSDT, convert: USDT/USD'),
      'is no feed of this configuration; declare it under `conversions`',
    ],
    ['a key twice', feed('    decimals: 8\n    decimals: 6\n'), '(syntax): Map keys must be unique'],
    ['no feed at all', 'poll: 1s\n', 'feeds: is empty'],
    ['18 decimals in 56 bits', feed('    decimals: 18\n'), 'leaves no room for a price in a narrow group'],
    [
      'a feed derived from itself',
      'feeds:\n  - name: A/USD\n    minSources: 1\n    sources: [{ feed: { product: [B/USD, A/USD] } }]\nconversions:\n  - { name: B/USD, minSources: 1, sources: [{ kraken: BUSD }] }\n',
      'is derived from itself: A/USD → A/USD',
    ],
  ])('%s', (_name, text, expected) => {
    const lines = refused(text);
    expect(
      lines.some((line) => line.includes(expected)),
      lines.join('\n'),
    ).toBe(true);
  });

  it('never repeats a URL that could hold a key', () => {
    const lines = refused(
      `chains:\n  - { name: main, rpc: "ftp://user:hunter22@node/secret-key-in-path" }\n${FIVE_LINES}`,
    );
    expect(lines.join()).toContain('chains[0].rpc');
    expect(lines.join()).not.toMatch(/hunter22|secret-key-in-path/);
  });

  it('a missing directory and an empty one', () => {
    const of = (directory: string) => {
      try {
        loadConfig(directory, DEFAULTS, {});
      } catch (error) {
        return String((error as Error).message);
      }
      return '';
    };
    expect(of('/nonexistent/config')).toContain(
      'environment CONFIG_DIR "/nonexistent/config": cannot be read (ENOENT)',
    );
    expect(of(configDir({}))).toContain('holds no *.yaml file');
  });

  it('no endpoint', () => {
    expect(refused(FIVE_LINES, {}, { ...DEFAULTS, rpcUrls: [] }).join()).toContain('is missing; set RPC_URL');
  });
});
