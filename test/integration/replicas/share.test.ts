/** Replicas over one real Redis: who holds what as they come, stay and go. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sleep } from '../../../src/common/time.js';
import { type RedisServer, startRedis, until } from '../../support/redis.js';
import { createFleet, type FleetOptions, groupsOf, keysOf, type Replica } from './fleet.js';

const LEASE_MS = 1_000;
const TICK_MS = 1_000;
let redis: RedisServer;
let fleet: ReturnType<typeof createFleet>;
let run = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => fleet.end());
afterAll(() => redis.stop());

function fleetOf(keys: number, groups: number, more: Partial<FleetOptions> = {}) {
  fleet = createFleet({
    url: `${redis.url}/run${++run}`,
    keys: keysOf(keys),
    groups: groupsOf(groups),
    leaseMs: LEASE_MS,
    ...more,
  });
  return fleet;
}

async function gauge(metric: {
  get(): Promise<{ values: { value: number }[] }>;
}): Promise<number | undefined> {
  return (await metric.get()).values[0]?.value;
}

describe('replicas share the groups', () => {
  it('evenly at 1, 2, 4 and 8 replicas, each with a key of its own, and back again', async () => {
    const { all, join, settled, counts } = fleetOf(8, 18);
    for (const size of [1, 2, 4, 8]) {
      while (all.length < size) await join();
      await until(`${size} own keys`, () => new Set(all.map((r) => r.key()).filter(Boolean)).size === size);
      await settled();
      const spread = counts();
      expect(Math.max(...spread) - Math.min(...spread)).toBeLessThanOrEqual(1);
      expect(spread.reduce((a, b) => a + b)).toBe(18);
    }
    for (const size of [4, 2, 1]) {
      while (all.length > size) await all[0]!.leave();
      await settled();
      expect(counts().reduce((a, b) => a + b)).toBe(18);
    }
  });

  it('never let two hold one group, however they join and leave', async () => {
    const { all, join, settled, holdersOf } = fleetOf(4, 12);
    let doubles = 0;
    let looks = 0;
    const watch = setInterval(() => {
      looks++;
      for (const { name } of groupsOf(12)) if (holdersOf(name).length > 1) doubles++;
    }, 2);
    await Promise.all([join(), join(), join()]);
    await settled();
    await join();
    await settled();
    await all[1]!.leave();
    await settled();
    await all[0]!.die();
    await settled();
    clearInterval(watch);
    expect(looks).toBeGreaterThan(100);
    expect(doubles).toBe(0);
  });

  it('keep what they hold while nothing changes, over many renewals', async () => {
    const { join, settled, map, all } = fleetOf(3, 7);
    for (let i = 0; i < 3; i++) await join();
    await until('all have keys', () => all.every((r) => r.key() !== undefined));
    await settled();
    const before = map();
    const events = all.map(({ changes }) => changes.length);
    const seen = new Set<string>();
    const endMs = performance.now() + 3 * LEASE_MS;
    while (performance.now() < endMs) {
      seen.add(map());
      await sleep(10);
    }
    expect([...seen]).toEqual([before]);
    expect(all.map(({ changes }) => changes.length)).toEqual(events);
  });

  it('stand by when there are more replicas than keys, and say so to the autoscaler', async () => {
    const { all, join, settled } = fleetOf(2, 6);
    for (let i = 0; i < 4; i++) await join();
    await settled();
    const standbys = all.filter((r) => r.key() === undefined);
    expect(standbys).toHaveLength(2);
    for (const standby of standbys) {
      expect(standby.coordinator.view().role).toBe('standby');
      expect(standby.held()).toEqual([]);
      expect(standby.coordinator.keyFor('main-g1')).toBeUndefined();
      expect(await gauge(standby.metrics.keysFree)).toBe(0);
      await until('it sees all held', async () => (await gauge(standby.metrics.groupsWithoutHolder)) === 0);
      expect(await gauge(standby.metrics.replicasActive)).toBe(2);
    }
    const keyed = all.filter((r) => r.key() !== undefined);
    expect(new Set(keyed.map((r) => r.key())).size).toBe(2);
    for (const replica of keyed)
      for (const group of replica.held()) expect(replica.coordinator.keyFor(group)).toBe(replica.key());
  });

  it('take over from a dead holder within the lease time, the standby its key as well', async () => {
    const { all, join, settled, holdersOf } = fleetOf(1, 3);
    await join();
    await settled();
    await join();
    const [dead] = all;
    const key = dead!.key();
    await dead!.die();
    const diedMs = performance.now();
    await until('all are held again', () => groupsOf(3).every(({ name }) => holdersOf(name).length === 1));
    expect(performance.now() - diedMs).toBeLessThan(LEASE_MS + 150);
    expect(all[0]!.key()).toBe(key);
  });

  it('take over within a tick from one that was asked to end', async () => {
    const { all, join, settled, holdersOf } = fleetOf(2, 6);
    for (let i = 0; i < 3; i++) await join();
    await settled();
    const leaving = all.find((r) => r.key() !== undefined)!;
    const startMs = performance.now();
    await leaving.leave();
    await until('all are held again', () => groupsOf(6).every(({ name }) => holdersOf(name).length === 1));
    expect(performance.now() - startMs).toBeLessThan(TICK_MS / 2);
    expect(leaving.coordinator.holds('main-g1')).toBe(false);
    expect(leaving.coordinator.view().role).toBe('released');
    await settled();
  });

  it('give each group back as soon as nothing carries it, when they are about to end', async () => {
    const { all, join, settled, holdersOf } = fleetOf(2, 6);
    for (let i = 0; i < 2; i++) await join();
    await until('both have keys', () => all.every((r) => r.key() !== undefined));
    await settled();
    const [ending, staying] = all as [Replica, Replica];
    const [carried = '', ...free] = ending.held();
    ending.chain.carried = new Set([carried]);
    const key = ending.key();
    ending.coordinator.retire();
    await until(
      'the free ones are with the other',
      () => free.every((name) => holdersOf(name)[0] === staying),
      {
        deadlineMs: TICK_MS / 2,
      },
    );
    expect(ending.held()).toEqual([carried]);
    expect(ending.coordinator.keyFor(carried)).toBe(key);
    ending.chain.carried = new Set();
    await until('the last one as well', () => staying.held().length === 6, { deadlineMs: TICK_MS / 2 });
    expect(ending.key()).toBe(key);
    await ending.leave();
  });

  it('give a group away between two transactions, and not before one has settled', async () => {
    const { join, settled } = fleetOf(2, 4);
    const first = await join();
    await settled();
    first.chain.busy.add(first.key()!);
    const second = await join();
    await until('the second has its key', () => second.key() !== undefined);
    await until('looks have passed', () => second.metrics.registry && second.held().length === 0);
    expect(first.held()).toHaveLength(4);
    first.chain.busy.clear();
    await settled();
    expect([first.held().length, second.held().length]).toEqual([2, 2]);
  });

  it('give up groups of a chain that they do not see, and everything when they see none', async () => {
    const groups = [...groupsOf(4, 'a'), ...groupsOf(4, 'b')];
    const { join, settled } = fleetOf(2, 0, { groups });
    const [one, two] = [await join(), await join()];
    await settled();
    // A transaction on a chain that is gone is not waited for.
    one.chain.busy.add(one.key()!);
    one.chain.unhealthy.add('a');
    await until('chain a is with the one who sees it', () =>
      one.held().every((name) => name.startsWith('b')),
    );
    await until('all of a is held', () => two.held().filter((name) => name.startsWith('a')).length === 4);
    await until('and b with the other', () => one.held().length === 4);
    one.chain.unhealthy.add('b');
    await until('the other has all', () => two.held().length === 8);
    await until('the key is given back', () => one.key() === undefined);
    expect(one.coordinator.view().role).toBe('blind');
    one.chain.unhealthy.clear();
    await settled();
  });

  it('follow a reloaded configuration', async () => {
    const { join, settled } = fleetOf(1, 2);
    const replica = await join();
    await settled();
    replica.coordinator.regroup(groupsOf(3).slice(1));
    await until('the new group is held', () => replica.coordinator.holds('main-g3'));
    expect(replica.coordinator.holds('main-g1')).toBe(false);
    await until(
      'the old lease is gone',
      async () => (await replica.state.get('lease:group:main:1')) === undefined,
    );
  });
});
