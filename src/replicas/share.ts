/** Which replica should hold which group: computed alike by every replica from the same view, moving as little as it can. */

export interface ShareGroup {
  readonly name: string;
  readonly chain: string;
}

/** A replica that owns a key, with the chains that it sees. */
export interface ShareReplica {
  readonly id: string;
  readonly chains: ReadonlySet<string>;
}

/**
 * Spreads groups over replicas. A group stays with its holder unless the holder is gone, does not see the group's
 * chain, or holds two more than another replica that could take it. Where all replicas see all chains, their counts
 * differ by at most one.
 * @param holders group name to the id of its present holder
 * @returns group name to replica id; a group whose chain nobody sees is left out
 */
export function share(
  groups: readonly ShareGroup[],
  replicas: readonly ShareReplica[],
  holders: ReadonlyMap<string, string>,
): Map<string, string> {
  const ordered = [...groups].sort((a, b) => order(a.name, b.name));
  const members = [...replicas].sort((a, b) => order(a.id, b.id));
  const shares = new Map(members.map(({ id }) => [id, [] as ShareGroup[]]));
  const count = ({ id }: ShareReplica) => shares.get(id)?.length ?? 0;
  const sees = ({ chains }: ShareReplica, { chain }: ShareGroup) => chains.has(chain);
  const lightest = (candidates: readonly ShareReplica[]) =>
    candidates.reduce<ShareReplica | undefined>(
      (best, member) => (best && count(best) <= count(member) ? best : member),
      undefined,
    );

  const free: ShareGroup[] = [];
  for (const group of ordered) {
    const holder = members.find(({ id }) => id === holders.get(group.name));
    if (holder && sees(holder, group)) shares.get(holder.id)?.push(group);
    else free.push(group);
  }
  for (const group of free) {
    const taker = lightest(members.filter((member) => sees(member, group)));
    if (taker) shares.get(taker.id)?.push(group);
  }

  // Each move lowers the sum of the squared counts, so this ends.
  for (let moved = true; moved; ) {
    moved = false;
    for (const giver of [...members].sort((a, b) => count(b) - count(a) || order(a.id, b.id))) {
      const given = shares.get(giver.id) ?? [];
      for (let at = given.length - 1; at >= 0 && !moved; at--) {
        const group = given[at];
        if (!group) continue;
        const taker = lightest(members.filter((member) => sees(member, group)));
        if (!taker || count(giver) < count(taker) + 2) continue;
        given.splice(at, 1);
        shares.get(taker.id)?.push(group);
        moved = true;
      }
      if (moved) break;
    }
  }

  const result = new Map<string, string>();
  for (const [id, held] of shares) for (const { name } of held) result.set(name, id);
  return result;
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
