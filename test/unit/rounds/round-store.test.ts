import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/common/time.js';
import type { GroupOnChain } from '../../../src/common/words.js';
import { createRoundStore } from '../../../src/rounds/round-store.js';
import { createMemoryState } from '../../../src/state/memory.js';
import { StateError, type StateStore } from '../../../src/state/store.js';

const KEY = { chainId: 1, aggregator: `0x${'12'.repeat(20)}`, group: 1 } as const;
const STORED = `round:1:0x${'12'.repeat(20)}:1`;
const onChain = (round: number, blockNumber = BigInt(round) * 10n): GroupOnChain => ({
  group: 1,
  round,
  signedAt: 1_000 + round,
  threshold: 1,
  signers: 1,
  signersHash: `0x${'ab'.repeat(20)}`,
  wide: false,
  paused: false,
  feeds: [{ answer: -5n, round, updatedAt: 1_000 + round }],
  blockNumber,
  blockTimestamp: 1_000 + Number(blockNumber),
});
const open = (state: StateStore = createMemoryState({ clock: systemClock })) => ({
  state,
  store: createRoundStore({ state, log: pino({ level: 'silent' }) }),
});
const away = (): StateStore => {
  const fail = () => Promise.reject(new StateError('timeout', 'away'));
  return { get: fail, set: fail, available: () => false } as unknown as StateStore;
};

describe('the last known round', () => {
  it('survives a restart in the store', async () => {
    const { state, store } = open();
    await store.observe(KEY, onChain(3));
    expect(await open(state).store.known(KEY)).toEqual(onChain(3));
  });
  it.each(['{}', 'rubbish', '{"group":1,"feeds":[["x",1,1]]}', '[]', 'null', '{"feeds":[[1]],"round":-1}'])(
    'rubbish in the store is not believed: %s',
    async (text) => {
      const { state, store } = open();
      await store.observe(KEY, onChain(3));
      await state.set(STORED, text);
      expect(await store.known(KEY)).toEqual(onChain(3));
    },
  );
  it('a stored round that differs from the chain is overwritten at the next reading', async () => {
    const { state, store } = open();
    await store.observe(KEY, onChain(3));
    const poison = (await state.get(STORED))?.replace('"-5"', '"500"') ?? '';
    await state.set(STORED, poison);
    await store.observe(KEY, onChain(3, 31n));
    expect((await store.known(KEY))?.feeds[0]?.answer).toBe(-5n);
  });
  it('a lagging endpoint does not take the round back', async () => {
    const { store } = open();
    await store.observe(KEY, onChain(3));
    await store.observe(KEY, onChain(2));
    expect((await store.known(KEY))?.round).toBe(3);
  });
  it('a chain that lost a round long ago does: its word counts', async () => {
    const { store } = open();
    await store.observe(KEY, onChain(3, 30n));
    await store.observe(KEY, { ...onChain(2, 29n), blockTimestamp: 5_000 });
    const later = { ...onChain(2, 31n), blockTimestamp: 5_000 };
    await store.observe(KEY, later);
    expect((await store.known(KEY))?.round).toBe(2);
  });
  it('with the store away the own copy serves', async () => {
    const { store } = open(away());
    await store.observe(KEY, onChain(3));
    expect(await store.known(KEY)).toEqual(onChain(3));
  });
});
