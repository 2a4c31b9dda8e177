/**
 * `make soak MINUTES=10 SEED=1`: the real daemon between two misbehaving endpoints and a real chain, judged from outside.
 * Prints rounds due, landed and duplicated, heartbeats missed, nonces skipped, cancels and the highest fee; exits 1 unless
 * duplicated, missed and skipped are zero, and nothing was cancelled that a fresh report should have replaced.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { startChild } from '../demo/child.js';
import { sleep } from '../src/common/time.js';
import type { Address } from '../src/common/words.js';
import { createMarket, startExchange } from '../test/chaos/market.js';
import { observe, readRounds } from '../test/chaos/observer.js';
import { type ChaosProxy, startChaosProxy } from '../test/chaos/proxy.js';
import { nextScene, type Scene } from '../test/chaos/schedule.js';
import { tally } from '../test/chaos/tally.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS, type Anvil, startAnvil } from '../test/support/anvil.js';
import { readRoundEvents } from '../test/support/chain/events.js';
import { seededRandom } from '../test/support/chain/seeded.js';

const HEARTBEAT_SECONDS = 30;
const DEVIATION_PERCENT = '0.5';
const DEVIATION_BPS = 50n;
/** The daemon's lead grows with what inclusion takes under faults. */
const LEAD_SECONDS = 20;
const GRACE_MS = 20_000;
const MAX_FEE_GWEI = 300;
const GWEI = 1_000_000_000n;
const CLI = 'dist/cli/main.js';
const FEEDS = ['ETH/USD', 'BTC/USD'] as const;
const SOURCES = 3;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: process.env.MINUTES || '10' },
    seed: { type: 'string', default: process.env.SEED || String(Date.now() % 1_000_000) },
    verbose: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('soak: --minutes must be above zero, --seed a whole number');
  process.exit(2);
}
const say = (line: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);

const feedsFile = (exchange: string) =>
  stringify({
    poll: '500ms',
    chains: [
      {
        name: 'soak',
        poll: '500ms',
        rpcTimeout: '1s',
        replaceAfter: '3s',
        confirmationDeadline: '20s',
        fees: { maxFee: `${MAX_FEE_GWEI} gwei`, maxPriorityFee: '20 gwei' },
      },
    ],
    groups: FEEDS.map((name, index) => ({
      name: name.toLowerCase().replace('/', '-'),
      id: index + 1,
      maxAge: '5s',
      feeds: [
        {
          name,
          sources: Array.from({ length: SOURCES }, (_nothing, source) => ({
            http: { url: `${exchange}/${source}/${encodeURIComponent(name)}`, path: '$.price' },
            quote: 'USD',
            name: `venue-${source}`,
          })),
        },
      ],
    })),
  });

async function applyChain(anvil: Anvil, { chain }: Scene): Promise<void> {
  if (chain.kind === 'fee_spike')
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(BigInt(chain.gwei) * GWEI).toString(16)}`]);
  if (chain.kind === 'fee_climb')
    for (const gwei of chain.gwei) {
      await anvil.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(BigInt(gwei) * GWEI).toString(16)}`]);
      await sleep(1_000);
    }
  if (chain.kind === 'halt') {
    await anvil.rpc('evm_setIntervalMining', [0]);
    await sleep(chain.ms);
    await anvil.rpc('evm_setIntervalMining', [1]);
  }
}

async function deploy(env: Record<string, string>, out: string): Promise<Address> {
  const child = startChild({ name: 'deploy', args: [CLI, 'deploy', '--out', out], env });
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`deploy ended with ${code}\n${child.tail().join('\n')}`);
  return (JSON.parse(readFileSync(out, 'utf8')) as { aggregator: Address }).aggregator;
}

/** Runs the schedule. @returns whether all claims held */
async function soak(): Promise<boolean> {
  const directory = mkdtempSync(path.join(tmpdir(), 'op-soak-'));
  const market = createMarket(FEEDS, seededRandom(seed + 1));
  const exchange = await startExchange(market.prices);
  const anvil = await startAnvil();
  const proxies: readonly [ChaosProxy, ChaosProxy] = [
    await startChaosProxy({ upstream: anvil.url, random: seededRandom(seed + 2), rules: 'geth' }),
    await startChaosProxy({ upstream: anvil.url, random: seededRandom(seed + 3), rules: 'geth' }),
  ];
  writeFileSync(path.join(directory, 'feeds.yaml'), feedsFile(exchange.url));
  const env = {
    RPC_URL: proxies.map(({ url }) => url).join(','),
    PRIVATE_KEY: ANVIL_KEYS[0],
    CONFIG_DIR: directory,
    HEARTBEAT: `${HEARTBEAT_SECONDS}s`,
    DEVIATION_THRESHOLD: DEVIATION_PERCENT,
    STATE_URL: 'memory:',
    METRICS_PORT: '0',
    HTTP_PORT: '0',
    BIND_ADDRESS: '127.0.0.1',
  };
  say(`seed ${seed}, ${minutes} min: the same seed replays the same faults (SEED=${seed})`);
  const aggregator = await deploy(env, path.join(directory, 'deployment.json'));
  const deployed = proxies.map((proxy) => proxy.sent().length);
  await anvil.rpc('anvil_mine', ['0x64']);
  await anvil.rpc('evm_setAutomine', [false]);
  await anvil.rpc('evm_setIntervalMining', [1]);
  const daemon = startChild({
    name: 'oracle-publisher',
    args: [CLI, 'run'],
    env: { ...env, AGGREGATOR_ADDRESS: aggregator },
    onLine: (line) => {
      if (values.verbose) console.log(line);
    },
  });
  const stop = new AbortController();
  try {
    for (
      const giveUp = Date.now() + 60_000;
      (await readRoundEvents(anvil, aggregator)).length < FEEDS.length;
      await sleep(500)
    )
      if (daemon.exit() || Date.now() > giveUp)
        throw new Error(`no first rounds\n${daemon.tail().join('\n')}`);
    const watching = observe(
      anvil,
      aggregator,
      { prices: market.prices, feeds: FEEDS, deviationBps: DEVIATION_BPS },
      stop.signal,
    );
    const ticking = setInterval(market.step, 1_000);
    const random = seededRandom(seed);
    const endMs = Date.now() + minutes * 60_000;
    while (Date.now() < endMs && !daemon.exit()) {
      const scene = nextScene(random);
      proxies.forEach((proxy, index) => {
        proxy.set(scene.faults[index] ?? {});
      });
      const event = scene.chain.kind === 'none' ? '' : `, chain: ${JSON.stringify(scene.chain)}`;
      say(`${scene.names.join(' | ')}${event}`);
      const started = Date.now();
      await applyChain(anvil, scene);
      await sleep(Math.min(scene.forMs, endMs - started) - (Date.now() - started));
    }
    clearInterval(ticking);
    for (const proxy of proxies) proxy.set({});
    say('faults over: settling');
    await sleep(8_000);
    stop.abort();
    const periods = await watching;
    const block = (await anvil.rpc('eth_getBlockByNumber', ['latest', false])) as { timestamp: string };
    const rounds = await readRounds(anvil, aggregator);
    const exit = await daemon.stop(40_000);
    const sent = proxies.flatMap((proxy, index) => proxy.sent().slice(deployed[index]));
    const ownAddress = ANVIL_ADDRESSES[0].toLowerCase();
    const cancels = new Map<string, number>();
    for (const { hash, to, atMs } of sent)
      if (to?.toLowerCase() === ownAddress)
        cancels.set(hash, Math.min(atMs, cancels.get(hash) ?? Number.POSITIVE_INFINITY));
    const result = tally({
      rounds,
      cancelledMs: [...cancels.values()],
      periods,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      leadSeconds: LEAD_SECONDS,
      deviationBps: DEVIATION_BPS,
      endedAt: Number(block.timestamp),
      graceMs: GRACE_MS,
      endedMs: Date.now(),
    });
    const counts = await Promise.all(
      ['latest', 'pending'].map(async (tag) =>
        Number(await anvil.rpc('eth_getTransactionCount', [ANVIL_ADDRESSES[0], tag])),
      ),
    );
    const [latest = 0, pending = 0] = counts;
    const highestNonce = Math.max(...sent.map(({ nonce }) => nonce));
    const skipped = Math.max(highestNonce - latest + 1, pending - latest, 0);
    let highestFee = 0n;
    for (const { maxFeeWei } of sent) if (maxFeeWei > highestFee) highestFee = maxFeeWei;
    const foreign = sent.filter(({ chainId, to, valueWei }) => {
      const known = [aggregator, ANVIL_ADDRESSES[0]].some(
        (address) => address.toLowerCase() === to?.toLowerCase(),
      );
      return chainId !== 31_337 || valueWei !== 0n || !known;
    }).length;
    const rows: readonly (readonly [string, string | number])[] = [
      ['rounds due', result.due],
      ['rounds landed', result.landed],
      ['rounds duplicated', result.duplicated],
      ['heartbeats missed', result.heartbeatsMissed],
      ['nonces skipped', skipped],
      ['highest fee', `${Number(highestFee / 10_000_000n) / 100} of ${MAX_FEE_GWEI} gwei`],
      ['oldest answer', `${result.oldestSeconds} of ${HEARTBEAT_SECONDS} s`],
      ['slowest answer to a move', `${(result.slowestMs / 1_000).toFixed(1)} s`],
      [
        'transactions signed / nonces used',
        `${new Set(sent.map(({ hash }) => hash)).size} / ${new Set(sent.map(({ nonce }) => nonce)).size}`,
      ],
      ['cancels / while a round was due', `${cancels.size} / ${result.cancelledWhileDue}`],
      ['fields set by a node', foreign],
      ['daemon ended with', exit.signal ?? exit.code ?? 'nothing'],
      ['seed', seed],
    ];
    for (const [name, value] of rows) console.log(`${name.padEnd(36)}${value}`);
    const passed =
      result.duplicated === 0 &&
      result.heartbeatsMissed === 0 &&
      result.due === result.landed &&
      skipped === 0 &&
      result.cancelledWhileDue === 0 &&
      foreign === 0 &&
      highestFee <= BigInt(MAX_FEE_GWEI) * GWEI &&
      exit.code === 0;
    console.log(passed ? 'passed' : `failed; replay with SEED=${seed} MINUTES=${minutes}`);
    return passed;
  } finally {
    stop.abort();
    daemon.kill();
    await Promise.all([...proxies.map((proxy) => proxy.close()), anvil.stop()]);
    exchange.close();
    rmSync(directory, { recursive: true });
  }
}

process.exitCode = (await soak()) ? 0 : 1;
