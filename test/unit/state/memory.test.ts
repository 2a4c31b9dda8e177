import { describe, expect, it } from 'vitest';
import { createMemoryState } from '../../../src/state/memory.js';

function storeAt() {
  const time = { nowMs: 1_000_000, monotonicMs: 0 };
  const store = createMemoryState({ clock: { now: () => time.nowMs, monotonic: () => time.monotonicMs } });
  return { store, time };
}

describe('state in memory', () => {
  it('forgets by monotonic time, whatever the wall clock does', async () => {
    const { store, time } = storeAt();
    await store.set('a', '1', { ttlMs: 100 });
    time.nowMs += 1_000_000;
    time.monotonicMs = 99;
    expect(await store.get('a')).toBe('1');
    time.monotonicMs = 100;
    expect(await store.get('a')).toBeUndefined();
  });

  it('is bounded: full is an error, and room is made by what has expired', async () => {
    const { store, time } = storeAt();
    for (let i = 0; i < 10_000; i++) await store.set(`k${i}`, '1', { ttlMs: i === 7 ? 50 : 1_000 });
    await expect(store.set('more', '1')).rejects.toMatchObject({ name: 'StateError', code: 'full' });
    expect(await store.set('k1', '2')).toBe(true);
    time.monotonicMs = 60;
    expect(await store.set('more', '1')).toBe(true);
    await expect(store.append('stream', { x: '1' }, 1)).rejects.toMatchObject({ code: 'full' });
  });

  it('keeps a thousand entries of a stream at most, whatever is asked: nobody else can read them', async () => {
    const { store } = storeAt();
    for (let n = 1; n <= 1_100; n += 1) await store.append('stream', { n: `${n}` }, 50_000);
    const kept = await store.last('stream', 5_000);
    expect([kept.length, kept[0]?.fields.n, kept.at(-1)?.fields.n]).toEqual([1_000, '1100', '101']);
  });

  it('numbers entries of a stream upwards even when the wall clock steps back', async () => {
    const { store, time } = storeAt();
    await store.append('s', { n: '1' }, 10);
    time.nowMs -= 5_000;
    await store.append('s', { n: '2' }, 10);
    await store.append('s', { n: '3' }, 10);
    const ids = (await store.last('s', 10)).map(({ id }) => id);
    expect(ids).toEqual(['1000000-2', '1000000-1', '1000000-0']);
  });
});
