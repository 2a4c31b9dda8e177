/** The coordinator of a single replica (`STATE_URL=memory:`): it holds every group, with all its keys at once. */
import type { Address } from '../common/words.js';
import { REPLICA_ROLES } from '../telemetry/metrics.js';
import type { CoordinatedGroup, Coordinator, CoordinatorDeps } from './types.js';

export function createLoneCoordinator({
  replicaId,
  keys,
  groups,
  metrics,
  log,
}: CoordinatorDeps): Coordinator {
  let current = new Map<string, Address | undefined>();
  let released = false;
  const ended = new AbortController();

  const publishMetrics = (): void => {
    for (const group of current.keys()) metrics.groupLeader.set({ group }, released ? 0 : 1);
    for (const role of REPLICA_ROLES)
      metrics.replicaRole.set({ role }, role === (released ? 'released' : 'alone') ? 1 : 0);
    metrics.groupsWithoutHolder.set(released ? current.size : 0);
    metrics.replicasActive.set(released ? 0 : 1);
    metrics.keysFree.set(0);
  };
  const regroup = (next: readonly CoordinatedGroup[]): void => {
    // Groups are dealt over the keys by their place among the ids, so that a restart deals them alike.
    const ordered = [...next].sort((a, b) => (a.chain < b.chain ? -1 : a.chain > b.chain ? 1 : a.id - b.id));
    for (const group of current.keys()) metrics.groupLeader.set({ group }, 0);
    current = new Map(ordered.map(({ name }, at) => [name, keys[at % keys.length]]));
    publishMetrics();
  };
  regroup(groups);

  return {
    run: async (signal) => {
      log.info(
        { event: 'replica_alone', replica: replicaId, keys: keys.length, groups: current.size },
        'one replica holds all groups',
      );
      if (signal.aborted || released) return;
      await new Promise<void>((resolve) => {
        for (const end of [signal, ended.signal])
          end.addEventListener('abort', () => resolve(), { once: true });
      });
    },
    // Without keys too: a dry run decides and sends nothing.
    holds: (group) => !released && current.has(group),
    keyFor: (group) => (released ? undefined : current.get(group)),
    ownKeys: () => (released ? [] : keys),
    regroup,
    retire: () => undefined,
    release: async () => {
      released = true;
      publishMetrics();
      ended.abort();
    },
    view: () => ({
      replica: replicaId,
      role: released ? 'released' : 'alone',
      key: released ? undefined : keys[0],
      claims: keys.map((key) => ({ key, holder: released ? undefined : replicaId })),
      groups: [...current.keys()].map((name) => ({
        name,
        mine: !released,
        holder: released ? undefined : replicaId,
      })),
    }),
    onChange: () => () => undefined,
  };
}
