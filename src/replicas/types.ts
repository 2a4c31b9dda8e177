/** What replicas offer to the publisher: which groups it may publish now, and with which key. */

import type { Random } from '../common/random.js';
import type { Clock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { StateStore } from '../state/store.js';
import type { Logger } from '../telemetry/logger.js';
import type { LeaseEvent, Metrics, ReplicaRole } from '../telemetry/metrics.js';

export interface CoordinatedGroup {
  readonly name: string;
  /** On-chain id. */
  readonly id: number;
  /** Name of its chain. */
  readonly chain: string;
}

/** The chain as this replica sees it: the arbiter when the store is away. All calls are cheap and do no I/O. */
export interface ChainView {
  /** Whether at least one endpoint of the chain is healthy. */
  healthy(chain: string): boolean;
  /** Names of the groups that the chain shows past heartbeat plus grace; those that never had a round count once due. */
  lateGroups(): readonly string[];
  /**
   * Whether the chain shows a round of the group that this process did not send and that came after the given time
   * (unix milliseconds). Judge by the transaction, not by its sender: another replica may send with the same key.
   */
  foreignRound(group: string, heldWithoutStoreSinceMs: number): boolean;
  /** Whether a transaction of the key is under way: a group that is given away waits for it, twice a lease at most. */
  busy?(key: Address): boolean;
  /** Whether a transaction under way carries the group: where it is told, only such groups wait. */
  carries?(group: string): boolean;
}

export interface CoordinatorDeps {
  readonly state: StateStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
  /** For the operator's eyes, such as the pod's name; made unique per process by a random suffix. */
  readonly replicaId: string;
  /** The pool, the same on all replicas that share the store. */
  readonly keys: readonly Address[];
  readonly groups: readonly CoordinatedGroup[];
  /** The longest time from a holder's sudden death to the claim of its groups by another. */
  readonly leaseMs?: number;
  readonly chainView: ChainView;
}

export interface CoordinatorChange {
  readonly event: LeaseEvent;
  readonly group?: string;
  readonly key?: Address;
}

export interface CoordinatedGroupView {
  readonly name: string;
  /** Whether this replica may publish it now. */
  readonly mine: boolean;
  /** Holder as last read from the store; this replica's own name when alone. */
  readonly holder: string | undefined;
  /** Held without the store since, unix milliseconds. */
  readonly withoutStoreSinceMs?: number;
}

export interface CoordinatorView {
  readonly replica: string;
  readonly role: ReplicaRole;
  readonly key: Address | undefined;
  /** Keys of the pool and who claimed them, as last read from the store. */
  readonly claims: readonly { readonly key: Address; readonly holder: string | undefined }[];
  readonly groups: readonly CoordinatedGroupView[];
  /** Why the store cannot be used, and since when (unix milliseconds). */
  readonly away?: { readonly code: string; readonly sinceMs: number };
}

export interface Coordinator {
  /** Claims, renews, gives and takes until the signal aborts or `release` was called. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Whether this replica may publish the group now. Ask again right before signing. */
  holds(group: string): boolean;
  /** The key to publish the group with, or `undefined` when this replica may not publish it now. */
  keyFor(group: string): Address | undefined;
  /** Every key that this replica owns now: one with a shared store, all when alone. */
  ownKeys(): readonly Address[];
  /** Groups of a reloaded configuration; leases of those that are gone are given back. */
  regroup(groups: readonly CoordinatedGroup[]): void;
  /**
   * Stops deciding: claims nothing any more and gives each group back as soon as no transaction carries it. Call it when
   * the process is asked to end, and `release` once what was under way has settled.
   */
  retire(): void;
  /**
   * Holds nothing from this moment on and gives everything back, so that others take over at once. Call it once the
   * transaction in flight has settled; `run` must still run until then. Ends within two seconds, never throws.
   */
  release(): Promise<void>;
  view(): CoordinatorView;
  /** @returns a function that ends the listening */
  onChange(listener: (change: CoordinatorChange) => void): () => void;
}
