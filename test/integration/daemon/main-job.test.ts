import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANVIL_ADDRESSES, ANVIL_KEYS } from '../../support/anvil.js';
import { command, type DaemonProcess, startDaemon } from '../../support/daemon/process.js';
import { startWorld, type World } from '../../support/daemon/world.js';
import { json } from '../../support/prices/venue.js';
import { type RedisServer, startRedis, until } from '../../support/redis.js';

describe('one daemon on a real chain with a real Redis', () => {
  let redis: RedisServer;
  let world: World;
  let daemon: DaemonProcess;
  const confirmed = (line: { event?: string }) => line.event === 'round_confirmed';
  const reasonOf = (line: Record<string, unknown>) => (line.answers as { reason: string }[])[0]?.reason;

  beforeAll(async () => {
    redis = await startRedis();
    world = await startWorld({ env: { STATE_URL: redis.url } });
    daemon = await startDaemon(world.env);
  });
  afterAll(async () => {
    await daemon?.stop('SIGKILL');
    await world?.close();
    await redis?.stop();
  });

  it('publishes the first round, and consumers read exactly the median through the proxy', async () => {
    world.venues[1].answer(json('{"price":2000.10}'));
    world.venues[2].answer(json('{"price":"2000.2"}'));
    const line = await daemon.line(confirmed, 'the first round');
    expect(reasonOf(line)).toBe('first_round');
    const { round, answer } = await world.latest();
    expect(round).toBe(1n);
    expect((line.answers as { answer: string }[])[0]?.answer).toBe(answer.toString());
    expect([2000_00000000n, 2000_10000000n, 2000_20000000n]).toContain(answer);
  });

  it('publishes a deviation at once and not before its threshold', async () => {
    daemon.mark();
    world.price('2020.00');
    const line = await daemon.line(confirmed, 'the round after a deviation');
    expect(reasonOf(line)).toBe('deviation');
    const before = await world.latest();
    expect(before.answer).toBe(2020_00000000n);
    world.price('2030.09');
    await until(
      'the price is just under the threshold',
      async () => (await statusOf(daemon)).feeds[0]?.price === '2030.09000000',
    );
    expect((await statusOf(daemon)).feeds[0]).toMatchObject({ reason: 'not_due' });
    expect((await world.latest()).round).toBe(before.round);
  });

  it('keeps round, journal and audit stream in Redis', async () => {
    const client = new Redis(redis.url, { lazyConnect: false });
    try {
      const keys = await client.keys('*');
      const of = (part: string) => keys.filter((key) => key.includes(part));
      expect(of('round:31337')).toHaveLength(1);
      expect(of('journal')).not.toHaveLength(0);
      expect(of('audit:rounds')).toHaveLength(1);
      const stored = JSON.parse((await client.get(of('round:31337')[0] ?? '')) ?? '{}') as {
        round: number;
        feeds: string[][];
      };
      const { round, answer } = await world.latest();
      expect(BigInt(stored.round)).toBe(round);
      expect(stored.feeds[0]?.[0]).toBe(answer.toString());
    } finally {
      client.disconnect();
    }
  });

  it('a poisoned stored round leads to no second round and is repaired from the chain', async () => {
    const client = new Redis(redis.url);
    const key = (await client.keys('*round:31337*'))[0] ?? '';
    const before = await world.latest();
    const stored = JSON.parse((await client.get(key)) ?? '{}') as Record<string, unknown>;
    const poison = JSON.stringify({ ...stored, feeds: [['100', 1, 1]] });
    await client.set(key, poison);
    await until('the stored round is repaired', async () => (await client.get(key)) !== poison);
    client.disconnect();
    const after = await world.latest();
    expect(after.answer === before.answer && after.round === before.round).toBe(true);
  });

  it('a source that dies costs its vote and nothing else; with too few it stops and says why', async () => {
    await world.venues[0].close();
    await until('two sources are fresh', async () => (await freshOf(daemon)) === 2, { deadlineMs: 80_000 });
    expect((await statusOf(daemon)).feeds[0]?.price).not.toBeNull();
    await world.venues[1].close();
    const line = await daemon.line(
      ({ event, reason }) => event === 'reason_changed' && reason === 'too_few_sources',
      'the feed is held back',
    );
    expect(line).toMatchObject({ level: 'warn', feed: 'ETH/USD' });
    expect((await statusOf(daemon)).feeds[0]).toMatchObject({ price: null, reason: 'too_few_sources' });
    const metrics = await (await fetch(daemon.metricsUrl)).text();
    expect(metrics).toMatch(/oracle_decisions_total\{feed="ETH\/USD",reason="too_few_sources"\} [1-9]/);
  }, 120_000);

  it('metrics carry the names of the design, and counters start at zero', async () => {
    const metrics = await (await fetch(daemon.metricsUrl)).text();
    for (const name of [
      'oracle_updates_sent_total{feed="ETH/USD"}',
      'oracle_update_errors_total{group="default",error="unauthorised"} 0',
      'blockchain_transactions_total{adapter="main",operation="transmit",status="confirmed"}',
      'blockchain_transaction_duration_seconds_bucket{le="0.1",adapter="main",operation="transmit"}',
      'blockchain_rpc_errors_total{adapter="main",error_type="timeout"} 0',
      'blockchain_adapter_health{adapter="main"} 1',
      'blockchain_gas_used_total{adapter="main"}',
    ])
      expect(metrics).toContain(name);
  });

  it('answers health, liveness, readiness and a status page', async () => {
    for (const path of ['/health', '/livez', '/readyz'])
      expect((await fetch(daemon.url + path)).status, path).toBe(200);
    const page = await (await fetch(daemon.url)).text();
    expect(page).toContain('ETH/USD');
    expect((await fetch(`${daemon.url}/nothing`)).status).toBe(404);
    expect((await fetch(`${daemon.url}/livez`, { method: 'DELETE' })).status).toBe(405);
  });

  it('SIGTERM ends it with exit code 0, and no secret ever stood in its log', async () => {
    expect(await daemon.stop()).toBe(0);
    expect(daemon.lines.at(-1)).toMatchObject({ event: 'stopped' });
    expect(daemon.text()).not.toContain(ANVIL_KEYS[0].slice(2));
  });
});

interface StatusView {
  readonly feeds: readonly { price: string | null; reason: string; sources: { used: boolean }[] }[];
}

const statusOf = async (daemon: DaemonProcess): Promise<StatusView> =>
  (await (await fetch(`${daemon.url}/v1/status`)).json()) as StatusView;
const freshOf = async (daemon: DaemonProcess): Promise<number> =>
  (await statusOf(daemon)).feeds[0]?.sources.filter(({ used }) => used).length ?? 0;

describe('what is wrong is found at start, before anything is sent', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(async () => world?.close());

  /** Runs the daemon, which must refuse with exit code 2, and returns what it said. */
  async function refusal(changes: Record<string, string>): Promise<string> {
    const sent = await world.nonce(ANVIL_ADDRESSES[0]);
    const { code, stdout, stderr } = await command(['run'], {
      ...world.env,
      METRICS_PORT: '0',
      HTTP_PORT: '0',
      ...changes,
    });
    expect(code, stdout + stderr).toBe(2);
    expect(await world.nonce(ANVIL_ADDRESSES[0])).toBe(sent);
    return stderr;
  }
  /** The configuration with one thing changed. */
  function configured(from: string | RegExp, to: string): Record<string, string> {
    const text = readFileSync(join(world.directory, 'feeds.yaml'), 'utf8').replace(from, to);
    const file = join(world.directory, 'changed');
    return { CONFIG_DIR: writeConfig(file, text) };
  }

  it('wrong chain id', async () => {
    expect(await refusal({ CHAIN_ID: '1' })).toMatch(/is of chain 31337, the configuration says 1/);
  });
  it('an address without code', async () => {
    expect(await refusal({ AGGREGATOR_ADDRESS: `0x${'12'.repeat(20)}` })).toMatch(/no code|no contract/i);
  });
  it('an address with other code', async () => {
    expect(await refusal({ AGGREGATOR_ADDRESS: world.proxies[0] ?? '' })).toMatch(/main/);
  });
  it('wrong decimals', async () => {
    expect(await refusal(configured('name: ETH/USD', 'name: ETH/USD\n    decimals: 6'))).toMatch(
      /feed ETH\/USD \(index 0\) has 8 decimals on chain and 6 here/,
    );
  });
  it('another feed in its place', async () => {
    expect(await refusal(configured('name: ETH/USD', 'name: BTC/USD'))).toMatch(
      /is "ETH \/ USD" on chain and "BTC \/ USD" here/,
    );
  });
  it('a key that is no signer', async () => {
    expect(await refusal({ PRIVATE_KEY: ANVIL_KEYS[1] })).toMatch(/signer/);
  });
  it('no key at all', async () => {
    expect(await refusal({ PRIVATE_KEY: '' })).toMatch(/no key is named; set PRIVATE_KEY/);
  });
  it('half a key, without repeating it', async () => {
    const said = await refusal({ PRIVATE_KEY: ANVIL_KEYS[0].slice(0, 40) });
    expect(said).toMatch(/PRIVATE_KEY/);
    expect(said).not.toContain(ANVIL_KEYS[0].slice(2, 38));
  });
  it('no aggregator', async () => {
    expect(await refusal({ AGGREGATOR_ADDRESS: '' })).toMatch(/AGGREGATOR_ADDRESS: is missing/);
  });
});

describe('deploy', () => {
  it('run twice changes nothing the second time, and says so; what cannot change is refused', async () => {
    const world = await startWorld();
    try {
      const out = join(world.directory, 'deployment.json');
      const sent = await world.nonce(ANVIL_ADDRESSES[0]);
      const second = await command(['deploy', '--out', out], world.env);
      expect(second.code, second.stderr).toBe(0);
      expect(second.stdout).toContain('Nothing to change');
      // Found again without the file as well.
      const third = await command(['deploy', '--out', join(world.directory, 'again.json')], world.env);
      expect(third.stdout).toContain('Nothing to change');
      expect(await world.nonce(ANVIL_ADDRESSES[0])).toBe(sent);

      const text = readFileSync(join(world.directory, 'feeds.yaml'), 'utf8');
      const wide = writeConfig(
        join(world.directory, 'wide'),
        text.replace('group: {', 'group: { width: wide,'),
      );
      const refused = await command(['deploy', '--out', out], { ...world.env, CONFIG_DIR: wide });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(
        'the width is narrow on chain and wide in the configuration, and never changes',
      );
    } finally {
      await world.close();
    }
  });
});

function writeConfig(directory: string, text: string): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'feeds.yaml'), text);
  return directory;
}
