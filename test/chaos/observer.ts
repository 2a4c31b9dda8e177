/** Watches chain and market from outside: rounds, and the stretches of time in which one was due. */
import { sleep } from '../../src/common/time.js';
import type { Address } from '../../src/common/words.js';
import type { Anvil } from '../support/anvil.js';
import { readRoundEvents } from '../support/chain/events.js';
import type { DuePeriod, StoredRound } from './tally.js';

interface Watched {
  readonly prices: ReadonlyMap<string, bigint>;
  /** The feed of group 1, of group 2, … */
  readonly feeds: readonly string[];
  /** Percent times 100. */
  readonly deviationBps: bigint;
}

/** Every round that stands on chain, with its block's time. */
export async function readRounds(anvil: Anvil, aggregator: Address): Promise<StoredRound[]> {
  return Promise.all(
    (await readRoundEvents(anvil, aggregator)).map(async ({ blockNumber, ...round }) => {
      const params = [`0x${blockNumber.toString(16)}`, false];
      const block = (await anvil.rpc('eth_getBlockByNumber', params)) as { timestamp: string };
      return { ...round, blockTimestamp: Number(block.timestamp) };
    }),
  );
}

/** Notes, from the chain and the market alone, when a move was due and when it was answered. */
export async function observe(
  anvil: Anvil,
  aggregator: Address,
  { prices, feeds, deviationBps }: Watched,
  signal: AbortSignal,
): Promise<DuePeriod[]> {
  const periods: DuePeriod[] = [];
  const open = new Map<number, number>();
  while (!signal.aborted) {
    const rounds = await readRoundEvents(anvil, aggregator);
    feeds.forEach((feed, index) => {
      const group = index + 1;
      const last = rounds.filter((round) => round.group === group).at(-1);
      const price = prices.get(feed) ?? 0n;
      const gap = last ? (price > last.answer ? price - last.answer : last.answer - price) : 0n;
      const due = last !== undefined && gap * 10_000n >= deviationBps * last.answer;
      const startedMs = open.get(group);
      if (due && startedMs === undefined) open.set(group, Date.now());
      if (!due && startedMs !== undefined) {
        open.delete(group);
        periods.push({ group, startedMs, endedMs: Date.now() });
      }
    });
    await sleep(500, signal);
  }
  for (const [group, startedMs] of open) periods.push({ group, startedMs });
  return periods;
}
