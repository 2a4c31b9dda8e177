/** One chain, as the publisher sees it: joins endpoints, contract and transmitters. */
import type { Key } from '../common/key.js';
import type { Random } from '../common/random.js';
import { type Clock, sleep } from '../common/time.js';
import type { ChainConfig } from '../config/types.js';
import type { StateStore } from '../state/store.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createAggregator, ReadError } from './aggregator.js';
import { createBalances } from './balances.js';
import { createClockGuard } from './clock-guard.js';
import { createInclusionTimes } from './inclusion.js';
import { pinChain } from './pin.js';
import { REVERT_NAMES } from './revert.js';
import { createRpcPool } from './rpc/pool.js';
import { data } from './rpc/shapes.js';
import { createSender } from './sender.js';
import { findSignerSet } from './signer-set.js';
import { createLedger } from './spending.js';
import { createTransmitter } from './transmitter.js';
import type { Chain } from './types.js';

const BALANCES_EVERY_MS = 30_000;

export interface ChainOptions {
  readonly config: ChainConfig;
  /** Transmitter keys; none for a chain that is only read. */
  readonly keys: readonly Key[];
  readonly state: StateStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
}

/** Creates a chain; nothing is called before `start`. @throws Error when an endpoint's URL is not HTTP */
export function createChain(options: ChainOptions): Chain {
  const { config, keys, state, clock, log, metrics, random } = options;
  const { name } = config;
  const pool = createRpcPool({
    name,
    urls: config.rpcUrls,
    timeoutMs: config.rpcTimeoutMs,
    reorgBlocks: Math.max(config.confirmations, 2),
    clock,
    random,
    log,
    metrics,
  });
  const aggregator = config.aggregator && createAggregator(pool, config.aggregator);
  let chainId: number | undefined;
  const id = (): number => {
    if (chainId === undefined) throw new Error(`chain ${name} was not started`);
    return chainId;
  };
  const addresses = keys.map(({ address }) => address);
  const ledger = createLedger({ store: state, chainId: id, addresses, clock, log });
  const readBalances = createBalances({
    name,
    pool,
    addresses,
    ledger,
    minBalanceWei: config.minBalanceWei,
    clock,
    log,
    metrics,
  });
  const clockGuard =
    aggregator &&
    createClockGuard({ aheadSeconds: pool.aheadSeconds, maxAheadSeconds: aggregator.maxAhead, clock });
  let tellLate: Parameters<Chain['onLateLanding']>[0] = async () => {};
  const senders = keys.map((key) =>
    createSender({
      name,
      pool,
      key,
      chainId: id,
      config,
      state,
      ledger,
      clockGuard,
      clock,
      log,
      metrics,
      onLateLanding: (landing) => tellLate(landing, key.address),
    }),
  );
  const inclusions = createInclusionTimes();
  const transmitters = senders.map((sender, index) =>
    createTransmitter({
      name,
      address: addresses[index] as Key['address'],
      aggregator: config.aggregator ?? '0x',
      sender,
      pool,
      clock,
      log,
      metrics,
      onIncluded: inclusions.add,
    }),
  );

  metrics.declareChain(name);
  for (const error of REVERT_NAMES) metrics.contractReverts.inc({ adapter: name, error }, 0);

  function showPending(): void {
    const oldestMs = Math.min(
      ...senders.map((sender) => sender.pendingSinceMs() ?? Number.POSITIVE_INFINITY),
    );
    const ageMs = Number.isFinite(oldestMs) ? Math.max(clock.now() - oldestMs, 0) : 0;
    metrics.oldestPending.set({ adapter: name }, ageMs / 1_000);
    metrics.transmitterFeeAtCap.set({ adapter: name }, senders.some((sender) => sender.feeAtCap()) ? 1 : 0);
  }

  return {
    name,
    id,
    transmitters,
    onLateLanding(told) {
      tellLate = told;
    },
    async start(signal) {
      const pinned = await pinChain(pool, config, signal);
      if (!pinned.ok) return pinned;
      chainId = pinned.chainId;
      const problems = aggregator ? await aggregator.check(chainId, signal) : [];
      if (problems.length > 0)
        return { ok: false, problems: problems.map((problem) => `${name}: ${problem}`) };
      const found = await Promise.all(senders.map((sender) => sender.recover(signal)));
      await readBalances(signal);
      const lines = [
        ...pinned.lines,
        ...(config.aggregator ? [`${name}: aggregator ${config.aggregator}`] : []),
        ...found.map((line) => `${name}: ${line}`),
      ];
      return { ok: true, chainId, lines };
    },
    async run(signal) {
      let balancesAtMs = clock.monotonic();
      while (!signal.aborted) {
        try {
          await pool.check(signal);
          await Promise.all(senders.map((sender) => sender.look(signal)));
          showPending();
          if (clock.monotonic() - balancesAtMs >= BALANCES_EVERY_MS) {
            balancesAtMs = clock.monotonic();
            await readBalances(signal);
          }
        } catch (error) {
          if (signal.aborted) return;
          log.error(
            {
              event: 'chain_check_failed',
              chain: name,
              error: error instanceof Error ? error.message : String(error),
            },
            'check failed',
          );
        }
        await sleep(config.pollIntervalMs, signal);
      }
    },
    head: () => {
      const head = pool.head();
      return head && { number: head.number, timestamp: head.timestamp };
    },
    async readGroups(groups, signal) {
      if (!aggregator) throw new ReadError(`chain ${name} has no aggregator address`);
      return groups.length === 0 ? [] : aggregator.readGroups(groups, signal);
    },
    async call(to, input, signal) {
      const reply = await pool.read('eth_call', [{ to, data: input }, 'latest'], data, signal);
      if (!reply.ok) throw new ReadError(`call to ${to}: ${reply.failure.detail} (${reply.endpoint})`);
      return reply.value;
    },
    findSigners: async (group, hash, signal) =>
      config.aggregator && findSignerSet(pool, config.aggregator, group, hash, signal),
    settleMs: () =>
      config.confirmationDeadlineMs + 2 * (config.confirmations - 1) * pool.blockSeconds() * 1_000,
    inclusionSeconds: () => inclusions.quantile(2 * pool.blockSeconds()),
    endpoints: pool.views,
    healthy: pool.healthy,
  };
}
