/** Who may publish a group, and with which key. Replicas sharing a state store answer it by leases; alone it is simple. */
import type { Address } from '../common/words.js';

export interface Leadership {
  /** Whether this replica may publish the group now. */
  holds(group: string): boolean;
  /** The transmitter key for the group; `undefined` while this replica has none for it. */
  keyFor(group: string): Address | undefined;
}

/** The only replica: it holds every group, and spreads them evenly over its keys. */
export function soleReplica(groups: readonly string[], keys: readonly Address[]): Leadership {
  const assigned = new Map(groups.map((group, index) => [group, keys[index % keys.length]]));
  return { holds: (group) => assigned.has(group), keyFor: (group) => assigned.get(group) };
}
