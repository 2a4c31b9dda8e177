import { describe, expect, it } from 'vitest';
import type { GroupOnChain, HoldReason, Price } from '../../../src/common/words.js';
import type { FeedConfig, GroupConfig } from '../../../src/config/types.js';
import { evaluateGroup } from '../../../src/publisher/evaluate.js';

const T = 1_700_000_000;
const feed = (name: string): FeedConfig =>
  ({ name, decimals: 8, heartbeatSeconds: 60, deviation: { n: 1n, d: 2n } }) as FeedConfig;
const GROUP = {
  name: 'majors',
  id: 1,
  chain: 'main',
  wide: false,
  tickSeconds: 1,
  feeds: [feed('A/USD'), feed('B/USD')],
} as unknown as GroupConfig;
const ON_CHAIN: GroupOnChain = {
  group: 1,
  round: 4,
  signedAt: T - 10,
  threshold: 1,
  signers: 1,
  signersHash: `0x${'00'.repeat(20)}`,
  wide: false,
  paused: false,
  feeds: [
    { answer: 1_000n, round: 4, updatedAt: T - 10 },
    { answer: 1_000n, round: 4, updatedAt: T - 10 },
  ],
  blockNumber: 9n,
  blockTimestamp: T - 9,
};
const price = (answer: bigint): Price => ({
  ok: true,
  feed: '',
  answer,
  observedAtMs: T * 1_000,
  used: [],
  dropped: [],
});
const held = (code: HoldReason): Price => ({ ok: false, feed: '', code, detail: '', used: [], dropped: [] });
const evaluate = (prices: Price[], changes: object = {}) =>
  evaluateGroup({
    group: GROUP,
    prices,
    onChain: ON_CHAIN,
    tick: T,
    leadSeconds: 3,
    pending: false,
    leader: true,
    ...changes,
  });
const reasons = (prices: Price[], changes: object = {}) => {
  const { due, feeds } = evaluate(prices, changes);
  return [due, ...feeds.map(({ reason }) => reason)];
};

describe('a group at a tick', () => {
  it('is due as soon as one feed is, and the others travel with it', () => {
    expect(reasons([price(1_010n), price(1_000n)])).toEqual([true, 'deviation', 'companion']);
  });
  it('leaves a held-back feed out and publishes the others', () => {
    expect(reasons([price(1_010n), held('spread_too_wide')])).toEqual([true, 'deviation', 'spread_too_wide']);
  });
  it('is not due when nothing is', () => {
    expect(reasons([price(1_000n), price(1_001n)])).toEqual([false, 'not_due', 'not_due']);
  });
  it('is not due while the chain is unknown', () => {
    expect(reasons([price(1_010n), price(1_000n)], { onChain: undefined })).toEqual([
      false,
      'chain_unknown',
      'chain_unknown',
    ]);
  });
  it('is not due while the contract pauses it', () => {
    expect(reasons([price(1_010n), price(1_000n)], { onChain: { ...ON_CHAIN, paused: true } })).toEqual([
      false,
      'paused',
      'not_due',
    ]);
  });
  it('is not due on a replica that does not hold it', () => {
    expect(reasons([price(1_010n), price(1_000n)], { leader: false })).toEqual([
      false,
      'not_leader',
      'not_due',
    ]);
  });
  it('waits for its transaction under way', () => {
    expect(reasons([price(1_010n), price(1_000n)], { pending: true })).toEqual([false, 'pending', 'pending']);
  });
  it('waits for a tick that is newer than the signed time on chain', () => {
    expect(reasons([price(1_010n), price(1_000n)], { onChain: { ...ON_CHAIN, signedAt: T } })[0]).toBe(false);
  });
  it('holds an answer back that does not fit the lane, with a reason of its own', () => {
    expect(reasons([price(2n ** 55n), price(1_000n)])).toEqual([false, 'out_of_range', 'not_due']);
    expect(reasons([price(2n ** 55n), price(1_000n)], { group: { ...GROUP, wide: true } })).toEqual([
      true,
      'deviation',
      'companion',
    ]);
  });
  it('takes a lead of half the heartbeat at the most, so that a slow chain is not published to at every tick', () => {
    const at = (age: number) =>
      evaluate([price(1_000n), price(1_000n)], { leadSeconds: 500, tick: T - 10 + age }).due;
    expect(at(29)).toBe(false);
    expect(at(30)).toBe(true);
  });
  it('a feed that was added and never had an answer is due at once', () => {
    const onChain = { ...ON_CHAIN, feeds: [ON_CHAIN.feeds[0]] };
    expect(reasons([price(1_000n), price(5n)], { onChain })).toEqual([true, 'companion', 'first_round']);
  });
});
