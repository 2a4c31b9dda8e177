/** Builds the running daemon out of its parts; the only place that knows how they are wired. */
import { hostname } from 'node:os';
import { readAggregator } from '../chain/feed-reader.js';
import type { Key } from '../common/key.js';
import { type Clock, createStopController } from '../common/time.js';
import type { LoadedConfig } from '../config/load.js';
import { formatProblem } from '../config/problem.js';
import { type Reload, watchConfig } from '../config/reload.js';
import type { Environment, PublisherConfig } from '../config/types.js';
import { createPriceBook, type PriceBook } from '../prices/book.js';
import type { ChainRuntime } from '../publisher/chain-runtime.js';
import { createChainStarts } from '../publisher/chain-start.js';
import { createPublisher, type Publisher } from '../publisher/publisher.js';
import { readStatus, type Status } from '../publisher/status.js';
import { createCoordinator } from '../replicas/coordinator.js';
import { createRoundWatch } from '../replicas/round-watch.js';
import type { Coordinator } from '../replicas/types.js';
import { createAuditTrail } from '../rounds/audit.js';
import { createRoundStore } from '../rounds/round-store.js';
import { type HeldPrice, readHeldPrices } from '../server/held-prices.js';
import type { StateStore } from '../state/store.js';
import type { Logger, Mask } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Tracing } from '../telemetry/tracing.js';
import { VERSION } from './version.js';

export interface DaemonDeps {
  readonly environment: Environment;
  readonly loaded: LoadedConfig;
  /** Reads the configuration again. */
  readonly load: () => LoadedConfig;
  readonly chains: readonly ChainRuntime[];
  readonly keys: readonly Key[];
  readonly state: StateStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly mask: Mask;
  readonly metrics: Metrics;
  readonly tracing?: Tracing | undefined;
  readonly dryRun: boolean;
  readonly startedAtMs: number;
}

export interface Daemon {
  /**
   * Tries every chain once, and compares what is stored with what it holds.
   * @throws ConfigError when a chain that answers is not what the configuration says
   */
  start(stop: AbortSignal): Promise<void>;
  /** Whether a chain was reached and is what the configuration says. */
  readonly ready: (chain: string) => boolean;
  /** Publishes until `stop` aborts, lets what is under way settle, gives the leases back. */
  run(stop: AbortSignal): Promise<void>;
  /** The status, with the prices that the external adapter passes on. */
  readonly status: () => Status & { readonly prices: readonly HeldPrice[] };
  readonly lastIterationMs: () => number;
  readonly book: PriceBook;
  /** The configuration in force. */
  readonly config: () => PublisherConfig;
}

/** On top of the heartbeat, before a standby without Redis takes a group over. */
const TAKEOVER_GRACE_MS = 10_000;

/** Wires the daemon; nothing runs yet. */
export function createDaemon(deps: DaemonDeps): Daemon {
  const { environment, loaded, chains, keys, state, clock, log, metrics, dryRun } = deps;
  let { config } = loaded;
  const feedsOf = (from: PublisherConfig) => [
    ...from.groups.flatMap((group) => group.feeds),
    ...from.conversions,
  ];
  const book = createPriceBook({
    config: { feeds: feedsOf(config), pollIntervalMs: config.pollIntervalMs },
    clock,
    log,
    metrics,
    random: Math.random,
    readAggregator,
  });

  const rounds = createRoundStore({ state, log });
  const starts = createChainStarts({
    chains,
    groups: config.groups,
    keys: keys.length > 0 ? keys.map(({ address }) => address) : undefined,
    rounds,
    clock,
    log,
  });

  // The publisher asks the coordinator who may publish; the coordinator asks the publisher what the chain shows.
  let publisher: Publisher;
  const roundWatch = createRoundWatch({
    clock,
    graceMs: TAKEOVER_GRACE_MS,
    underWay: (group) => publisher.carries(group),
  });
  const coordinator: Coordinator = createCoordinator({
    state,
    clock,
    log,
    metrics,
    random: Math.random,
    replicaId: process.env.POD_NAME ?? hostname(),
    keys: keys.map(({ address }) => address),
    groups: config.groups.map(({ name, id, chain }) => ({ name, id, chain })),
    chainView: {
      healthy: (name) =>
        starts.ready(name) && chains.some(({ chain }) => chain.name === name && chain.healthy()),
      lateGroups: roundWatch.lateGroups,
      foreignRound: roundWatch.foreignRound,
      busy: (key) => publisher.busy(key),
      carries: (group) => publisher.carries(group),
    },
  });
  publisher = createPublisher({
    groups: config.groups,
    chains,
    ready: starts.ready,
    keys,
    book,
    rounds,
    audit: createAuditTrail({ state, log }),
    leadership: coordinator,
    clock,
    log,
    metrics,
    tracing: deps.tracing,
    dryRun,
    onReading: (group, { round, signedAt }) =>
      roundWatch.observed(
        group.name,
        { round, signedAt },
        Math.min(...group.feeds.map((feed) => feed.heartbeatSeconds)),
      ),
    onLanded: (group, round) => roundWatch.landed(group.name, round),
  });

  const applied = (next: LoadedConfig) => {
    config = next.config;
    metrics.configReload.set(1);
    metrics.configReloadTime.set(clock.now() / 1_000);
    metrics.configHash.reset();
    metrics.configHash.set({ hash: config.hash.slice(0, 12) }, 1);
  };
  applied(loaded);
  const reload = (change: Reload) => {
    if (!change.ok) {
      metrics.configReload.set(0);
      metrics.configRefused.inc();
      log.error(
        {
          event: 'config_refused',
          hash: change.hash,
          problems: change.problems.map(formatProblem),
          inForce: config.hash,
        },
        'the changed configuration is refused; the one in force stays',
      );
      return;
    }
    deps.mask.add(change.loaded.secrets);
    applied(change.loaded);
    log.level = change.loaded.logLevel ?? environment.logLevel;
    book.apply({ feeds: feedsOf(config), pollIntervalMs: config.pollIntervalMs });
    publisher.apply(config.groups);
    log.info({ event: 'config_applied', hash: config.hash }, 'the changed configuration is in force');
  };

  return {
    book,
    config: () => config,
    start: starts.first,
    ready: starts.ready,
    lastIterationMs: () => publisher.lastIterationMs(),
    status: () => ({
      ...readStatus({
        version: VERSION,
        startedAtMs: deps.startedAtMs,
        configHash: () => config.hash,
        dryRun,
        chains,
        ready: starts.ready,
        publisher,
        book,
        holds: coordinator.holds,
        clock,
      }),
      prices: readHeldPrices(publisher.groups(), config.conversions),
    }),
    async run(stop) {
      const running = createStopController();
      const { signal } = running;
      const background = [
        book.run(signal),
        starts.run(signal),
        watchConfig(
          {
            directory: environment.configDir,
            env: process.env,
            current: () => config,
            load: deps.load,
            onChange: reload,
          },
          signal,
        ),
        coordinator.run(signal),
      ];
      try {
        // Groups that no transaction carries go to the next replica at once, not when ours has settled.
        stop.addEventListener('abort', () => coordinator.retire(), { once: true });
        await publisher.run(stop);
        await coordinator.release();
      } finally {
        running.abort();
        await Promise.all(background);
      }
    },
  };
}
