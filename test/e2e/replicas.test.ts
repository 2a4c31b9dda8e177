/**
 * Three daemons, two keys, six groups, and a seeded schedule of kills, stops, restarts, cut wires and Redis faults. The
 * claims are checked from the chain's own events. A longer run: SOAK_MINUTES=30 SOAK_SEED=7.
 */
import { afterEach, expect, it } from 'vitest';
import { sleep } from '../../src/common/time.js';
import { until } from '../support/redis.js';
import { type Bounds, checkRounds, readChain } from './replicas/claims.js';
import type { Daemon } from './replicas/daemon.js';
import { perform, plan } from './replicas/schedule.js';
import { createSeeded } from './replicas/seeded.js';
import { createWorld, GROUPS, HEARTBEAT_SECONDS, type World } from './replicas/world.js';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 3);
const SEED = Number(process.env.SOAK_SEED ?? 20_190_626);
const LENGTH_MS = MINUTES * 60_000;
const SAMPLE_MS = 300;
// Lease 5 s, a tick, two blocks of a second until the receipt; grace and waits without Redis as the daemon has them.
const BOUNDS: Bounds = {
  failoverSeconds: 9,
  withoutRedisSeconds: 25,
  blindSeconds: 13,
  followSeconds: 8,
  leadSeconds: 8,
};

let world: World | undefined;
afterEach(() => world?.close());

it(`nothing is missed and nothing is sent twice: ${MINUTES} minutes of faults, seed ${SEED}`, {
  timeout: LENGTH_MS + 180_000,
}, async () => {
  const seeded = createSeeded(SEED);
  world = await createWorld(LENGTH_MS, seeded);
  const { daemons, anvil, keys, dir } = world;
  const note = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
  note(`logs: ${dir}`);
  for (const daemon of daemons) daemon.start();

  const led = new Map<Daemon, ReadonlySet<string>>();
  let queued = 0;
  const sampling = new AbortController();
  const sampler = (async () => {
    while (!sampling.signal.aborted) {
      for (const daemon of daemons) {
        const leads = await daemon.leads();
        // One that does not answer is taken to lead what it led: the excuse is for those groups.
        if (leads) led.set(daemon, leads);
        else if (!daemon.running()) led.set(daemon, new Set());
      }
      const pool = (await anvil.rpc('txpool_status')) as { queued: string };
      queued = Math.max(queued, Number(pool.queued));
      await sleep(SAMPLE_MS, sampling.signal);
    }
  })();

  await until(
    'every group is led',
    () => led.size === 3 && new Set([...led.values()].flatMap((g) => [...g])).size === 6,
    {
      deadlineMs: 60_000,
    },
  );
  await until(
    'every group has a round',
    async () => {
      const { rounds } = await readChain(world as World);
      return new Set(rounds.map(({ group }) => group)).size === GROUPS.length;
    },
    { deadlineMs: 30_000, everyMs: 500 },
  );
  const fromMs = Date.now();
  const incidents = await perform(
    world,
    plan(LENGTH_MS, seeded),
    (daemon) => led.get(daemon) ?? new Set(),
    note,
  );
  // All is well again: whoever leads now goes on for more than a heartbeat.
  await sleep((HEARTBEAT_SECONDS + 10) * 1_000);
  const toMs = Date.now();
  sampling.abort();
  await sampler;

  for (const daemon of daemons) expect(await daemon.end('SIGTERM')).toBe(0);
  const { rounds, transactions } = await readChain(world);
  const counts = await Promise.all(
    keys.map(async (key) => [
      await anvil.rpc('eth_getTransactionCount', [key, 'latest']),
      await anvil.rpc('eth_getTransactionCount', [key, 'pending']),
    ]),
  );
  const late = transactions.reverted.filter(
    (at) => !incidents.some(({ fromMs: from, toMs: to }) => at >= from / 1_000 - 1 && at <= to / 1_000 + 15),
  );
  note(
    `${incidents.length} incidents, ${rounds.length} rounds, ${transactions.sent} transactions, ${transactions.reverted.length} reverted`,
  );
  expect(checkRounds(world, rounds, incidents, { fromMs, toMs }, BOUNDS)).toEqual([]);
  expect(queued, 'transactions behind a nonce gap').toBe(0);
  for (const [latest, pending] of counts) expect(pending).toBe(latest);
  expect(late, 'reverted transactions outside of incidents').toEqual([]);
});
