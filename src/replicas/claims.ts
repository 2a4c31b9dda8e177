/** What the store says about keys and groups: the names of the leases, and what their values mean. */
import type { Address } from '../common/words.js';
import type { StateStore } from '../state/store.js';
import type { CoordinatedGroup } from './types.js';

/** A key's claim: who, and the chains that it sees, by which the others know what it can take. */
export interface Claim {
  readonly holder: string;
  readonly chains: ReadonlySet<string>;
}

/** One look at the store. Keys and groups that nobody claims are absent. */
export interface Sight {
  readonly claims: ReadonlyMap<Address, Claim>;
  /** Group name to holder. */
  readonly holders: ReadonlyMap<string, string>;
  /** Lease name to value, as it stood. */
  readonly values: ReadonlyMap<string, string>;
}

export const NO_SIGHT: Sight = { claims: new Map(), holders: new Map(), values: new Map() };

export const keyLease = (key: Address): string => `lease:key:${key.toLowerCase()}`;
export const groupLease = ({ chain, id }: CoordinatedGroup): string =>
  `lease:group:${encodeURIComponent(chain)}:${id}`;

/** A replica's name in the store: readable, without the separators, unique by its suffix. */
export const holderName = (replicaId: string, suffix: string): string =>
  `${encodeURIComponent(replicaId).slice(0, 100)}#${suffix}`;

export const writeClaim = ({ holder, chains }: Claim): string =>
  `${holder} ${[...chains].sort().map(encodeURIComponent).join(',')}`;

export function readClaim(value: string): Claim {
  const [holder = '', chains = ''] = value.split(' ');
  return { holder, chains: new Set(chains.split(',').filter(Boolean).map(decode)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads all claims and leases at one moment. Throws StateError. */
export async function look(
  state: StateStore,
  keys: readonly Address[],
  groups: readonly CoordinatedGroup[],
): Promise<Sight> {
  const names = [...keys.map(keyLease), ...groups.map(groupLease)];
  const found = await state.getMany(names);
  const claims = new Map<Address, Claim>();
  const holders = new Map<string, string>();
  const values = new Map<string, string>();
  names.forEach((name, at) => {
    const value = found[at];
    if (value === undefined) return;
    values.set(name, value);
    const key = keys[at];
    const group = groups[at - keys.length];
    if (key) claims.set(key, readClaim(value));
    else if (group) holders.set(group.name, value);
  });
  return { claims, holders, values };
}
