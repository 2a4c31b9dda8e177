/** The replica's metrics and its role, from what it holds and sees. */
import type { Address } from '../common/words.js';
import { type Metrics, REPLICA_ROLES, type ReplicaRole } from '../telemetry/metrics.js';
import { groupLease, type Sight } from './claims.js';
import { elapsedMs, type Moment } from './lease.js';
import type { Leases } from './leases.js';
import type { CoordinatedGroup } from './types.js';

export interface ReplicaStatus {
  readonly keys: readonly Address[];
  readonly groups: readonly CoordinatedGroup[];
  readonly key: Address | undefined;
  readonly sight: Sight;
  readonly chains: ReadonlySet<string>;
  readonly stopped: boolean;
  /** The store cannot be used. */
  readonly away: boolean;
  readonly holder: string;
}

/** What the replica is to the operator now. */
export function roleOf({ stopped, away, key, chains }: ReplicaStatus): ReplicaRole {
  if (stopped) return 'released';
  if (away) return 'without_store';
  if (chains.size === 0) return 'blind';
  return key === undefined ? 'standby' : 'holder';
}

/** Sets the gauges. While the store is away, groups that the chain shows late count as those without a holder. */
export function publishReplicaMetrics(
  metrics: Metrics,
  status: ReplicaStatus,
  view: {
    readonly holds: (group: string) => boolean;
    readonly leases: Leases;
    readonly late: () => readonly string[];
    readonly now: Moment;
  },
): void {
  const { keys, groups, key, sight, away, holder } = status;
  const role = roleOf(status);
  for (const other of REPLICA_ROLES) metrics.replicaRole.set({ role: other }, other === role ? 1 : 0);
  for (const { name } of groups) metrics.groupLeader.set({ group: name }, view.holds(name) ? 1 : 0);

  const mine = (group: CoordinatedGroup) => view.leases.get(groupLease(group)) !== undefined;
  const unheld = away
    ? view.late().filter((name) => groups.some((group) => group.name === name && !mine(group)))
    : groups.filter((group) => !mine(group) && !sight.holders.has(group.name));
  metrics.groupsWithoutHolder.set(unheld.length);

  const others = [...sight.claims].filter(([, claim]) => claim.holder !== holder);
  const own = key === undefined ? 0 : 1;
  metrics.replicasActive.set(new Set(others.map(([, claim]) => claim.holder)).size + own);
  metrics.keysFree.set(Math.max(0, keys.length - others.length - own));

  const ages = view.leases.names().map((name) => {
    const confirmed = view.leases.get(name)?.confirmed;
    return confirmed === undefined ? 0 : elapsedMs(confirmed, view.now);
  });
  metrics.leaseAge.set(Math.max(0, ...ages) / 1_000);
}
