/** What the daemon holds: the publisher's own verdict of the last tick, and until when it may be passed on. */
import { describe, expect, it } from 'vitest';
import { whole } from '../../../src/common/rational.js';
import type { DecisionReason, Price } from '../../../src/common/words.js';
import type { AggregatorSource, FeedConfig, GroupConfig } from '../../../src/config/types.js';
import { createGroupState, type GroupState } from '../../../src/publisher/group-state.js';
import { ageLimitMs, readHeldPrices } from '../../../src/server/held-prices.js';
import { feed, feedSource, httpSource, observation } from '../../support/prices/feeds.js';

const TICK = 1_700_000_000;
const kraken = httpSource({ label: 'kraken', url: 'http://kraken.invalid/' });

function state(
  config: FeedConfig,
  price?: Price,
  reason: DecisionReason = 'not_due',
  tickSeconds = 1,
): GroupState {
  const group: GroupConfig = {
    name: 'group',
    id: 1,
    chain: 'main',
    wide: false,
    ringBits: 4,
    tickSeconds,
    threshold: 1,
    signers: [],
    feeds: [config],
  };
  const made = createGroupState(group);
  if (price)
    made.evaluation = {
      group: 'group',
      tick: TICK,
      due: false,
      onChain: undefined,
      feeds: [{ feed: config.name, reason, price, onChain: { answer: 0n, round: 0, updatedAt: 0 } }],
    };
  return made;
}
const good = (over: Partial<Extract<Price, { ok: true }>> = {}): Price => ({
  ok: true,
  feed: 'ETH/USD',
  answer: 200_000_000_000n,
  observedAtMs: TICK * 1_000 - 3_000,
  used: [{ ...observation('kraken', '2000', TICK * 1_000 - 3_000), receivedAtMs: TICK * 1_000 - 900 }],
  dropped: [],
  ...over,
});
const read = (config: FeedConfig, price?: Price, reason?: DecisionReason, tickSeconds?: number) =>
  readHeldPrices([state(config, price, reason, tickSeconds)], [])[0];

describe('what is held', () => {
  const eth = feed({ sources: [kraken] });

  it('is the judged answer with its times', () => {
    expect(read(eth, good())).toEqual({
      feed: 'ETH/USD',
      base: 'ETH',
      quote: 'USD',
      decimals: 8,
      code: 'ok',
      detail: '',
      answer: '200000000000',
      tick: TICK,
      observedAtMs: TICK * 1_000 - 3_000,
      receivedAtMs: TICK * 1_000 - 900,
      goodUntilMs: TICK * 1_000 + 7_000,
    });
  });

  it('is nothing before the first tick', () => {
    expect(read(eth)).toMatchObject({ code: 'pending', answer: null, goodUntilMs: null });
  });

  it('is held back by the guard that held it, with what it found', () => {
    const { used } = good();
    const price: Price = {
      ok: false,
      feed: 'ETH/USD',
      code: 'jump_unconfirmed',
      detail: 'seen once',
      used,
      dropped: [],
    };
    expect(read(eth, price, 'jump_unconfirmed')).toMatchObject({
      code: 'jump_unconfirmed',
      detail: 'seen once',
      answer: null,
      receivedAtMs: TICK * 1_000 - 900,
    });
  });

  it('is nothing while the jump cannot be judged, and while a closed market’s price is only repeated', () => {
    expect(read(eth, good(), 'chain_unknown')).toMatchObject({ code: 'chain_unknown', answer: null });
    expect(read(eth, good({ used: [] }), 'heartbeat')).toMatchObject({ code: 'market_closed', answer: null });
  });

  it('is good for no longer than its observations are allowed to be, and than the loop may be late', () => {
    const short = feed({ maxAgeMs: 4_000, sources: [kraken] });
    expect(read(short, good())?.goodUntilMs).toBe(TICK * 1_000 + 1_000);
    expect(read(eth, good(), 'not_due', 20)?.goodUntilMs).toBe(TICK * 1_000 + 45_000);
    expect(read(eth, good(), 'not_due', 60)?.goodUntilMs).toBe(TICK * 1_000 + 57_000);
  });
});

describe('the age that a feed allows', () => {
  const mirror: AggregatorSource = {
    kind: 'aggregator',
    label: 'mainnet',
    venue: 'aggregator',
    quote: 'USD',
    scale: whole(1n),
    invert: false,
    deadlineMs: 1_000,
    rpcUrls: [],
    chainId: 1,
    address: '0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419',
    staleAfterMs: 90_000_000,
  };
  const limit = (of: FeedConfig, ...others: FeedConfig[]) =>
    ageLimitMs(of, new Map([of, ...others].map((one) => [one.name, one])), []);

  it('is the longest of its sources’, of what converts them and of what it is derived from', () => {
    const usdt = feed({ name: 'USDT/USD', sources: [mirror] });
    expect(limit(feed({ maxAgeMs: 10_000, sources: [kraken] }))).toBe(10_000);
    expect(limit(feed({ maxAgeMs: 10_000, sources: [kraken, { ...kraken, maxAgeMs: 25_000 }] }))).toBe(
      25_000,
    );
    expect(limit(feed({ sources: [{ ...kraken, convert: 'USDT/USD' }] }), usdt)).toBe(90_000_000);
    expect(limit(feed({ sources: [feedSource({ inputs: ['USDT/USD'] })] }), usdt)).toBe(90_000_000);
  });

  it('ends even for feeds that depend on each other', () => {
    const a = feed({ name: 'A/USD', sources: [feedSource({ inputs: ['B/USD'] })] });
    const b = feed({ name: 'B/USD', sources: [feedSource({ inputs: ['A/USD'] })] });
    expect(limit(a, b)).toBe(60_000);
  });
});
