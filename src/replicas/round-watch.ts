/**
 * What the chain says about the groups, for replicas without a store: which are late, and where somebody else published.
 * The publisher feeds it with every reading of a group and every round of its own.
 */
import type { Clock } from '../common/time.js';

// Own rounds that are remembered per group: a reading lags behind by a few at most.
const OWN_ROUNDS = 16;

export interface GroupReading {
  /** Number of the last accepted round; 0 before the first. */
  readonly round: number;
  /** Unix seconds: the signed time of that round. */
  readonly signedAt: number;
}

export interface RoundWatch {
  /** Notes a reading of the group. An older round than the one known is a lagging endpoint's and is ignored. */
  observed(group: string, reading: GroupReading, heartbeatSeconds: number): void;
  /** Notes a round that a transaction of this process brought. */
  landed(group: string, round: number): void;
  /** Groups past heartbeat plus grace; those without any round: past the grace since they were first read. */
  lateGroups(): string[];
  /**
   * Whether the newest round came after the given time and was not brought by this process. Not judged while a
   * transaction of ours carries the group: its round may be read before it is known to be ours.
   */
  foreignRound(group: string, sinceMs: number): boolean;
}

interface Watched {
  round: number;
  /** Unix milliseconds at which this round was first read here. */
  firstReadMs: number;
  /** Unix milliseconds after which the group is late. */
  lateAtMs: number;
  readonly own: number[];
}

export function createRoundWatch(deps: {
  readonly clock: Clock;
  /** On top of the heartbeat. */
  readonly graceMs: number;
  /** Whether a transaction of this process that carries the group is under way or not yet settled. */
  readonly underWay: (group: string) => boolean;
}): RoundWatch {
  const { clock, graceMs, underWay } = deps;
  const groups = new Map<string, Watched>();

  const ownOf = (group: string): number[] => groups.get(group)?.own ?? [];
  return {
    observed: (group, { round, signedAt }, heartbeatSeconds) => {
      const known = groups.get(group);
      if (known && round < known.round) return;
      const firstReadMs = known?.round === round ? known.firstReadMs : clock.now();
      const lateAtMs = round === 0 ? firstReadMs + graceMs : (signedAt + heartbeatSeconds) * 1_000 + graceMs;
      groups.set(group, { round, firstReadMs, lateAtMs, own: ownOf(group) });
    },
    landed: (group, round) => {
      const known = groups.get(group) ?? {
        round: 0,
        firstReadMs: clock.now(),
        lateAtMs: Number.POSITIVE_INFINITY,
        own: [],
      };
      known.own.push(round);
      if (known.own.length > OWN_ROUNDS) known.own.shift();
      groups.set(group, known);
    },
    lateGroups: () => {
      const nowMs = clock.now();
      return [...groups].filter(([, { lateAtMs }]) => nowMs > lateAtMs).map(([group]) => group);
    },
    foreignRound: (group, sinceMs) => {
      const known = groups.get(group);
      if (!known || known.round === 0 || underWay(group)) return false;
      return known.firstReadMs > sinceMs && !known.own.includes(known.round);
    },
  };
}
