/**
 * `oracle-publisher explain` against the real daemon, a real chain and a real Redis: honest rounds agree, tampered records
 * differ, and what could not be verified is said. And the same daemon as an external adapter.
 */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explanation } from '../../../src/cli/explain-page.js';
import type { Status } from '../../../src/publisher/status.js';
import type { AuditedRound } from '../../../src/rounds/audit.js';
import { readExactText } from '../../../src/rounds/audit-price.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS } from '../../support/anvil.js';
import { command, type DaemonProcess, type Env, startDaemon } from '../../support/daemon/process.js';
import { startWorld, type World } from '../../support/daemon/world.js';
import type { Handler } from '../../support/prices/venue.js';
import { freePort, type RedisServer, startRedis, until } from '../../support/redis.js';

/** Two groups with one signer each; the replica sends with one of the two keys, so that the other group needs a signature. */
const FEEDS = `groups:
  - name: eth
    id: 1
    history: 4
    maxAge: 8s
    signers: [ "${ANVIL_ADDRESSES[0]}" ]
    feeds:
      - name: ETH/USD
        minSources: 2
        sources:
          - { http: { url: "$1/eth", path: $.price }, name: plain }
          - { http: { url: "$2/inverse", path: $.price }, name: inverse, invert: true }
          - { http: { url: "$3/eth", path: $.price }, name: other }
          - { http: { url: "$1/far", path: $.price }, name: far }
          - { http: { url: "$3/dead", path: $.price }, name: dead }
  - name: btc
    id: 2
    history: 64
    signers: [ "${ANVIL_ADDRESSES[1]}" ]
    feeds:
      - name: BTC/USD
        minSources: 1
        sources: [ { http: { url: "$2/btc", path: $.price }, name: plain } ]
`;

let redis: RedisServer;
let world: World;
let daemon: DaemonProcess;
let env: Env;

/** ETH near a price that its inverse names without a finite decimal. */
function market(eth: string, inverse: string): void {
  const prices: Readonly<Record<string, string>> = {
    '/eth': eth,
    '/inverse': inverse,
    '/far': '9000',
    '/btc': '60000.5',
  };
  const answer: Handler = ({ path }, response) => {
    const price = prices[path];
    response.writeHead(price ? 200 : 500, { 'content-type': 'application/json' });
    response.end(price ? `{"price":${price}}` : 'no');
  };
  for (const venue of world.venues) venue.answer(answer);
}

const landed = (group: string, round: number) =>
  daemon.line(
    (line) => line.event === 'round_confirmed' && line.group === group && line.round === round,
    `round ${round} of ${group}`,
  );

async function explain(feed: string, round: number, over: Env = {}, ...args: string[]) {
  const deployment = ['--deployment', join(world.directory, 'deployment.json')];
  return command(['explain', feed, String(round), ...deployment, ...args], { ...env, ...over });
}
async function explained(feed: string, round: number, over: Env = {}) {
  const { code, stdout, stderr } = await explain(feed, round, over, '--json');
  if (!stdout.startsWith('{')) throw new Error(`exit ${code}: ${stdout}${stderr}`);
  const explanation = JSON.parse(stdout) as Explanation;
  const of = (result: string) => [
    ...new Set(explanation.checks.filter((check) => check.result === result).map((check) => check.code)),
  ];
  return { code, explanation, differs: of('differs'), unknown: of('unknown'), agrees: of('agrees') };
}

beforeAll(async () => {
  redis = await startRedis();
  world = await startWorld({
    feeds: FEEDS,
    env: { STATE_URL: redis.url, PRIVATE_KEY: `${ANVIL_KEYS[0]},${ANVIL_KEYS[1]}`, HEARTBEAT: '1h' },
  });
  env = world.env;
  market('2000.1', '0.00049997');
  daemon = await startDaemon(env);
  await landed('eth', 1);
  await landed('btc', 1);
  // The inverse alone moves no median: when the others follow, it has been seen.
  market('2000.1', '0.00049497');
  await until('the inverse price is seen', async () => {
    const status = (await (await fetch(`${daemon.url}/v1/status`)).json()) as Status;
    const inverse = status.feeds[0]?.sources.find(({ label }) => label === 'inverse');
    return inverse?.value?.startsWith('2020.3');
  });
  market('2020.125', '0.00049497');
  await landed('eth', 2);
});
afterAll(async () => {
  await daemon?.stop('SIGKILL');
  await world?.close();
  await redis?.stop();
});

describe('an honest round', () => {
  it('agrees in everything, with what was used, what was dropped and why', async () => {
    const { code, explanation, differs, unknown } = await explained('ETH/USD', 2);
    expect({ code, differs, unknown }).toEqual({ code: 0, differs: [], unknown: [] });
    const feed = explanation.record?.feeds[0];
    expect(feed).toMatchObject({ feed: 'ETH/USD', reason: 'deviation', before: { round: 1 } });
    expect(feed?.dropped.map(({ source, code: why }) => [source, why])).toEqual(
      expect.arrayContaining([
        ['far', 'outlier'],
        ['dead', 'http_status'],
      ]),
    );
    const inverse = feed?.used.find(({ source }) => source === 'inverse');
    expect(inverse?.value).toMatch(/^\d+\/\d+$/);
    expect(readExactText(inverse?.value ?? '')).toEqual({ n: 100_000_000n, d: 49_497n });
    expect(explanation.record?.effectiveGasPriceWei).toMatch(/^\d+$/);
  });

  it('whose sender is the signer, and one whose signer signed: both are traced to the contract’s set', async () => {
    const found = await Promise.all([explained('ETH/USD', 1), explained('BTC/USD', 1)]);
    expect(found.map(({ code }) => code)).toEqual([0, 0]);
    const rows = found.flatMap(({ explanation }) => explanation.signers);
    expect(rows.map(({ address }) => address?.toLowerCase())).toEqual(
      ANVIL_ADDRESSES.slice(0, 2).map((address) => address.toLowerCase()),
    );
    expect(rows.map(({ how }) => how).sort()).toEqual(['sender', 'signature']);
    for (const { agrees } of found)
      expect(agrees).toEqual(expect.arrayContaining(['signature', 'signer_set', 'threshold']));
  });

  it('is a page that a person can follow', async () => {
    const { code, stdout } = await explain('ETH/USD', 2);
    expect(code).toBe(0);
    for (const line of [
      /^ETH\/USD, round 2, chain main$/m,
      /because: deviation$/m,
      /^inverse +100000000\/49497 \(2020\.324/m,
      /^far +9000 .*dropped: outlier$/m,
      /^dead .*dropped: http_status$/m,
      /^ok +median /m,
      /^ok +transaction /m,
      /^ok +signer_set /m,
      /^ok +proxy_answer +the proxy says 20\d\d\.\d{8} at \d+$/m,
      /^Everything that could be checked agrees/m,
    ])
      expect(stdout).toMatch(line);
    expect(stdout).not.toContain('Could not be verified');
  });
});

describe('a tampered record', () => {
  let honest: AuditedRound;
  let client: Redis;
  beforeAll(async () => {
    honest = (await explained('ETH/USD', 2)).explanation.record as AuditedRound;
    client = new Redis(redis.url);
  });
  afterAll(() => client?.disconnect());

  /** Puts a changed copy of the record on top of the stream, as one who can write to Redis could. */
  const put = async (record: unknown) =>
    (await client.xadd('op:audit:rounds', '*', 'round', JSON.stringify(record))) ?? '';
  const remove = (id: string) => client.xdel('op:audit:rounds', id);

  const firstFeed = (record: AuditedRound, over: object) => ({
    ...record,
    feeds: record.feeds.map((feed, index) => (index === 0 ? { ...feed, ...over } : feed)),
  });

  it.each<[string, (record: AuditedRound) => unknown, string[]]>([
    [
      'an observation',
      (record) =>
        firstFeed(record, { used: record.feeds[0]?.used.map((one) => ({ ...one, value: '2021' })) }),
      ['median'],
    ],
    ['the answer', (record) => firstFeed(record, { answer: '202012500001' }), ['median', 'report_answer']],
    ['the reason', (record) => firstFeed(record, { reason: 'heartbeat' }), ['decision']],
    ['the gas', (record) => ({ ...record, gasUsed: '21000' }), ['receipt']],
    ['the report', (record) => ({ ...record, packed: `${record.packed.slice(0, -2)}00` }), ['transaction']],
    [
      'the transaction',
      (record) => ({ ...record, hash: `0x${'11'.repeat(32)}` }),
      ['receipt', 'transaction'],
    ],
    ['the signers', (record) => ({ ...record, signers: [ANVIL_ADDRESSES[3]] }), ['signature']],
    ['the chain', (record) => ({ ...record, chainId: 1 }), ['chain_id']],
    ['its form', (record) => ({ ...record, packed: 'nothing' }), ['record']],
  ])('in %s is reported as differing', async (_what, change, expected) => {
    const id = await put(change(honest));
    try {
      const { code, differs } = await explained('ETH/USD', 2);
      expect(code).toBe(1);
      expect(differs).toEqual(expect.arrayContaining(expected));
    } finally {
      await remove(id);
    }
  });

  it('is said to differ on the page, and taken away the honest one agrees again', async () => {
    const id = await put({ ...honest, gasUsed: '21000' });
    const page = await explain('ETH/USD', 2);
    expect(page.code).toBe(1);
    expect(page.stdout).toMatch(/^DIFFERS +receipt +gas \d+, recorded 21000$/m);
    expect(page.stdout).toMatch(/^DIFFERS: receipt\./m);
    await remove(id);
    expect((await explained('ETH/USD', 2)).code).toBe(0);
  });
});

describe('what could not be verified', () => {
  it('without a record: memory, and what the chain alone says', async () => {
    const { code, explanation, agrees, unknown } = await explained('ETH/USD', 2, { STATE_URL: 'memory:' });
    expect(explanation.noRecord).toMatch(/^memory_state: /);
    expect({ code, agrees }).toEqual({ code: 0, agrees: ['proxy_answer'] });
    expect(unknown).toEqual(['record', 'ring_answer']);
  });

  it('an endpoint that is away: the record itself is still checked, and no key of a URL is printed', async () => {
    const RPC_URL = `http://127.0.0.1:${await freePort()}/v2/0123456789abcdef0123456789abcdef`;
    const { code, unknown, agrees } = await explained('ETH/USD', 2, { RPC_URL });
    expect(code).toBe(0);
    expect(unknown).toEqual(['chain_id']);
    expect(agrees).toEqual(expect.arrayContaining(['median', 'decision', 'report', 'signature']));
    const { stdout } = await explain('ETH/USD', 2, { RPC_URL });
    expect(stdout).toMatch(/^Could not be verified: chain_id\.$/m);
    expect(stdout).not.toContain('0123456789abcdef');
  });

  it('a store that is away, and both away: nothing could be checked', async () => {
    const STATE_URL = `redis://127.0.0.1:${await freePort()}`;
    const store = await explained('ETH/USD', 2, { STATE_URL });
    expect(store.explanation.noRecord).toMatch(/^store_away: /);
    expect(store.code).toBe(0);
    const both = await explain('ETH/USD', 2, { STATE_URL, RPC_URL: '' });
    expect(both.code).toBe(1);
    expect(both.stdout).toContain('RPC_URL is not set');
    expect(both.stdout).toContain('Nothing could be checked.');
  });

  it('a round that never was, a feed that is none, a chain that is none', async () => {
    const never = await explain('ETH/USD', 999);
    expect(never).toMatchObject({ code: 1, stdout: expect.stringContaining('There is no record: absent') });
    expect(await explain('DOGE/USD', 1)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ETH/USD, BTC/USD'),
    });
    expect(await explain('ETH/USD', 2, {}, '--chain', 'other')).toMatchObject({ code: 2 });
    expect(await explain('ETH/USD', 0)).toMatchObject({ code: 2 });
  });

  it('a round that the ring no longer holds is verified by its transaction all the same', async () => {
    for (const [round, eth, inverse] of [
      [3, '2040.5', '0.00049003'],
      [4, '2061.5', '0.00048503'],
      [5, '2082.5', '0.00048003'],
    ] as const) {
      market(eth, inverse);
      await landed('eth', round);
    }
    const { code, differs, unknown, agrees } = await explained('ETH/USD', 1);
    expect({ code, differs }).toEqual({ code: 0, differs: [] });
    expect(unknown).toEqual(['ring_answer', 'proxy_answer']);
    expect(agrees).toEqual(expect.arrayContaining(['receipt', 'transaction', 'event', 'signer_set']));
  });
});

describe('the same daemon as an external adapter', () => {
  const ask = async (data: object) => {
    const response = await fetch(daemon.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: '7', data }),
    });
    return { status: response.status, text: await response.text() };
  };

  it('answers with the price of its last tick and sends nothing for it', async () => {
    const nonces = () => Promise.all(ANVIL_ADDRESSES.slice(0, 2).map((address) => world.nonce(address)));
    const before = await nonces();
    for (let asked = 0; asked < 50; asked += 1)
      expect(await ask({ base: 'BTC', quote: 'USD' })).toMatchObject({
        status: 200,
        text: expect.stringContaining('{"jobRunID":"7","data":{"result":60000.5},"result":60000.5,'),
      });
    expect(await nonces()).toEqual(before);
    expect(await ask({ feed: 'DOGE/USD' })).toMatchObject({ status: 404 });
  });

  it('answers with an error as soon as a guard holds the price back', async () => {
    for (const venue of world.venues) venue.answer((_asked, response) => void response.writeHead(500).end());
    const { text } = await until(
      'the guard has judged a tick',
      async () => {
        const reply = await ask({ base: 'ETH', quote: 'USD' });
        // Between two ticks it may be too old before it is held back.
        expect([200, 504, 502]).toContain(reply.status);
        return reply.status === 502 ? reply : undefined;
      },
      { deadlineMs: 40_000, everyMs: 200 },
    );
    expect(JSON.parse(text)).toMatchObject({
      jobRunID: '7',
      statusCode: 502,
      errorMessage: expect.stringMatching(/^ETH\/USD is held back: too_few_sources, /),
    });
    expect(text).not.toContain('"result"');
  });
});
