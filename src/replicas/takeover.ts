/** Without the store: which late groups to take, after which pause, and with whose key. Pure but for its memory of when. */
import type { Random } from '../common/random.js';
import type { Address } from '../common/words.js';
import type { Sight } from './claims.js';
import { elapsedMs, type LeaseTimes, type Moment } from './lease.js';

export interface Takeovers {
  /**
   * Groups to take now: late for longer than a random pause, so that one replica's round is on chain before the next
   * one tries. Replicas without a key wait longer: using a key without a claim is the last resort.
   */
  due(late: readonly string[], at: Moment, hasKey: boolean): string[];
  /** The store is back: nothing is taken by lateness any more. */
  forget(): void;
}

export function createTakeovers(random: Random, { leaseMs }: LeaseTimes): Takeovers {
  const waiting = new Map<string, { readonly since: Moment; readonly share: number }>();
  return {
    due: (late, at, hasKey) => {
      for (const group of [...waiting.keys()]) if (!late.includes(group)) waiting.delete(group);
      return late.filter((group) => {
        const wait = waiting.get(group) ?? { since: at, share: random() };
        waiting.set(group, wait);
        return elapsedMs(wait.since, at) >= wait.share * (leaseMs / 2) + (hasKey ? 0 : leaseMs);
      });
    },
    forget: () => waiting.clear(),
  };
}

/**
 * The key for a late group, by what the store said last: the own one of before, one that nobody had claimed, that of the
 * group's holder (which must be dead, or the group would not be late), any.
 */
export function keyForTakeover(known: {
  readonly keys: readonly Address[];
  readonly sight: Sight;
  readonly group: string;
  /** The key that this replica owned last. */
  readonly last: Address | undefined;
  /** This replica. */
  readonly holder: string;
}): Address | undefined {
  const { keys, sight, group, last, holder } = known;
  const free = (key: Address) => (sight.claims.get(key)?.holder ?? holder) === holder;
  const holderOfGroup = sight.holders.get(group);
  return (
    (last !== undefined && free(last) ? last : undefined) ??
    keys.find((key) => sight.claims.size > 0 && free(key)) ??
    keys.find((key) => holderOfGroup !== undefined && sight.claims.get(key)?.holder === holderOfGroup) ??
    keys[hash(group) % keys.length]
  );
}

const hash = (text: string): number => {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 1_000_003;
  return sum;
};
