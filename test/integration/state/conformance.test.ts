/** One suite for both stores: what the daemon may rely on, whichever `STATE_URL` names. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StateStore } from '../../../src/state/store.js';
import { type RedisServer, startRedis, until } from '../../support/redis.js';
import { failure, openForTest } from './open.js';

describe.each(['memory', 'redis'] as const)('state in %s', (kind) => {
  let redis: RedisServer | undefined;
  let store: StateStore;
  let run = 0;
  let k = (key: string) => key;

  beforeAll(async () => {
    if (kind === 'redis') redis = await startRedis();
    ({ store } = await openForTest(redis?.url ?? 'memory:'));
  });
  beforeEach(() => {
    const mine = ++run;
    k = (key) => `t${mine}:${key}`;
  });
  afterAll(async () => {
    await store?.close();
    await redis?.stop();
  });

  it('says whether other replicas see it', () => {
    expect(store.shared).toBe(kind === 'redis');
    expect(store.available()).toBe(true);
  });

  it('gives back what was set, as it was set', async () => {
    const odd = 'a "quoted" line\nwith 0x00ff, ümlaut and {json}';
    expect(await store.get(k('a'))).toBeUndefined();
    expect(await store.set(k('a'), odd)).toBe(true);
    expect(await store.get(k('a'))).toBe(odd);
    expect(await store.set(k('a'), '')).toBe(true);
    expect(await store.get(k('a'))).toBe('');
  });

  it('reads many keys at one moment, in the order asked, streams as absent', async () => {
    await store.set(k('a'), '1');
    await store.set(k('c'), '3');
    await store.append(k('s'), { x: '1' }, 5);
    expect(await store.getMany([k('c'), k('b'), k('a'), k('s')])).toEqual(['3', undefined, '1', undefined]);
    expect(await store.getMany([])).toEqual([]);
  });

  it('sets only if absent', async () => {
    expect(await store.set(k('a'), '1', { onlyIfAbsent: true, ttlMs: 60_000 })).toBe(true);
    expect(await store.set(k('a'), '2', { onlyIfAbsent: true, ttlMs: 60_000 })).toBe(false);
    expect(await store.get(k('a'))).toBe('1');
  });

  it('lets one of many win who set only if absent at once', async () => {
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        store.set(k('race'), `${i}`, { onlyIfAbsent: true, ttlMs: 60_000 }),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await store.get(k('race'))).toBe(`${won.indexOf(true)}`);
  });

  it('forgets after the time to live, and takes fractions of a millisecond', async () => {
    await store.set(k('a'), '1', { ttlMs: 40.5 });
    await store.set(k('b'), '1', { ttlMs: 0.2 });
    await until('both are gone', async () =>
      (await store.getMany([k('a'), k('b')])).every((v) => v === undefined),
    );
    expect(await store.set(k('a'), '2', { onlyIfAbsent: true })).toBe(true);
  });

  it('keeps a key for good when it is set again without a time to live', async () => {
    await store.set(k('a'), '1', { ttlMs: 60 });
    await store.set(k('a'), '2');
    await store.set(k('b'), '1', { ttlMs: 60 });
    expect(await store.compareAndSet(k('b'), '1', '2')).toBe(true);
    await store.set(k('witness'), '1', { ttlMs: 90 });
    await until('the witness is gone', async () => (await store.get(k('witness'))) === undefined);
    expect(await store.getMany([k('a'), k('b')])).toEqual(['2', '2']);
  });

  it('compares and sets', async () => {
    expect(await store.compareAndSet(k('a'), '', 'x')).toBe(false);
    await store.set(k('a'), '1');
    expect(await store.compareAndSet(k('a'), '0', '2')).toBe(false);
    expect(await store.compareAndSet(k('a'), '1', '2', { ttlMs: 30 })).toBe(true);
    expect(await store.get(k('a'))).toBe('2');
    await until('the new time to live counts', async () => (await store.get(k('a'))) === undefined);
    expect(await store.compareAndSet(k('a'), '2', '3')).toBe(false);
  });

  it('compares and deletes', async () => {
    await store.set(k('a'), '1');
    expect(await store.compareAndDelete(k('a'), '2')).toBe(false);
    expect(await store.compareAndDelete(k('a'), '1')).toBe(true);
    expect(await store.compareAndDelete(k('a'), '1')).toBe(false);
    expect(await store.get(k('a'))).toBeUndefined();
  });

  it('deletes, whatever the key holds', async () => {
    await store.set(k('a'), '1');
    await store.append(k('s'), { x: '1' }, 5);
    await store.delete(k('a'));
    await store.delete(k('s'));
    await store.delete(k('never'));
    expect(await store.keys(k(''))).toEqual([]);
  });

  it('lists keys by prefix, taking pattern characters literally', async () => {
    for (const key of ['x*1', 'x*2', 'xy1', 'x[a]', 'gone']) await store.set(k(key), '1');
    await store.delete(k('gone'));
    expect((await store.keys(k('x'))).sort()).toEqual([k('x*1'), k('x*2'), k('x[a]'), k('xy1')]);
    expect((await store.keys(k('x*'))).sort()).toEqual([k('x*1'), k('x*2')]);
    expect(await store.keys(k('x[a]'))).toEqual([k('x[a]')]);
    expect(await store.keys(k('?'))).toEqual([]);
  });

  it('lists at most 1,000 keys', async () => {
    await Promise.all(
      Array.from({ length: 1_100 }, (_, i) => store.set(k(`many:${i}`), '1', { ttlMs: 20_000 })),
    );
    const listed = await store.keys(k('many:'));
    expect(listed).toHaveLength(1_000);
    expect(new Set(listed).size).toBe(1_000);
  });

  it('keeps a bounded stream and gives the newest entries first', async () => {
    for (let i = 1; i <= 500; i++) await store.append(k('s'), { n: `${i}`, 'odd key': 'ü "' }, 50);
    const newest = await store.last(k('s'), 3);
    expect(newest.map(({ fields }) => fields)).toEqual([
      { n: '500', 'odd key': 'ü "' },
      { n: '499', 'odd key': 'ü "' },
      { n: '498', 'odd key': 'ü "' },
    ]);
    expect(new Set(newest.map(({ id }) => id)).size).toBe(3);
    const all = await store.last(k('s'), 1_000);
    expect(all.length).toBeGreaterThanOrEqual(50);
    expect(all.length).toBeLessThan(250);
    expect(await store.last(k('s'), 0)).toEqual([]);
    expect(await store.last(k('none'), 5)).toEqual([]);
  });

  it('refuses what makes no sense for the key, and stays up', async () => {
    await store.set(k('value'), '1');
    await store.append(k('stream'), { x: '1' }, 5);
    expect((await failure(() => store.get(k('stream')))).code).toBe('bad_request');
    expect((await failure(() => store.append(k('value'), { x: '1' }, 5))).code).toBe('bad_request');
    expect((await failure(() => store.last(k('value'), 5))).code).toBe('bad_request');
    expect((await failure(() => store.append(k('empty'), {}, 5))).code).toBe('bad_request');
    expect((await failure(() => store.append(k('empty'), { x: '1' }, 0))).code).toBe('bad_request');
    expect(store.available()).toBe(true);
  });

  it('fails every call once it is closed', async () => {
    const { store: other } = await openForTest(redis?.url ?? 'memory:');
    await other.close();
    await other.close();
    expect(other.available()).toBe(false);
    expect((await failure(() => other.get('a'))).code).toBe('closed');
    expect((await failure(() => other.set('a', '1'))).code).toBe('closed');
    expect((await failure(() => other.append('a', { x: '1' }, 1))).code).toBe('closed');
  });
});
