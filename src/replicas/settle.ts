/** One look at the store and what follows from it: renew, claim a key, take the fair share of groups, give up the rest. */

import type { Random } from '../common/random.js';
import type { Clock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { StateStore } from '../state/store.js';
import { groupLease, keyLease, look, NO_SIGHT, type Sight, writeClaim } from './claims.js';
import { elapsedMs, type LeaseTimes, type Moment, momentOf } from './lease.js';
import type { Leases } from './leases.js';
import { share } from './share.js';
import type { CoordinatedGroup, CoordinatorChange } from './types.js';

// A look that finds keys free tries so many of them; others may be quicker.
const KEY_TRIES = 3;

export interface SettlerDeps {
  readonly state: StateStore;
  readonly leases: Leases;
  readonly clock: Clock;
  readonly random: Random;
  readonly times: LeaseTimes;
  /** This replica's unique name in the store. */
  readonly holder: string;
  readonly keys: readonly Address[];
  readonly groups: () => ReadonlyMap<string, CoordinatedGroup>;
  /** Whether a transaction under way with the own key may carry the group. */
  readonly underWay: (group: string, key: Address) => boolean;
  readonly stopped: () => boolean;
  readonly emit: (change: CoordinatorChange) => void;
}

export interface LookOptions {
  /** The chains that this replica sees now. */
  readonly chains: ReadonlySet<string>;
  /** Renew and claim back, but take and give nothing. */
  readonly calm: boolean;
  /** Take nothing, and give everything. */
  readonly retiring: boolean;
}

export interface Settler {
  readonly key: () => Address | undefined;
  /** The key that was owned last, even if it is lost by now. */
  readonly lastKey: () => Address | undefined;
  readonly sight: () => Sight;
  /** Whether a group that is about to be given away must not be published any more. */
  readonly muted: (group: string) => boolean;
  /** Throws StateError when the store does not answer; what was held by then stays noted as held. */
  settle(options: LookOptions): Promise<void>;
  /** Uses a key without a claim. */
  assumeKey(key: Address, value: string): void;
  /** The store is away: what it confirmed once stays held. */
  carryAll(): void;
  /** The store went away: groups just given away, that nobody was seen to take, are nobody's. */
  readonly takeBack: () => readonly string[];
  /** Stops holding everything, without a word to the store. */
  dropAll(): void;
}

export function createSettler(deps: SettlerDeps): Settler {
  const { state, leases, clock, random, times, holder, keys, groups, underWay, stopped, emit } = deps;
  let own: Address | undefined;
  let last: Address | undefined;
  let sight = NO_SIGHT;
  const leaving = new Map<string, Moment>();
  /** Groups given away that nobody was seen to take yet. */
  const given = new Map<string, Moment>();

  const nameOf = (group: string): string | undefined => {
    const configured = groups().get(group);
    return configured && groupLease(configured);
  };

  const dropGroup = (group: string): void => {
    const name = nameOf(group);
    leaving.delete(group);
    if (name === undefined || !leases.get(name)) return;
    leases.drop(name);
    emit({ event: 'group_lost', group });
  };
  const loseKey = (): void => {
    if (own === undefined) return;
    leases.drop(keyLease(own));
    emit({ event: 'key_lost', key: own });
    own = undefined;
    for (const group of groups().keys()) dropGroup(group);
  };

  /** Believes what the store shows: what is another's is lost at once, what is ours is noted even if we did not know. */
  const compare = (): void => {
    for (const [key, claim] of sight.claims) {
      const name = keyLease(key);
      if (claim.holder === holder) {
        leases.found(name, sight.values.get(name) ?? '');
        if (own === undefined) setOwn(key);
      } else if (own === key) loseKey();
    }
    if (own !== undefined && !leases.get(keyLease(own))) loseKey();
    for (const [group, since] of given)
      if (sight.holders.has(group) || elapsedMs(since, momentOf(clock)) > times.leaseMs) given.delete(group);
    for (const [group, claimant] of sight.holders) {
      if (claimant === holder) leases.found(nameOf(group) ?? '', claimant);
      else dropGroup(group);
    }
  };
  const setOwn = (key: Address): void => {
    own = key;
    last = key;
    emit({ event: 'key_claimed', key });
  };

  /** Leases of groups that the configuration no longer has. */
  const strays = (): string[] => {
    const names = new Set([...groups().values()].map(groupLease));
    return leases.names().filter((name) => name.startsWith('lease:group:') && !names.has(name));
  };

  const renewAll = async ({ chains, retiring }: LookOptions): Promise<void> => {
    // Who is about to end sees no chain, as far as the others' shares are concerned.
    const claim = writeClaim({ holder, chains: retiring ? new Set() : chains });
    const ownName = own && keyLease(own);
    const renewOne = async (name: string): Promise<void> => {
      const value = name.startsWith('lease:key:') ? claim : holder;
      const gone = !sight.values.has(name);
      if (!gone && !leases.renewalDue(name) && leases.get(name)?.value === value) return;
      if (gone ? await leases.claim(name, value) : await leases.renew(name, value)) return;
      if (name === ownName) loseKey();
      for (const group of groups().values())
        if (groupLease(group) === name) emit({ event: 'group_lost', group: group.name });
    };
    const gone = new Set(strays());
    await all(
      leases
        .names()
        .filter((name) => !gone.has(name))
        .map(renewOne),
    );
  };

  const settleKey = async ({ chains, calm, retiring }: LookOptions): Promise<void> => {
    if (own === undefined && chains.size > 0 && !calm && !retiring) {
      const start = Math.floor(random() * keys.length);
      const rotated = [...keys.slice(start), ...keys.slice(0, start)];
      const free = (last ? [last, ...rotated] : rotated).filter((key) => !sight.claims.has(key));
      for (const key of free.slice(0, KEY_TRIES)) {
        if (stopped() || !(await leases.claim(keyLease(key), writeClaim({ holder, chains })))) continue;
        setOwn(key);
        break;
      }
    }
    for (const [key, claim] of sight.claims)
      if (claim.holder === holder && key !== own && leases.get(keyLease(key)))
        await leases.release(keyLease(key));
    if (own === undefined || chains.size > 0) return;
    const unused = own;
    own = undefined;
    emit({ event: 'key_released', key: unused });
    await leases.release(keyLease(unused));
  };

  const settleGroups = async ({ chains, calm, retiring }: LookOptions): Promise<void> => {
    const configured = [...groups().values()];
    await all(strays().map((name) => leases.release(name)));
    if (calm) return;

    const replicas = new Map<string, ReadonlySet<string>>();
    for (const claim of sight.claims.values()) replicas.set(claim.holder, claim.chains);
    replicas.delete(holder);
    if (own !== undefined && !retiring) replicas.set(holder, chains);
    const members = [...replicas].map(([id, seen]) => ({ id, chains: seen }));
    const holders = new Map(sight.holders);
    for (const group of configured) if (leases.get(groupLease(group))) holders.set(group.name, holder);
    const target = share(configured, members, holders);
    await all(
      configured.map(async (group) => {
        const mine = leases.get(groupLease(group)) !== undefined;
        if (target.get(group.name) === holder) {
          leaving.delete(group.name);
          if (mine || stopped() || sight.holders.has(group.name)) return;
          if (await leases.claim(groupLease(group), holder))
            emit({ event: 'group_acquired', group: group.name });
        } else if (mine) await give(group, chains);
      }),
    );
  };

  /**
   * Gives a group away between two transactions, or after twice the lease time in any case. A transaction on a chain that
   * is not seen any more is not waited for.
   */
  const give = async (group: CoordinatedGroup, chains: ReadonlySet<string>): Promise<void> => {
    const now = momentOf(clock);
    const since = leaving.get(group.name) ?? now;
    leaving.set(group.name, since);
    const settling = own !== undefined && chains.has(group.chain) && underWay(group.name, own);
    if (settling && elapsedMs(since, now) < 2 * times.leaseMs) return;
    leaving.delete(group.name);
    if (chains.has(group.chain)) given.set(group.name, now);
    emit({ event: 'group_released', group: group.name });
    await leases.release(groupLease(group));
  };

  return {
    key: () => own,
    lastKey: () => last,
    sight: () => sight,
    muted: (group) => {
      const since = leaving.get(group);
      return since !== undefined && elapsedMs(since, momentOf(clock)) >= times.leaseMs;
    },
    settle: async (options) => {
      sight = await look(state, keys, [...groups().values()]);
      compare();
      for (const phase of [() => renewAll(options), () => settleKey(options), () => settleGroups(options)])
        if (!stopped()) await phase();
    },
    assumeKey: (key, value) => {
      own = key;
      last = key;
      leases.assume(keyLease(key), value);
    },
    carryAll: () => {
      for (const name of leases.names()) leases.carry(name);
      if (own !== undefined && !leases.get(keyLease(own))) loseKey();
    },
    takeBack: () => {
      const groupsBack = own === undefined ? [] : [...given.keys()];
      given.clear();
      return groupsBack;
    },
    dropAll: () => {
      given.clear();
      loseKey();
      for (const name of leases.names()) leases.drop(name);
    },
  };
}

/** Waits for all, then throws the first error: an unanswered call must not leave others running unseen. */
async function all(works: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === 'rejected') throw result.reason;
}
