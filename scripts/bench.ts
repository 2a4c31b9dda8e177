/**
 * `make bench`: what one replica with one key carries. A real chain with one-second blocks, local venues whose prices
 * move all the time, the real daemon with more and more groups of four feeds; judged from the chain and its metrics.
 */
import { parseArgs } from 'node:util';
import { createPublicClient, http, parseEventLogs } from 'viem';
import { oracleAggregatorAbi } from '../src/chain/generated/contracts.js';
import { sleep } from '../src/common/time.js';
import { startDaemon } from '../test/support/daemon/process.js';
import { startWorld } from '../test/support/daemon/world.js';

const FEEDS_PER_GROUP = 4;
const HEARTBEAT_SECONDS = 10;

const { values } = parseArgs({
  options: {
    groups: { type: 'string', default: '1,16,64' },
    seconds: { type: 'string', default: '60' },
  },
});

/** Groups of four feeds, all read from three venues' one answer. */
function configuration(groups: number): string {
  const feed = (group: number, index: number) =>
    [
      `      - name: F${group}X${index}/USD`,
      '        sources:',
      ...['one', 'two', 'three'].map(
        (name, venue) => `          - { http: { url: "$${venue + 1}/all", path: $.price }, name: ${name} }`,
      ),
    ].join('\n');
  const group = (id: number) =>
    [
      `  - name: g${id}`,
      `    id: ${id}`,
      '    maxAge: 8s',
      '    feeds:',
      ...Array.from({ length: FEEDS_PER_GROUP }, (_unused, index) => feed(id, index)),
    ].join('\n');
  return `groups:\n${Array.from({ length: groups }, (_unused, index) => group(index + 1)).join('\n')}\n`;
}

async function measure(groups: number, seconds: number): Promise<Record<string, string>> {
  const world = await startWorld({
    feeds: configuration(groups),
    env: { HEARTBEAT: `${HEARTBEAT_SECONDS}s` },
  });
  const daemon = await startDaemon(world.env);
  try {
    await daemon.line(({ event }) => event === 'round_confirmed', 'the first round');
    const client = createPublicClient({ transport: http(world.anvil.url) });
    const fromBlock = await client.getBlockNumber();
    const before = await readMetrics(daemon.metricsUrl);
    await sleep(seconds * 1_000);
    const after = await readMetrics(daemon.metricsUrl);
    const logs = await client.getLogs({ address: world.aggregator, fromBlock });
    const rounds = parseEventLogs({ abi: oracleAggregatorAbi, eventName: 'RoundStored', logs });
    const transactions = new Set(rounds.map(({ transactionHash }) => transactionHash)).size;
    return {
      groups: String(groups),
      feeds: String(groups * FEEDS_PER_GROUP),
      'rounds/min': ((rounds.length * 60) / seconds).toFixed(0),
      'tx/min': ((transactions * 60) / seconds).toFixed(0),
      'groups/tx': (rounds.length / Math.max(transactions, 1)).toFixed(1),
      'oldest age': `${await oldestAge(rounds, client)} s of ${HEARTBEAT_SECONDS}`,
      cpu: `${(((after.cpu - before.cpu) * 100) / seconds).toFixed(0)} %`,
      memory: `${(after.rss / 2 ** 20).toFixed(0)} MB`,
    };
  } finally {
    await daemon.stop();
    await world.close();
  }
}

/** Seconds from a round's signed time to the block of the next round of its group, at the most. */
async function oldestAge(
  rounds: readonly {
    readonly blockNumber: bigint;
    readonly args: { readonly group: number; readonly head: string };
  }[],
  client: ReturnType<typeof createPublicClient>,
): Promise<number> {
  const times = new Map<bigint, number>();
  for (const number of new Set(rounds.map(({ blockNumber }) => blockNumber)))
    times.set(number, Number((await client.getBlock({ blockNumber: number })).timestamp));
  const last = new Map<number, number>();
  let oldest = 0;
  for (const { args, blockNumber } of rounds) {
    const signedAt = Number(`0x${args.head.slice(12, 20)}`);
    const before = last.get(args.group);
    if (before !== undefined) oldest = Math.max(oldest, (times.get(blockNumber) ?? 0) - before);
    last.set(args.group, signedAt);
  }
  return oldest;
}

async function readMetrics(url: string): Promise<{ cpu: number; rss: number }> {
  const text = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
  const value = (name: string) => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { cpu: value('process_cpu_seconds_total'), rss: value('process_resident_memory_bytes') };
}

const rows: Record<string, string>[] = [];
for (const groups of values.groups.split(',').map(Number)) {
  console.log(`measuring ${groups} groups for ${values.seconds} s`);
  rows.push(await measure(groups, Number(values.seconds)));
}
console.table(rows);
