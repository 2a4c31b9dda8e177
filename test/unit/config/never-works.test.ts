/** Settings with which a feed could never have a price, or that nothing reads, are refused where they stand. */
import { describe, expect, it } from 'vitest';
import { ANVIL_ADDRESSES } from '../../support/anvil.js';
import { load, refused, threeVenues } from '../../support/load-config.js';

/** One source written out in full. */
const source = (text: string, top = '') =>
  `${top}feeds:\n  - name: ETH/USD\n    minSources: 1\n    sources:\n      - ${text}\n`;
const URL_AND_PATH = 'url: "https://p.example/eth", path: $.p';
const http = (rest: string) => source(`{ http: { ${URL_AND_PATH}, ${rest} } }`);
const preset = (lines: string) => threeVenues('', `sources:\n${lines}`);
const market = (rest: string) => threeVenues(`    market: { timeZone: UTC, ${rest} }\n`);

/** Refused with a line that says so; no line shows a secret, or speaks in the schema library's words. */
function expectRefusal(text: string, expected: string): void {
  const said = refused(text).join('\n');
  expect(said).toContain(expected);
  expect(said).not.toMatch(/hunter22|Invalid|Unrecognized/);
}

describe('a setting that can never work is refused', () => {
  it.each([
    [
      'polled more rarely than observations live',
      threeVenues('', 'poll: 90s\n'),
      'feeds.yaml:3 feeds[0].maxAge "1m": must be longer than the 90s between two polls of kraken:XETHZUSD (the longer of `poll` and its `interval`)',
    ],
    [
      'polled just as rarely',
      threeVenues('    maxAge: 1s\n'),
      'feeds.yaml:3 feeds[0].maxAge "1s": must be longer than the 1s between two polls of kraken:XETHZUSD',
    ],
    [
      'an interval as long as the age',
      threeVenues().replace('{ kraken: XETHZUSD }', '{ kraken: XETHZUSD, interval: 2m, maxAge: 2m }'),
      'feeds.yaml:3 feeds[0].sources[0].maxAge "2m": must be longer than the 2m between two polls of kraken:XETHZUSD',
    ],
    [
      'a mirrored feed that is stale before it is read again',
      source(
        `{ aggregator: { rpc: "https://n.example", chainId: 1, address: "${ANVIL_ADDRESSES[0]}", staleAfter: 1m }, interval: 5m }`,
      ),
      'feeds.yaml:5 feeds[0].sources[0].staleAfter "1m": must be longer than the 5m between two polls of aggregator',
    ],
    [
      'a tick that leaves a heartbeat one try',
      threeVenues('    heartbeat: 60s\n', 'group: { tick: 31s }\n'),
      'feeds.yaml:1 group.tick "31s": must be at most half of every heartbeat (ETH/USD: 60s), or a round that fails once is late',
    ],
    [
      'a heartbeat of one tick',
      threeVenues('    heartbeat: 1s\n'),
      'feeds.yaml:3 feeds[0].heartbeat "1s": must be at least two ticks (1s each), or a round that fails once is late',
    ],
    [
      'more signatures than signers',
      threeVenues('', `group: { threshold: 2, signers: ["${ANVIL_ADDRESSES[0]}"] }\n`),
      'feeds.yaml:1 group.threshold "2": is more than the 1 signers',
    ],
    [
      'two signatures of nobody named',
      threeVenues('', 'group: { threshold: 2 }\n'),
      'feeds.yaml:1 group.threshold "2": needs `signers` of several operators; without them the keys of the own pool sign, and they count as one',
    ],
    [
      'a preset with the name of a kind',
      preset('  http: { url: /x, baseUrl: "https://x.example", path: $.p }\n'),
      'feeds.yaml:2 sources.http "http": is a word of its own in a source; give the preset another name',
    ],
    [
      'a preset with the name of a setting',
      preset('  convert: { url: "https://x.example", path: $.p }\n'),
      'feeds.yaml:2 sources.convert "convert": is a word of its own in a source; give the preset another name',
    ],
    [
      'another address for a preset that does not exist',
      preset('  krakn: { baseUrl: "https://mirror.example" }\n'),
      'feeds.yaml:2 sources.krakn "krakn": is no shipped preset (mind the spelling), and lacks what one of your own needs: path',
    ],
    [
      'a preset whose expression is none',
      preset('  kraken: { quote: "(?<quote>USD" }\n'),
      'feeds.yaml:2 sources.kraken.quote "(?<quote>USD": must be a regular expression with a group named quote, such as \'(?<quote>USDT|USD)$\'',
    ],
    [
      'a market that never opens',
      market('open: {}'),
      'feeds.yaml:3 feeds[0].market.open: must hold the hours of one day at least, such as mon: 09:30-16:00',
    ],
    [
      'a market whose days are all empty',
      market('open: { mon: [] }'),
      'feeds.yaml:3 feeds[0].market.open: must hold the hours of one day at least, such as mon: 09:30-16:00',
    ],
    [
      'a market day that there is not',
      market('open: { someday: 09:30-16:00 }'),
      'feeds.yaml:3 feeds[0].market.open.someday: is not a setting known here; mind the spelling',
    ],
    [
      'a holiday that there is not',
      market('open: { mon: 09:30-16:00 }, holidays: [2026-12-25, 2026-02-31]'),
      'feeds.yaml:3 feeds[0].market.holidays[1] "2026-02-31": must be a day of the calendar, such as 2026-12-25',
    ],
    [
      'a scale of zero',
      source('{ kraken: XETHZUSD, scale: 0 }'),
      'feeds.yaml:5 feeds[0].sources[0].scale "0": must be a decimal number other than 0, such as 0.01',
    ],
    [
      'a smallest change below zero',
      threeVenues('    minChange: -0.1\n'),
      'feeds.yaml:3 feeds[0].minChange "-0.1": must be above 0 when rounded to the feed\'s 8 decimals; leave it out for none',
    ],
    [
      'a smallest change that rounds to nothing',
      threeVenues('    decimals: 2\n    minChange: 0.005\n'),
      'feeds.yaml:4 feeds[0].minChange "0.005": must be above 0 when rounded to the feed\'s 2 decimals; leave it out for none',
    ],
    [
      'a state without the states that count',
      http('statusPath: $.state'),
      'feeds.yaml:5 feeds[0].sources[0].http.statusPath: needs `statusOk`, the states in which the price counts; else it never would',
    ],
    [
      'no state that counts',
      http('statusPath: $.state, statusOk: []'),
      'feeds.yaml:5 feeds[0].sources[0].http.statusPath: needs `statusOk`',
    ],
    [
      'states that count without a state',
      http('statusOk: [open]'),
      'feeds.yaml:5 feeds[0].sources[0].http.statusOk: needs `statusPath`, where the state stands; else it means nothing',
    ],
    [
      'a subscription over http',
      http('subscribe: [hello]'),
      'feeds.yaml:5 feeds[0].sources[0].http.subscribe: is no setting of the kind http, which has: url, baseUrl, path,',
    ],
    [
      'another kind within',
      http('kind: websocket'),
      'feeds.yaml:5 feeds[0].sources[0].http.kind "websocket": is not the kind that the source is written out as; leave it out',
    ],
    ['a filter over http', http('filter: $.x'), 'sources[0].http.filter: is no setting of the kind http'],
    [
      'staleness over http',
      http('staleAfter: 1h'),
      'sources[0].http.staleAfter: is no setting of the kind http',
    ],
    [
      'retries of a contract',
      source(
        `{ aggregator: { rpc: "https://n.example", chainId: 1, address: "${ANVIL_ADDRESSES[0]}", retries: 2 } }`,
      ),
      'sources[0].aggregator.retries: is no setting of the kind aggregator, which has: rpc, chainId, address, decimals, staleAfter, interval',
    ],
    [
      'a stream that is polled',
      source('{ kraken-ws: ETH/USD, interval: 10s }'),
      'feeds.yaml:5 feeds[0].sources[0].interval "10s": means nothing to a source of the kind websocket, which is not polled',
    ],
    [
      'a field of another kind in a preset',
      preset('  kraken: { silence: 30s }\n'),
      'feeds.yaml:2 sources.kraken.silence: is no setting of the kind http',
    ],
    [
      'a placeholder that nothing fills, in a subscription',
      preset(
        '  mine: { kind: websocket, url: "wss://x.example", path: $.p, fixedQuote: USD, subscribe: ["a", "{pair}"] }\n',
      ).replace('kraken: XETHZUSD', 'mine: ETH'),
      'sources[0].mine.subscribe[1] "{pair}": has a placeholder that nothing fills ({symbol} are); for a brace that is none write a space after it',
    ],
    [
      'a placeholder that nothing fills, in a body',
      http('method: POST, body: \'{"query":"{price}"}\''),
      'feeds.yaml:5 feeds[0].sources[0].http.body "{price}": has a placeholder that nothing fills (it has no symbol and takes none)',
    ],
    [
      'a placeholder that nothing fills, in a path',
      http('timePath: "$.{symbol}.t"'),
      'feeds.yaml:5 feeds[0].sources[0].http.timePath "{symbol}": has a placeholder that nothing fills',
    ],
    [
      'a placeholder in a header',
      http('headers: { x-pair: "{symbol}" }'),
      'feeds.yaml:5 feeds[0].sources[0].http.headers: takes no placeholders',
    ],
    [
      'a placeholder in a base address',
      preset('  kraken: { baseUrl: "https://x.example/{symbol}" }\n'),
      'feeds.yaml:2 sources.kraken.baseUrl: takes no placeholders',
    ],
    [
      'a password in an address',
      source('{ http: { url: "https://me:hunter22@p.example/eth", path: $.p } }'),
      'feeds.yaml:5 feeds[0].sources[0].http.url: must hold no user and password; send them as `headers: { authorization: … }`',
    ],
    [
      'a header that is none',
      http('headers: { "x key": hunter22 }'),
      'feeds.yaml:5 feeds[0].sources[0].http.headers.x key: is no valid header: a name is one word, a value one line of Latin letters',
    ],
    [
      'a header over two lines',
      http('headers: { authorization: "hunter22\\nhunter22" }'),
      'feeds.yaml:5 feeds[0].sources[0].http.headers.authorization: is no valid header',
    ],
    [
      'a body that a GET has not',
      http('body: "{}"'),
      'feeds.yaml:5 feeds[0].sources[0].http.body: needs `method: POST`; a GET has no body',
    ],
    [
      'nothing but a kind',
      source('{ aggregator: { chainId: 1 } }'),
      'feeds.yaml:5 feeds[0].sources[0].aggregator.address: is missing; a source of the kind aggregator needs it',
    ],
    [
      'a derived feed of nothing',
      source('{ feed: {} }'),
      'feeds.yaml:5 feeds[0].sources[0].feed.product: is missing; name two to four feeds, or two under `quotient`',
    ],
  ])('%s', (_name, text, expected) => expectRefusal(text, expected));

  it.each([
    ['a venue that is polled rarely and lives long', source('{ coingecko: ethereum/usd }')],
    [
      'a mirrored feed with its own staleness',
      source(
        `{ aggregator: { rpc: "https://n.example", chainId: 1, address: "${ANVIL_ADDRESSES[0]}" }, interval: 5m }`,
      ),
    ],
    ['a tick of half a heartbeat', threeVenues('    heartbeat: 60s\n', 'group: { tick: 30s }\n')],
    [
      'a preset of one’s own',
      preset('  mine: { url: "https://x.example/{symbol}", path: $.p, quote: "(?<quote>USD)$" }\n').replace(
        'kraken: XETHZUSD',
        'mine: ETHUSD',
      ),
    ],
    [
      'a preset of one’s own over two files',
      {
        'a.yaml': 'sources: { mine: { baseUrl: "https://x.example" } }\n',
        'b.yaml': preset('  mine: { url: "/{symbol}", path: $.p, fixedQuote: USD }\n').replace(
          'kraken: XETHZUSD',
          'mine: ETH',
        ),
      },
    ],
    ['braces of a query', http('method: POST, body: \'{"query":"{ price }"}\'')],
    [
      'a user and password of a stream, which become its header',
      source('{ websocket: { url: "wss://me:pw@p.example/v1", path: $.p } }'),
    ],
    ['hours on a single day', market('open: { sun: [00:00-06:00, 18:00-24:00] }, holidays: [2028-02-29]')],
  ])('%s works', (_name, files) => {
    expect(load(files).config.groups[0]?.feeds).toHaveLength(1);
  });
});

describe('what is misspelt or empty is told in the same words everywhere', () => {
  it.each([
    [
      'a misspelt setting beside a preset',
      source('{ kraken: XETHZUSD, intervall: 5s }'),
      'feeds.yaml:5 feeds[0].sources[0].intervall: is not a setting known here; mind the spelling',
    ],
    [
      'a misspelt setting of a source written out',
      http('timepath: $.t'),
      'feeds.yaml:5 feeds[0].sources[0].http.timepath: is not a setting known here; mind the spelling',
    ],
    [
      'a wrong value beside a preset',
      source('{ kraken: XETHZUSD, deadline: 3weeks }'),
      'feeds.yaml:5 feeds[0].sources[0].deadline "3weeks": must be a duration from 50ms to 60s',
    ],
    [
      'a wrong value in a source written out',
      http('retries: many'),
      'feeds.yaml:5 feeds[0].sources[0].http.retries "many": must be a whole number from 0 to 5',
    ],
    [
      'an empty entry',
      source('{ kraken: XETHZUSD }\n      -'),
      'feeds.yaml:6 feeds[0].sources[1] "": must hold settings, each as `name: value`',
    ],
    [
      'an address alone',
      source('{ http: "https://me:hunter22@p.example/eth" }'),
      'feeds.yaml:5 feeds[0].sources[0].http: must hold settings, each as `name: value`',
    ],
    [
      'a feed without a name',
      'feeds:\n  - sources: [{ kraken: XETHZUSD }]\n',
      'feeds.yaml:2 feeds[0].name: is missing',
    ],
    ['feeds that are no list', 'feeds: ETH/USD\n', 'feeds.yaml:1 feeds "ETH/USD": must be a list'],
    [
      'a jump that is neither',
      threeVenues('    maxJump: never\n'),
      'feeds.yaml:3 feeds[0].maxJump "never": must be one of: off',
    ],
    [
      'a jump of half the settings',
      threeVenues('    maxJump: { percent: 20 }\n'),
      'feeds.yaml:3 feeds[0].maxJump.confirmTicks: is missing',
    ],
    [
      'one endpoint of several',
      `chains: [{ name: main, rpc: ["https://a.example", "ftp://me:hunter22@b"] }]\n${threeVenues()}`,
      'feeds.yaml:1 chains[0].rpc[1]: must be a URL that begins with http:// or https://',
    ],
    [
      'a quotient of three',
      source('{ feed: { quotient: [A/B, C/D, E/F] } }'),
      'feeds.yaml:5 feeds[0].sources[0].feed.quotient: must hold at most 2 entries',
    ],
  ])('%s', (_name, text, expected) => expectRefusal(text, expected));
});
