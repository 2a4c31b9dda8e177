/** Who publishes what: claims a key, leases groups, carries on without the store, stands down when the chain says so. */
import { sleep, withDeadline } from '../common/time.js';
import type { Address } from '../common/words.js';
import { StateError } from '../state/store.js';
import { LEASE_EVENTS } from '../telemetry/metrics.js';
import { createLoneCoordinator } from './alone.js';
import { groupLease, holderName, keyLease, writeClaim } from './claims.js';
import { createEyesight } from './eyesight.js';
import { leaseTimes, momentOf } from './lease.js';
import { createLeases } from './leases.js';
import { createOutageWatch } from './outage.js';
import { publishReplicaMetrics, roleOf } from './report.js';
import { createSettler } from './settle.js';
import { createTakeovers, keyForTakeover } from './takeover.js';
import type { CoordinatedGroup, Coordinator, CoordinatorChange, CoordinatorDeps } from './types.js';

const DEFAULT_LEASE_MS = 5_000;
// A look in flight makes at most four rounds of calls of 300 ms each.
const LAST_LOOK_MS = 1_300;
const WARNINGS = new Set<string>([
  'key_lost',
  'group_lost',
  'carrying_on',
  'stood_down',
  'taken_over',
  'woken',
]);

/**
 * Creates the coordinator. With a store that is not shared it is alone and holds everything.
 * @throws RangeError when the lease time is under 200 ms
 */
export function createCoordinator(deps: CoordinatorDeps): Coordinator {
  const { state, clock, log, metrics, random, chainView, replicaId } = deps;
  for (const event of LEASE_EVENTS) metrics.leaseEvents.inc({ event }, 0);
  if (!state.shared) return createLoneCoordinator(deps);
  const times = leaseTimes(deps.leaseMs ?? DEFAULT_LEASE_MS);
  if (times.leaseMs < 200) throw new RangeError('the lease time must be at least 200 ms');

  const keys = [...new Map(deps.keys.map((key) => [key.toLowerCase(), key])).values()];
  const holder = holderName(replicaId, Math.floor(random() * 2 ** 48).toString(36));
  const listeners = new Set<(change: CoordinatorChange) => void>();
  const ended = new AbortController();
  const leases = createLeases({ state, clock, metrics, times });
  const outages = createOutageWatch(momentOf(clock), times);
  const takeovers = createTakeovers(random, times);
  const eyesight = createEyesight(chainView, times);
  let groups: ReadonlyMap<string, CoordinatedGroup> = byName(deps.groups);
  let chains: ReadonlySet<string> = new Set();
  let looking: Promise<void> = Promise.resolve();
  let retiring = false;
  let stopped = false;

  const emit = (change: CoordinatorChange): void => {
    metrics.leaseEvents.inc({ event: change.event });
    log[WARNINGS.has(change.event) ? 'warn' : 'info'](
      { replica: holder, ...change },
      `replica: ${change.event}`,
    );
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (error) {
        log.error({ event: 'replica_listener_failed', err: error }, 'a listener to replica changes failed');
      }
    }
  };
  const settler = createSettler({
    state,
    leases,
    clock,
    random,
    times,
    holder,
    keys,
    groups: () => groups,
    underWay: (group, key) => chainView.carries?.(group) ?? chainView.busy?.(key) ?? false,
    stopped: () => stopped,
    emit,
  });
  const held = (name: string) => leases.held(name, outages.lastLook());
  const holds = (name: string): boolean => {
    const group = groups.get(name);
    const key = settler.key();
    if (stopped || !group || !key || settler.muted(name)) return false;
    return held(keyLease(key)) && held(groupLease(group));
  };

  const look = async (): Promise<void> => {
    const at = momentOf(clock);
    if (outages.begin(at) === 'woken' && leases.names().length > 0) {
      emit({ event: 'woken' });
      settler.dropAll();
    }
    try {
      chains = eyesight.look(new Set([...groups.values()].map(({ chain }) => chain)), at);
      await settler.settle({ chains, calm: outages.calm(at) && !retiring, retiring });
      // A store that answers reads and refuses writes is away, even if this look had nothing to write.
      if (!state.available()) throw new StateError('refused', 'the store is not available');
      if (outages.succeeded(momentOf(clock))) emit({ event: 'store_back' });
      takeovers.forget();
    } catch (error) {
      if (!(error instanceof StateError))
        log.error({ event: 'replica_look_failed', err: error }, 'replica: a look at the leases failed');
      const code = error instanceof StateError ? error.code : 'internal';
      const begins = outages.failed(momentOf(clock), code);
      if (outages.now()) settler.carryAll();
      if (begins) emit({ event: 'carrying_on' });
      if (begins && !retiring) for (const name of settler.takeBack()) assume(name, settler.key());
    }
    if (outages.now() && !stopped && !retiring) withoutStore();
    publish();
  };

  /** The chain arbitrates: what it shows as another's is let go, what it shows as late is taken. */
  const withoutStore = (): void => {
    for (const group of groups.values()) {
      const since = leases.get(groupLease(group))?.withoutStore;
      if (!since || !chainView.foreignRound(group.name, since.wallMs)) continue;
      leases.drop(groupLease(group));
      emit({ event: 'stood_down', group: group.name });
    }
    const late = chainView.lateGroups().filter((name) => {
      const group = groups.get(name);
      return group !== undefined && chains.has(group.chain) && !leases.get(groupLease(group));
    });
    for (const name of takeovers.due(late, momentOf(clock), settler.key() !== undefined)) {
      const known = { keys, sight: settler.sight(), group: name, last: settler.lastKey(), holder };
      assume(name, settler.key() ?? keyForTakeover(known));
    }
  };
  const assume = (name: string, key: Address | undefined): void => {
    const group = groups.get(name);
    if (!group || !key) return;
    if (!settler.key()) settler.assumeKey(key, writeClaim({ holder, chains }));
    leases.assume(groupLease(group), holder);
    emit({ event: 'taken_over', group: name, key });
  };

  const status = () => ({
    keys,
    groups: [...groups.values()],
    key: settler.key(),
    sight: settler.sight(),
    chains,
    stopped,
    away: outages.now() !== undefined,
    holder,
  });
  const publish = (): void =>
    publishReplicaMetrics(metrics, status(), {
      holds,
      leases,
      late: chainView.lateGroups,
      now: momentOf(clock),
    });

  return {
    run: async (signal) => {
      const end = AbortSignal.any([signal, ended.signal]);
      log.info(
        {
          event: 'replica_joins',
          replica: holder,
          keys: keys.length,
          groups: groups.size,
          leaseMs: times.leaseMs,
        },
        'replica joins',
      );
      while (!end.aborted) {
        looking = look();
        await looking;
        await sleep(times.pollMs, end);
      }
    },
    holds,
    keyFor: (name) => (holds(name) ? settler.key() : undefined),
    ownKeys: () => {
      const key = settler.key();
      return stopped || key === undefined || !held(keyLease(key)) ? [] : [key];
    },
    regroup: (next) => {
      for (const name of groups.keys()) metrics.groupLeader.set({ group: name }, 0);
      groups = byName(next);
      publish();
    },
    retire: () => {
      retiring = true;
    },
    release: async () => {
      if (stopped) return;
      stopped = true;
      ended.abort();
      const given = [...groups.values()].filter((group) => leases.get(groupLease(group)));
      const key: Address | undefined = settler.key();
      publish();
      await withDeadline('last look', LAST_LOOK_MS, () => looking).catch(() => undefined);
      // Groups first, then the key: who waits for the key finds the groups free.
      const names = leases.names().toSorted();
      const results = await Promise.allSettled(names.map((name) => leases.release(name)));
      for (const { name } of given) emit({ event: 'group_released', group: name });
      if (key) emit({ event: 'key_released', key });
      const failures = results.filter(({ status: result }) => result === 'rejected').length;
      if (failures > 0)
        log.warn(
          { event: 'leases_not_released', replica: holder, failures },
          'leases not released; they lapse by themselves',
        );
      publish();
    },
    view: () => {
      const { key, sight } = status();
      const outage = outages.now();
      return {
        replica: holder,
        role: roleOf(status()),
        key,
        claims: keys.map((pooled) => ({ key: pooled, holder: sight.claims.get(pooled)?.holder })),
        groups: [...groups.values()].map((group) => {
          const since = leases.get(groupLease(group))?.withoutStore;
          return {
            name: group.name,
            mine: holds(group.name),
            holder: sight.holders.get(group.name),
            ...(since ? { withoutStoreSinceMs: since.wallMs } : {}),
          };
        }),
        ...(outage ? { away: { code: outage.code, sinceMs: outage.since.wallMs } } : {}),
      };
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const byName = (groups: readonly CoordinatedGroup[]): ReadonlyMap<string, CoordinatedGroup> =>
  new Map(groups.map((group) => [group.name, group]));
