/** Who may publish a group, and with which key. Replicas sharing a state store answer it by leases; alone it is simple. */
import type { Address } from '../common/words.js';

export interface Leadership {
  /** Whether this replica may publish the group now. */
  holds(group: string): boolean;
  /** The transmitter key for the group; `undefined` while this replica has none for it. */
  keyFor(group: string): Address | undefined;
}
