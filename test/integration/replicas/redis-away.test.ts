/** Redis away: holders carry on, standbys take only what the chain shows late, and all settles when it is back. */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../../src/common/time.js';
import { createWire } from '../../e2e/replicas/wire.js';
import { freePort, type RedisServer, startRedis, until } from '../../support/redis.js';
import { createFleet, groupsOf, keysOf, type Replica } from './fleet.js';

const LEASE_MS = 1_000;
let redis: RedisServer;
let fleet: ReturnType<typeof createFleet>;

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await fleet.end();
  await redis.stop();
});

async function settledFleet(keys: number, groups: number, replicas: number) {
  fleet = createFleet({ url: redis.url, keys: keysOf(keys), groups: groupsOf(groups), leaseMs: LEASE_MS });
  for (let i = 0; i < replicas; i++) await fleet.join();
  const owners = Math.min(keys, replicas);
  await until('keys are claimed', () => fleet.all.filter((r) => r.key() !== undefined).length === owners);
  await fleet.settled();
  await agreed();
  return fleet;
}

async function asAdmin(work: (admin: Redis) => Promise<unknown>): Promise<void> {
  const admin = new Redis(redis.port, '127.0.0.1');
  await work(admin);
  admin.disconnect();
}

const away = (replica: Replica) => replica.coordinator.view().away !== undefined;
const allAway = () => until('all notice', () => fleet.all.every(away));
/** Until all have seen who holds what: what changed hands a moment ago counts as not taken. */
const agreed = () =>
  until('all see the same holders', () => {
    const views = fleet.all.map(({ coordinator }) =>
      JSON.stringify(coordinator.view().groups.map(({ name, holder }) => [name, holder])),
    );
    const holders = fleet.all[0]?.coordinator.view().groups.every(({ name, holder = '' }) => {
      const [actual] = fleet.holdersOf(name);
      return actual !== undefined && holder.startsWith(`${actual.id}#`);
    });
    return new Set(views).size === 1 && holders;
  });
const events = (replica: Replica, event: string) =>
  replica.changes.filter((change) => change.event === event);

/** Looks at the fleet for a while; who held what, as often as it was looked. */
async function watchFor(ms: number): Promise<Set<string>> {
  const seen = new Set<string>();
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) {
    seen.add(fleet.map());
    await sleep(5);
  }
  return seen;
}

describe('Redis away', () => {
  it.each([
    ['stopped', () => redis.kill()],
    ['frozen', async () => redis.pause()],
  ])('%s: holders carry on without a gap, far past their leases; standbys stay', async (_how, take) => {
    const { all, map } = await settledFleet(2, 6, 3);
    const before = map();
    await take();
    expect([...(await watchFor(3 * LEASE_MS))]).toEqual([before]);
    for (const replica of all) {
      expect(replica.coordinator.view().role).toBe('without_store');
      expect(events(replica, 'carrying_on')).toHaveLength(1);
    }
  });

  it('frozen and back: the holders keep their groups', async () => {
    const { map } = await settledFleet(2, 6, 3);
    const before = map();
    redis.pause();
    await allAway();
    await watchFor(2 * LEASE_MS);
    redis.resume();
    await until('all are back', () => !fleet.all.some(away), { deadlineMs: 5_000 });
    expect([...(await watchFor(LEASE_MS))]).toEqual([before]);
  });

  it('started again empty: the leases settle within a lease time, and who held goes on holding', async () => {
    const { map, settled } = await settledFleet(2, 6, 3);
    const before = map();
    await redis.kill();
    await allAway();
    await redis.start();
    await until('all are back', () => !fleet.all.some(away), { deadlineMs: 3_000 });
    const backMs = performance.now();
    await settled();
    expect(performance.now() - backMs).toBeLessThan(LEASE_MS);
    expect(map()).toBe(before);
    expect([...(await watchFor(LEASE_MS))]).toEqual([before]);
  });

  it('flushed while it runs: the holders claim again', async () => {
    const { settled, holdersOf } = await settledFleet(2, 6, 2);
    await asAdmin((admin) => admin.flushall());
    await settled();
    expect(groupsOf(6).every(({ name }) => holdersOf(name).length === 1)).toBe(true);
  });

  it('read-only: holders carry on, and settle when writes are taken again', async () => {
    const { map, all } = await settledFleet(2, 4, 2);
    const before = map();
    const nowhere = await freePort();
    await asAdmin((admin) => admin.replicaof('127.0.0.1', nowhere));
    expect([...(await watchFor(3 * LEASE_MS))]).toEqual([before]);
    for (const replica of all)
      await until('it is named', () => replica.coordinator.view().away?.code === 'read_only');
    await asAdmin((admin) => admin.replicaof('NO', 'ONE'));
    await until('all are back', () => !all.some(away), { deadlineMs: 5_000 });
    expect(map()).toBe(before);
  });

  it('a holder that dies meanwhile is replaced only once the chain shows its groups late', async () => {
    const { all, holdersOf } = await settledFleet(2, 6, 3);
    await redis.kill();
    await allAway();
    const dead = all.find((r) => r.key() !== undefined)!;
    const orphans = dead.held();
    await dead.die();
    await watchFor(2 * LEASE_MS);
    expect(orphans.flatMap(holdersOf)).toEqual([]);
    for (const replica of all) for (const group of orphans) replica.chain.late.add(group);
    await until('the other holder has them', () => orphans.every((group) => holdersOf(group).length === 1), {
      deadlineMs: 2 * LEASE_MS,
    });
    const taker = holdersOf(orphans[0]!)[0]!;
    expect(
      events(taker, 'taken_over')
        .map(({ group }) => group)
        .sort(),
    ).toEqual([...orphans].sort());
    expect(taker.coordinator.keyFor(orphans[0]!)).toBe(taker.key());
    expect(taker.key()).toBeDefined();
    for (const replica of all) replica.chain.late.clear();
    await redis.start();
    await fleet.settled();
    await until('the standby has the free key', () => all.every((r) => r.key() !== undefined));
    await fleet.settled();
  });

  it('with one key, the standby takes the dead one’s key and groups, later than a replica with a key would', async () => {
    const { all, holdersOf } = await settledFleet(1, 2, 2);
    const dead = all.find((r) => r.key() !== undefined)!;
    const key = dead.key();
    await redis.kill();
    await allAway();
    await dead.die();
    const [standby] = all;
    const lateMs = performance.now();
    for (const { name } of groupsOf(2)) standby!.chain.late.add(name);
    await until(
      'the standby holds',
      () => holdersOf('main-g1').length === 1 && holdersOf('main-g2').length === 1,
    );
    expect(performance.now() - lateMs).toBeGreaterThan(LEASE_MS);
    expect(standby!.coordinator.keyFor('main-g1')).toBe(key);
  });

  it('a late group that is published in time is left alone', async () => {
    const { all } = await settledFleet(1, 1, 2);
    await redis.kill();
    await allAway();
    const standby = all.find((r) => r.key() === undefined)!;
    standby.chain.late.add('main-g1');
    await watchFor(LEASE_MS / 2);
    standby.chain.late.clear();
    await watchFor(2 * LEASE_MS);
    expect(events(standby, 'taken_over')).toEqual([]);
  });

  it('a holder stands down as soon as the chain shows another’s round in its group, in that group alone', async () => {
    const { all } = await settledFleet(1, 3, 1);
    const [holder] = all;
    await redis.kill();
    await allAway();
    holder!.chain.foreign.add('main-g2');
    await until('it stands down', () => !holder!.coordinator.holds('main-g2'));
    expect(holder!.held()).toEqual(['main-g1', 'main-g3']);
    expect(events(holder!, 'stood_down')).toEqual([{ event: 'stood_down', group: 'main-g2' }]);
    holder!.chain.foreign.clear();
    await redis.start();
    await fleet.settled();
  });

  it('a foreign round says nothing while Redis answers: the lease does', async () => {
    const { all } = await settledFleet(1, 1, 1);
    all[0]!.chain.foreign.add('main-g1');
    await watchFor(LEASE_MS / 2);
    expect(all[0]!.held()).toEqual(['main-g1']);
  });

  it('while a group changes hands: who gave it goes on with it when nobody was seen to take it', async () => {
    const { all, join, settled } = await settledFleet(2, 4, 1);
    const [giver] = all;
    const wire = await createWire(redis.port);
    const taker = await join({ url: `redis://127.0.0.1:${wire.port}` });
    taker.coordinator.onChange(({ event }) => {
      if (event === 'key_claimed') wire.cut();
    });
    await until('two are given away', () => events(giver!, 'group_released').length === 2, { everyMs: 5 });
    await redis.kill();
    await until('the giver has them all', () => giver!.held().length === 4);
    expect(taker.held()).toEqual([]);
    await redis.start();
    wire.heal();
    await until('the taker is back', () => !away(taker), { deadlineMs: 8_000 });
    await settled();
    wire.close();
  });

  it('cut off alone: the others take over by lease, and it gives way when it sees Redis again', async () => {
    const { all, join, settled, holdersOf } = await settledFleet(2, 4, 1);
    const [cut] = all;
    const other = await join();
    await until('two keys', () => other.key() !== undefined);
    await settled();
    await agreed();
    const mine = cut!.held();
    await cut!.state.close();
    await until('the other has all', () => other.held().length === 4, { deadlineMs: 3 * LEASE_MS });
    for (const group of mine) expect(holdersOf(group)).toContain(other);
    for (const group of mine) cut!.chain.foreign.add(group);
    await until('it stands down', () => cut!.held().length === 0);
  });

  it('started while Redis is down: holds nothing, and joins when it is back', async () => {
    await redis.kill();
    fleet = createFleet({ url: redis.url, keys: keysOf(1), groups: groupsOf(2), leaseMs: LEASE_MS });
    const replica = await fleet.join();
    await until('it notices', () => away(replica));
    expect(replica.held()).toEqual([]);
    await redis.start();
    await until('it holds', () => replica.held().length === 2);
  });
});
