import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/common/time.js';
import {
  type AuditedRound,
  createAuditTrail,
  type DraftedRound,
  REASONS,
} from '../../../src/rounds/audit.js';
import { createMemoryState } from '../../../src/state/memory.js';
import { StateError, type StateStore } from '../../../src/state/store.js';
import { createLogger } from '../../../src/telemetry/logger.js';

/** A trail over a store that can be taken away. */
function setUp() {
  const store = createMemoryState({ clock: systemClock });
  let away = false;
  const bounds: number[] = [];
  const reach = <T>(call: () => Promise<T>) =>
    away ? Promise.reject(new StateError('not_connected', 'away')) : call();
  const state: StateStore = {
    ...store,
    get: (key) => reach(() => store.get(key)),
    append: (stream, fields, maxLength) => {
      bounds.push(maxLength);
      return reach(() => store.append(stream, fields, maxLength));
    },
  };
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    level: 'info',
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  });
  return {
    trail: createAuditTrail({ state, log }),
    store,
    bounds,
    events: () => lines.map(({ event, lost }) => [event, lost]),
    away: (value: boolean) => {
      away = value;
    },
  };
}

const key = { chainId: 1, aggregator: '0xAb', groupId: 2, round: 3, tick: 60 } as const;
const receipt = { hash: '0x01', gasUsed: '5', effectiveGasPriceWei: '7', blockNumber: '9' } as const;
const drafted = { ...key, group: 'majors', feeds: [] } as unknown as DraftedRound;

describe('the record of a round that nobody heard of any more', () => {
  it('is completed from what was kept before it was sent, once', async () => {
    const { trail } = setUp();
    await trail.draft(drafted);
    expect(await trail.recordLate(key, receipt)).toEqual(drafted);
    expect(await trail.lastRounds(9)).toEqual([{ ...drafted, ...receipt }]);
    expect(await trail.recordLate(key, receipt)).toBeUndefined();
  });

  it('is kept of every try until one lands, and of the newest 64', async () => {
    const { trail, store } = setUp();
    for (let tick = 1; tick <= 70; tick += 1) await trail.draft({ ...drafted, tick });
    await trail.draft({ ...drafted, tick: 70 });
    const [name = ''] = await store.keys('draft:');
    const held = JSON.parse((await store.get(name)) ?? '') as DraftedRound[];
    expect(held.map(({ tick }) => tick)).toEqual(Array.from({ length: 64 }, (_unused, index) => index + 7));
    await trail.draft({ ...drafted, round: 4, tick: 80 });
    expect(await trail.recordLate({ ...key, tick: 8 }, receipt)).toMatchObject({ tick: 8 });
    expect(await trail.recordLate({ ...key, tick: 70 }, receipt)).toBeUndefined();
    expect(await trail.recordLate({ ...key, round: 4, tick: 80 }, receipt)).toMatchObject({ round: 4 });
    expect(await store.keys('draft:')).toEqual([]);
  });

  it('is not overwritten while the store is away, and rubbish in its place harms nobody', async () => {
    const { trail, store, away } = setUp();
    await trail.draft(drafted);
    away(true);
    await trail.draft({ ...drafted, tick: 61 });
    expect(await trail.recordLate(key, receipt)).toBeUndefined();
    away(false);
    const [name = ''] = await store.keys('draft:');
    expect(JSON.parse((await store.get(name)) ?? '')).toEqual([drafted]);
    await store.set(name, '{"rubbish"');
    expect(await trail.recordLate(key, receipt)).toBeUndefined();
    await trail.draft(drafted);
    expect(await trail.recordLate(key, receipt)).toEqual(drafted);
  });

  it('is not taken from another try of the same round', async () => {
    const { trail } = setUp();
    await trail.draft(drafted);
    expect(await trail.recordLate({ ...key, tick: 61 }, receipt)).toBeUndefined();
    expect(await trail.lastRounds(9)).toEqual([]);
  });
});

const round = (number: number) => ({ ...key, round: number, feeds: [] }) as unknown as AuditedRound;

describe('the audit trail', () => {
  it('keeps what was recorded while the store was away, in order, and says so once', async () => {
    const { trail, away, events } = setUp();
    await trail.recordRound(round(1));
    away(true);
    await trail.recordRound(round(2));
    await trail.recordRound(round(3));
    expect((await trail.lastRounds(9)).map((each) => each.round)).toEqual([1]);
    away(false);
    await trail.recordRound(round(4));
    expect((await trail.lastRounds(9)).map((each) => each.round)).toEqual([4, 3, 2, 1]);
    expect(events()).toEqual([
      ['audit_waiting', undefined],
      ['audit_resumed', 0],
    ]);
  });

  it('keeps records that come at once in their order', async () => {
    const { trail } = setUp();
    await Promise.all([1, 2, 3].map((number) => trail.recordRound(round(number))));
    expect((await trail.lastRounds(9)).map((each) => each.round)).toEqual([3, 2, 1]);
  });

  it('keeps the newest 500 in a long outage and tells how many it lost', async () => {
    const { trail, away, events, store } = setUp();
    away(true);
    for (let tick = 1; tick <= 600; tick += 1) await trail.recordReason('ETH/USD', 'not_due', '', tick);
    away(false);
    await trail.recordReason('ETH/USD', 'heartbeat', '', 601);
    const kept = await store.last(REASONS, 1_000);
    expect(kept.map(({ fields }) => Number(fields.tick))).toEqual(
      Array.from({ length: 500 }, (_unused, index) => 601 - index),
    );
    expect(events().at(-1)).toEqual(['audit_resumed', 101]);
  });

  it('never fills the store that leases and journals are in: large rounds are kept fewer', async () => {
    const { trail, bounds } = setUp();
    await trail.recordRound(round(1));
    await trail.recordRound({ ...round(2), packed: `0x${'00'.repeat(5_000)}` } as AuditedRound);
    expect(bounds[0]).toBe(50_000);
    expect((bounds[1] ?? 0) * 10_000).toBeLessThanOrEqual(50_000_000);
    expect(bounds[1]).toBeGreaterThan(4_000);
  });
});
