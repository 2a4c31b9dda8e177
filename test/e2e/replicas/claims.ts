/** The claims, checked from the chain's own events: nothing missed, nothing twice, nothing without a reason. */
import { createPublicClient, type Hex, http } from 'viem';
import { oracleAggregatorAbi } from '../../../src/chain/generated/contracts.js';
import { decodeAnswers } from '../../../src/reports/lanes.js';
import type { Incident } from './schedule.js';
import { DEVIATION_PERCENT, GROUPS, HEARTBEAT_SECONDS, type World } from './world.js';

export interface Round {
  readonly group: number;
  readonly round: number;
  /** Unix seconds: the signed tick. */
  readonly timestamp: number;
  /** Unix seconds. */
  readonly blockTimestamp: number;
  readonly sender: string;
  readonly answer: bigint | undefined;
}

export interface Transactions {
  readonly sent: number;
  /** Unix seconds of the blocks of those that reverted. */
  readonly reverted: readonly number[];
}

/** All rounds from the chain's events, and all transactions of the keys from its blocks. */
export async function readChain({ anvil, aggregator, keys }: World): Promise<{
  rounds: Round[];
  transactions: Transactions;
}> {
  const client = createPublicClient({ transport: http(anvil.url) });
  const head = await client.getBlockNumber();
  const times = new Map<bigint, number>();
  const reverted: number[] = [];
  let sent = 0;
  for (let number = 0n; number <= head; number += 1n) {
    const block = await client.getBlock({ blockNumber: number, includeTransactions: true });
    times.set(number, Number(block.timestamp));
    for (const { from, hash } of block.transactions) {
      if (!keys.some((key) => key.toLowerCase() === from.toLowerCase())) continue;
      sent += 1;
      const { status } = await client.getTransactionReceipt({ hash });
      if (status === 'reverted') reverted.push(Number(block.timestamp));
    }
  }
  const logs = await client.getContractEvents({
    address: aggregator,
    abi: oracleAggregatorAbi,
    eventName: 'RoundStored',
    fromBlock: 0n,
    toBlock: head,
    strict: true,
  });
  const rounds = logs.map(({ args, blockNumber }) => ({
    group: args.group,
    ...fixedPart(args.head),
    blockTimestamp: times.get(blockNumber) ?? 0,
    sender: args.sender,
    answer: decodeAnswers(args.answers, false)[0],
  }));
  return { rounds, transactions: { sent, reverted } };
}

/** Round and signed time of a report's fixed part: `group1 | round4 | timestamp4 | bitmap2 | place1`. */
const fixedPart = (head: Hex): { round: number; timestamp: number } => ({
  round: Number.parseInt(head.slice(4, 12), 16),
  timestamp: Number.parseInt(head.slice(12, 20), 16),
});

/** Seconds by which a failure of the group's holder may delay a round, by what else was away. */
export interface Bounds {
  /** Lease time, a tick, and the inclusion of the transaction. */
  readonly failoverSeconds: number;
  /** With Redis away: the grace after the heartbeat, the wait of a replica without a key, and the inclusion. */
  readonly withoutRedisSeconds: number;
  /** The chain's endpoint falls silent: until it counts as lost (its timeout), and then a handover. */
  readonly blindSeconds: number;
  /** From a change of the price to the block that has it, without any failure. */
  readonly followSeconds: number;
  /** The heartbeat's lead: a round may come so much earlier than the heartbeat. */
  readonly leadSeconds: number;
}

/** How long an incident may delay a group's round that was due in the given span, in seconds. */
export function excuse(
  incidents: readonly Incident[],
  group: string,
  fromSeconds: number,
  toSeconds: number,
  bounds: Bounds,
  due: 'heartbeat' | 'change',
): number {
  const hit = incidents.filter(
    ({ groups, fromMs, toMs }) =>
      groups.has(group) &&
      fromMs / 1_000 <= toSeconds &&
      toMs / 1_000 + bounds.failoverSeconds >= fromSeconds,
  );
  const boundOf = ({ fault }: Incident): number => {
    // Without Redis and without its holder a group is taken over once it is late, whatever its price does meanwhile.
    if (fault === 'redis_killed_then_kill')
      return bounds.withoutRedisSeconds + (due === 'change' ? HEARTBEAT_SECONDS : 0);
    return fault === 'chain_cut' ? bounds.blindSeconds : bounds.failoverSeconds;
  };
  return Math.max(0, ...hit.map(boundOf));
}

/** What is wrong with the rounds of a run; empty when every claim holds. */
export function checkRounds(
  world: Pick<World, 'market'>,
  rounds: readonly Round[],
  incidents: readonly Incident[],
  span: { readonly fromMs: number; readonly toMs: number },
  bounds: Bounds,
): string[] {
  const wrong: string[] = [];
  for (const { id, name, feed } of GROUPS) {
    const own = rounds.filter(({ group }) => group === id).sort((a, b) => a.round - b.round);
    const say = (text: string) => wrong.push(`${name}: ${text}`);
    if (own.length === 0) {
      say('no round at all');
      continue;
    }
    for (const [at, round] of own.entries()) {
      if (round.round !== at + 1) say(`round ${round.round} where ${at + 1} was expected`);
      const before = own[at - 1];
      if (round.answer === undefined) {
        say(`round ${round.round} has no answer`);
        continue;
      }
      const tickMs = round.timestamp * 1_000;
      if (!world.market.answersBetween(feed, tickMs - 7_000, tickMs + 1_500).has(round.answer))
        say(`round ${round.round}: ${round.answer} was no price at its tick`);
      if (!before || before.answer === undefined) continue;
      const age = round.blockTimestamp - Math.min(before.timestamp, before.blockTimestamp);
      const dueSeconds = before.timestamp + HEARTBEAT_SECONDS;
      const allowed = excuse(
        incidents,
        name,
        dueSeconds - bounds.leadSeconds,
        round.blockTimestamp,
        bounds,
        'heartbeat',
      );
      if (age > HEARTBEAT_SECONDS + allowed)
        say(`round ${round.round}: ${age} s old where ${HEARTBEAT_SECONDS} + ${allowed} s were allowed`);
      const waited = round.timestamp - before.timestamp;
      if (!deviates(before.answer, round.answer) && waited < HEARTBEAT_SECONDS - bounds.leadSeconds)
        say(`round ${round.round} has no reason: ${before.answer} → ${round.answer} after ${waited} s`);
    }
    const last = own.at(-1);
    const restAge = span.toMs / 1_000 - (last?.timestamp ?? 0);
    if (restAge > HEARTBEAT_SECONDS + 2) say(`the last round is ${restAge} s old at the end`);
    for (const [at, level] of world.market.levels(feed).entries()) {
      const untilMs = world.market.levels(feed)[at + 1]?.fromMs ?? span.toMs;
      if (level.fromMs < span.fromMs || untilMs > span.toMs) continue;
      const fromSeconds = level.fromMs / 1_000;
      const seenBy = fromSeconds + bounds.followSeconds;
      const allowed = excuse(incidents, name, fromSeconds, seenBy, bounds, 'change');
      if (untilMs / 1_000 < seenBy + allowed) continue;
      const level8 = BigInt(Math.round(level.price * 1e5)) * 1_000n;
      const found = own.find(
        ({ answer, blockTimestamp, timestamp }) =>
          answer !== undefined &&
          !deviates(level8, answer) &&
          timestamp >= Math.floor(fromSeconds) &&
          blockTimestamp <= seenBy + allowed,
      );
      if (!found)
        say(
          `the change at ${new Date(level.fromMs).toISOString()} was not published within ${bounds.followSeconds} + ${allowed} s`,
        );
    }
  }
  return wrong;
}

const deviates = (before: bigint, after: bigint): boolean => {
  const change = after > before ? after - before : before - after;
  return change * 10_000n >= BigInt(Math.round(DEVIATION_PERCENT * 100)) * before;
};
