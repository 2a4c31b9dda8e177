import { describe, expect, it } from 'vitest';
import { createMemoryKey } from '../../../src/chain/keys/memory.js';
import { KeyError } from '../../../src/common/key.js';
import { systemClock } from '../../../src/common/time.js';
import type { Address, GroupOnChain } from '../../../src/common/words.js';
import type { GroupConfig } from '../../../src/config/types.js';
import type { ChainRuntime } from '../../../src/publisher/chain-runtime.js';
import type { Evaluation } from '../../../src/publisher/evaluate.js';
import { createGather } from '../../../src/publisher/gather.js';
import { createGroupState } from '../../../src/publisher/group-state.js';

const key = createMemoryKey(`0x${'11'.repeat(32)}`);
const FEEDS = 4;
const groupOf = (id: number) =>
  createGroupState({
    name: `g${id}`,
    id,
    chain: 'main',
    wide: false,
    tickSeconds: 1,
    feeds: Array.from({ length: FEEDS }, (_unused, index) => ({ name: `F${index}` })),
  } as unknown as GroupConfig);
const onChain = (group: number, signedAt: number) =>
  ({ group, round: 7, signedAt, threshold: 1, signersHash: '0x' }) as unknown as GroupOnChain;

/** All groups are due; the chain holds for each the given signed time. */
function setUp(
  signedAt: readonly number[],
  { gasLimitCap = 3_000_000n, alone = [] as string[], broken = '' } = {},
) {
  const states = signedAt.map((_time, index) => groupOf(index + 1));
  const problems: [string, string][] = [];
  const gather = createGather({
    keys: [key],
    clock: systemClock,
    recorder: {
      signatures: () => {},
      problem: ({ config }, code) => void problems.push([config.name, code]),
    },
    wantedOf: () => states,
    evaluate: ({ config }, held, tick) =>
      ({
        group: config.name,
        tick,
        due: true,
        onChain: held,
        feeds: config.feeds.map(({ name }) => ({ feed: name, price: { ok: true, answer: 5n } })),
      }) as unknown as Evaluation,
    refresh: async (_runtime, groups) =>
      new Map(groups.map(({ id }) => [id, onChain(id, signedAt[id - 1] ?? 0)])),
    signersOf: async (_runtime, { name }) => {
      if (name === broken) throw new KeyError('the signer is offline');
      return [key.address];
    },
    alone: new Set(alone),
  });
  const runtime = {
    config: { name: 'main', gasLimitCap },
    chain: { id: () => 1 },
    aggregator: `0x${'22'.repeat(20)}` as Address,
  } as unknown as ChainRuntime;
  const run = async () =>
    (await gather(runtime, key.address, AbortSignal.timeout(5_000))).map(
      ({ evaluation }) => evaluation.group,
    );
  return { run, problems, states };
}

describe('groups that are due at the same time', () => {
  it('travel together, the one that waits longest first', async () => {
    expect(await setUp([30, 10, 20]).run()).toEqual(['g2', 'g3', 'g1']);
  });

  it('travel in as many transactions as the gas limit asks for, and none is passed over for ever', async () => {
    const times = Array.from({ length: 100 }, (_unused, index) => 1_000 - index);
    const { run } = setUp(times);
    const first = await run();
    expect(first.length).toBeGreaterThan(20);
    expect(first.length).toBeLessThan(50);
    // The oldest are the last in the configuration.
    expect(first).toEqual(first.map((_name, index) => `g${100 - index}`));
  });

  it('travel one by one where the limit has no room for more', async () => {
    expect(await setUp([10, 20], { gasLimitCap: 60_000n }).run()).toEqual(['g1']);
  });

  it('go alone after a batch that reverted for no known sake', async () => {
    expect(await setUp([10, 20, 30], { alone: ['g3'] }).run()).toEqual(['g3']);
  });

  it('do not wait for one that cannot be signed; alone, it makes the job fail instead of calling back what is sent', async () => {
    const { run, problems, states } = setUp([10, 20], { broken: 'g1' });
    expect(await run()).toEqual(['g2']);
    expect(problems).toEqual([['g1', 'signing']]);
    expect(states[0]?.holdUntilMs).toBeGreaterThan(0);
    await expect(setUp([10], { broken: 'g1' }).run()).rejects.toThrow('the signer is offline');
  });
});
