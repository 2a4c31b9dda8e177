/** The last known round of each group: kept in the state store, checked against the chain, repaired from it. */
import type { Address, GroupOnChain } from '../common/words.js';
import type { StateStore } from '../state/store.js';
import type { Logger } from '../telemetry/logger.js';

/** Names a group across chains. */
export interface GroupKey {
  readonly chainId: number;
  readonly aggregator: Address;
  readonly group: number;
}

export interface RoundStore {
  /**
   * Takes what the chain said. A read of an older block than the one held is ignored, unless the held one is from a
   * reorganised past (older than a minute). A stored round that says something else is overwritten and reported.
   */
  observe(key: GroupKey, onChain: GroupOnChain): Promise<void>;
  /** The round to decide against: the stored one, or this process's own copy while the store is away or holds rubbish. */
  known(key: GroupKey): Promise<GroupOnChain | undefined>;
}

interface Deps {
  readonly state: StateStore;
  readonly log: Logger;
}

const STALE_COPY_SECONDS = 60;

export function createRoundStore({ state, log }: Deps): RoundStore {
  const copies = new Map<string, GroupOnChain>();

  return {
    async observe(key, onChain) {
      const name = nameOf(key);
      const copy = copies.get(name);
      const older = copy !== undefined && onChain.blockNumber < copy.blockNumber;
      if (older && onChain.blockTimestamp > copy.blockTimestamp - STALE_COPY_SECONDS) return;
      copies.set(name, onChain);
      const changed = copy === undefined || !sameRound(copy, onChain);
      try {
        const text = await state.get(name);
        const stored = text === undefined ? undefined : deserialize(text);
        if (stored && sameRound(stored, onChain)) return;
        if (text !== undefined && !changed)
          log.warn(
            {
              event: 'stored_round_repaired',
              group: key.group,
              chainRound: onChain.round,
              storedRound: stored?.round,
            },
            'the stored round differed from the chain and was overwritten',
          );
        if (stored && stored.blockNumber > onChain.blockNumber && stored.round > onChain.round && changed)
          return;
        await state.set(name, serialize(onChain));
      } catch {
        // The store says itself when it is away; the process's own copy serves meanwhile.
      }
    },

    async known(key) {
      const name = nameOf(key);
      const copy = copies.get(name);
      try {
        const text = await state.get(name);
        const stored = text === undefined ? undefined : deserialize(text);
        return stored ?? copy;
      } catch {
        return copy;
      }
    },
  };
}

const nameOf = ({ chainId, aggregator, group }: GroupKey) =>
  `round:${chainId}:${aggregator.toLowerCase()}:${group}`;

/** Whether two readings say the same of the group; the block they were read at does not count. */
function sameRound(a: GroupOnChain, b: GroupOnChain): boolean {
  const of = ({ blockNumber: _number, blockTimestamp: _timestamp, ...rest }: GroupOnChain) =>
    serialize({ ...rest, blockNumber: 0n, blockTimestamp: 0 });
  return of(a) === of(b);
}

function serialize(onChain: GroupOnChain): string {
  const { group, round, signedAt, threshold, signers, signersHash, wide, paused, feeds } = onChain;
  return JSON.stringify({
    group,
    round,
    signedAt,
    threshold,
    signers,
    signersHash: signersHash.toLowerCase(),
    wide,
    paused,
    feeds: feeds.map((feed) => [feed.answer.toString(), feed.round, feed.updatedAt]),
    blockNumber: onChain.blockNumber.toString(),
    blockTimestamp: onChain.blockTimestamp,
  });
}

/** Reads a stored round strictly: anything unexpected is `undefined`, because others can write to the store. */
function deserialize(text: string): GroupOnChain | undefined {
  try {
    const raw = JSON.parse(text) as Record<string, unknown>;
    const count = (value: unknown): number => {
      if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError('not a count');
      return value as number;
    };
    const flag = (value: unknown): boolean => {
      if (typeof value !== 'boolean') throw new TypeError('not a flag');
      return value;
    };
    if (!Array.isArray(raw.feeds) || !/^0x[0-9a-f]{40}$/.test(String(raw.signersHash))) return undefined;
    return {
      group: count(raw.group),
      round: count(raw.round),
      signedAt: count(raw.signedAt),
      threshold: count(raw.threshold),
      signers: count(raw.signers),
      signersHash: raw.signersHash as Address,
      wide: flag(raw.wide),
      paused: flag(raw.paused),
      feeds: raw.feeds.map((feed: unknown) => {
        const [answer, round, updatedAt] = feed as [unknown, unknown, unknown];
        return { answer: BigInt(answer as string), round: count(round), updatedAt: count(updatedAt) };
      }),
      blockNumber: BigInt(raw.blockNumber as string),
      blockTimestamp: count(raw.blockTimestamp),
    };
  } catch {
    return undefined;
  }
}
