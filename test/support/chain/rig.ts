/** A chain under test: real anvil, real contract, one transmitter that is the group's only signer. */
import { createChain } from '../../../src/chain/chain.js';
import { createMemoryKey } from '../../../src/chain/keys/memory.js';
import type { Chain, PreparedTransmit, TransmitJob, Transmitter } from '../../../src/chain/types.js';
import { systemClock } from '../../../src/common/time.js';
import type { Address, GroupOnChain, Hex } from '../../../src/common/words.js';
import type { ChainConfig } from '../../../src/config/types.js';
import { createMemoryState } from '../../../src/state/memory.js';
import type { StateStore } from '../../../src/state/store.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics, type Metrics } from '../../../src/telemetry/metrics.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS, type Anvil, type AnvilOptions, startAnvil } from '../anvil.js';
import { deployAggregator } from '../deploy.js';
import { testChainConfig } from './config.js';
import { senderReport, transmitData } from './report.js';
import { seededRandom } from './seeded.js';

export interface Rig {
  readonly chain: Chain;
  readonly transmitter: Transmitter;
  readonly metrics: Metrics;
  readonly state: StateStore;
  /** What the start found. */
  readonly found: readonly string[];
  /** Log lines so far, parsed. */
  readonly lines: () => readonly Record<string, unknown>[];
  /** A job that publishes the answer in every group's next round, read from the chain at each `prepare`. */
  job(answer: bigint, options?: JobOptions): TransmitJob & { readonly prepared: readonly PreparedTransmit[] };
  group(id?: number): Promise<GroupOnChain>;
  close(): Promise<void>;
}

export interface JobOptions {
  readonly groups?: readonly number[];
  /** Changes what `prepare` gives; the number counts its calls from 1. */
  readonly change?: (prepared: PreparedTransmit, call: number) => PreparedTransmit | undefined;
  /** Unix seconds that are signed; the newest block's time or one second after the last round's unless given. */
  readonly timestamp?: (group: GroupOnChain) => number;
}

export interface RigOptions {
  /** Endpoints; anvil's own unless given. */
  readonly urls?: readonly string[];
  readonly aggregator: Address;
  readonly config?: Parameters<typeof testChainConfig>[0];
  readonly state?: StateStore;
  readonly privateKeys?: readonly Hex[];
  /** Starts health checks as well. */
  readonly running?: boolean;
}

/** Anvil with the contract on it; group 1 (and 2) have the first key as their one signer. */
export async function startWorld(
  options: AnvilOptions & { readonly maxAhead?: number; readonly maxReportAge?: number } = {},
): Promise<{ readonly anvil: Anvil; readonly aggregator: Address }> {
  const { maxAhead = 3_600, maxReportAge = 3_600, ...anvilOptions } = options;
  const anvil = await startAnvil(anvilOptions);
  const signers = [ANVIL_ADDRESSES[0]];
  const aggregator = await deployAggregator({
    url: anvil.url,
    maxAhead,
    maxReportAge,
    groups: [{ signers }, { signers }],
  });
  return { anvil, aggregator };
}

/** Creates a chain and starts it. @throws Error with the problems found at start */
export async function createRig(options: RigOptions): Promise<Rig> {
  const state = options.state ?? createMemoryState({ clock: systemClock });
  const metrics = createMetrics();
  const written: string[] = [];
  const log = createLogger({
    level: 'debug',
    destination: {
      write: (line) => {
        written.push(line);
        if (process.env.LOG_TESTS) process.stderr.write(line);
      },
    },
  });
  const config: ChainConfig = testChainConfig({
    rpcUrls: options.urls ?? [],
    aggregator: options.aggregator,
    ...options.config,
  });
  const keys = (options.privateKeys ?? [ANVIL_KEYS[0]]).map(createMemoryKey);
  const random = seededRandom(1);
  const chain = createChain({ config, keys, state, clock: systemClock, log, metrics, random });
  const controller = new AbortController();
  const found = await chain.start(AbortSignal.timeout(10_000));
  if (!found.ok) throw new Error(found.problems.join('; '));
  const running = options.running ? chain.run(controller.signal) : Promise.resolve();

  return {
    chain,
    transmitter: chain.transmitters[0] as Transmitter,
    metrics,
    state,
    found: found.lines,
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    async group(id = 1) {
      const [group] = await chain.readGroups([id], AbortSignal.timeout(5_000));
      return group as GroupOnChain;
    },
    job(answer, { groups = [1], change, timestamp = nextTime } = {}) {
      const prepared: PreparedTransmit[] = [];
      return {
        reason: 'test',
        decidedAtMs: systemClock.monotonic(),
        prepared,
        async prepare(signal) {
          const read = await chain.readGroups(groups, signal);
          const rounds = read.map((group) => ({
            group: group.group,
            round: group.round + 1,
            timestamp: timestamp(group),
          }));
          const data = transmitData(...rounds.map((round) => senderReport(round, [answer])));
          const made = { data, rounds };
          prepared.push(made);
          return change ? change(made, prepared.length) : made;
        },
      };
    },
    async close() {
      controller.abort();
      await running;
    },
  };
}

const nextTime = (group: GroupOnChain): number =>
  Math.max(Math.floor(Date.now() / 1_000), group.signedAt + 1, group.blockTimestamp - 60);
