/** Replicas for the tests: real coordinators over a real Redis, with a chain view that the test writes. */
import { type Clock, systemClock } from '../../../src/common/time.js';
import type { Address } from '../../../src/common/words.js';
import { createCoordinator } from '../../../src/replicas/coordinator.js';
import type {
  ChainView,
  CoordinatedGroup,
  Coordinator,
  CoordinatorChange,
} from '../../../src/replicas/types.js';
import { openState } from '../../../src/state/open.js';
import type { StateStore } from '../../../src/state/store.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics, type Metrics } from '../../../src/telemetry/metrics.js';
import { until } from '../../support/redis.js';

export const address = (n: number): Address => `0x${n.toString(16).padStart(40, '0')}`;
export const keysOf = (count: number): Address[] => Array.from({ length: count }, (_, i) => address(i + 1));
export const groupsOf = (count: number, chain = 'main'): CoordinatedGroup[] =>
  Array.from({ length: count }, (_, i) => ({ name: `${chain}-g${i + 1}`, id: i + 1, chain }));

/** A chain view whose facts the test changes. */
export function chainFacts() {
  const facts = {
    unhealthy: new Set<string>(),
    late: new Set<string>(),
    foreign: new Set<string>(),
    busy: new Set<Address>(),
    /** Told only once a test puts a group in. */
    carried: undefined as ReadonlySet<string> | undefined,
  };
  const view: ChainView = {
    healthy: (chain) => !facts.unhealthy.has(chain),
    lateGroups: () => [...facts.late],
    foreignRound: (group) => facts.foreign.has(group),
    busy: (key) => facts.busy.has(key),
    carries: (group) => facts.carried?.has(group) ?? [...facts.busy].length > 0,
  };
  return Object.assign(facts, { view });
}

export interface FleetOptions {
  readonly url: string;
  readonly keys: readonly Address[];
  readonly groups: readonly CoordinatedGroup[];
  readonly leaseMs?: number;
}

export interface Replica {
  readonly id: string;
  readonly coordinator: Coordinator;
  readonly chain: ReturnType<typeof chainFacts>;
  readonly metrics: Metrics;
  readonly state: StateStore;
  readonly lines: readonly Record<string, unknown>[];
  readonly changes: readonly CoordinatorChange[];
  readonly held: () => string[];
  readonly key: () => Address | undefined;
  /** Ends as a process does that is killed: nothing is given back. */
  readonly die: () => Promise<void>;
  /** Ends as SIGTERM ends it. */
  readonly leave: () => Promise<void>;
}

/** Starts replicas one by one and asks them all at once. */
export function createFleet({ url, keys, groups, leaseMs = 1_000 }: FleetOptions) {
  const all: Replica[] = [];
  let count = 0;

  const join = async (options: { url?: string; clock?: Clock } = {}): Promise<Replica> => {
    const { clock = systemClock } = options;
    const id = `replica-${++count}`;
    const metrics = createMetrics();
    const lines: Record<string, unknown>[] = [];
    const log = createLogger({
      level: 'info',
      destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    });
    const state = await openState({ url: options.url ?? url, log, clock, metrics });
    const chain = chainFacts();
    const coordinator = createCoordinator({
      state,
      clock,
      log,
      metrics,
      random: Math.random,
      replicaId: id,
      keys,
      groups,
      leaseMs,
      chainView: chain.view,
    });
    const changes: CoordinatorChange[] = [];
    coordinator.onChange((change) => void changes.push(change));
    const stopping = new AbortController();
    const running = coordinator.run(stopping.signal);
    const replica: Replica = {
      id,
      coordinator,
      chain,
      metrics,
      state,
      lines,
      changes,
      held: () => groups.filter(({ name }) => coordinator.holds(name)).map(({ name }) => name),
      key: () => coordinator.view().key,
      die: async () => {
        all.splice(all.indexOf(replica), 1);
        stopping.abort();
        await running;
        await state.close();
      },
      leave: async () => {
        all.splice(all.indexOf(replica), 1);
        await coordinator.release();
        await running;
        await state.close();
      },
    };
    all.push(replica);
    return replica;
  };

  const holdersOf = (group: string) => all.filter(({ coordinator }) => coordinator.holds(group));
  return {
    all,
    join,
    holdersOf,
    counts: () => all.map((replica) => replica.held().length),
    /** Waits until each group has exactly one holder and the holders' counts differ by one at most. */
    settled: (deadlineMs = 10_000) =>
      until(
        'every group has one holder, evenly',
        () => {
          if (!groups.every(({ name }) => holdersOf(name).length === 1)) return false;
          const counts = all.filter((replica) => replica.key() !== undefined).map((r) => r.held().length);
          return Math.max(...counts) - Math.min(...counts) <= 1;
        },
        { deadlineMs, everyMs: 10 },
      ),
    /** Who holds what now, as one text: the same text, the same holders. */
    map: () => groups.map(({ name }) => `${name}=${holdersOf(name).map((r) => r.id)}`).join(' '),
    end: async () => {
      for (const replica of [...all]) await replica.die();
    },
  };
}
