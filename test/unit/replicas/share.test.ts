import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ShareGroup, type ShareReplica, share } from '../../../src/replicas/share.js';

const CHAINS = ['a', 'b', 'c'];
const groupsOf = (count: number, chains = ['a']): ShareGroup[] =>
  Array.from({ length: count }, (_, i) => ({ name: `g${i}`, chain: chains[i % chains.length] ?? 'a' }));
const replicasOf = (count: number, chains = ['a']): ShareReplica[] =>
  Array.from({ length: count }, (_, i) => ({ id: `r${i}`, chains: new Set(chains) }));
const counts = (result: ReadonlyMap<string, string>, replicas: readonly ShareReplica[]) =>
  replicas.map(({ id }) => [...result.values()].filter((holder) => holder === id).length);
const moves = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) =>
  [...after].filter(([group, holder]) => before.has(group) && before.get(group) !== holder).length;

const scene = fc.record({
  groups: fc
    .array(fc.constantFrom(...CHAINS), { maxLength: 40 })
    .map((chains) => chains.map((chain, i): ShareGroup => ({ name: `g${i}`, chain }))),
  replicas: fc
    .array(fc.subarray(CHAINS), { maxLength: 9 })
    .map((all) => all.map((chains, i): ShareReplica => ({ id: `r${i}`, chains: new Set(chains) }))),
  held: fc
    .array(fc.integer({ min: 0, max: 11 }), { maxLength: 40 })
    .map(
      (held) =>
        new Map<string, string>(held.flatMap((r, i) => (r > 10 ? [] : [[`g${i}`, `r${r}`] as const]))),
    ),
});

describe('share', () => {
  it.each([1, 2, 4, 8])('spreads 18 groups over %i replicas within one of each other', (count) => {
    const replicas = replicasOf(count);
    const spread = counts(share(groupsOf(18), replicas, new Map()), replicas);
    expect(Math.max(...spread) - Math.min(...spread)).toBeLessThanOrEqual(1);
    expect(spread.reduce((a, b) => a + b)).toBe(18);
  });

  it('moves nothing while nothing changes, and only what it must when a replica joins or leaves', () => {
    const groups = groupsOf(12);
    const three = share(groups, replicasOf(3), new Map());
    expect(share(groups, replicasOf(3), three)).toEqual(three);
    const four = share(groups, replicasOf(4), three);
    expect(moves(three, four)).toBe(3);
    const back = share(groups, replicasOf(3), four);
    expect(moves(four, back)).toBe(3);
  });

  it('leaves a group unheld when nobody sees its chain, and gives it to the one who does', () => {
    const groups = groupsOf(4, ['a', 'b']);
    const [r0, r1] = [
      { id: 'r0', chains: new Set(['a']) },
      { id: 'r1', chains: new Set<string>() },
    ];
    expect([...share(groups, [r0, r1], new Map([['g1', 'r1']])).keys()].sort()).toEqual(['g0', 'g2']);
    const healed = share(groups, [r0, { id: 'r1', chains: new Set(['a', 'b']) }], new Map());
    expect([healed.get('g1'), healed.get('g3')]).toEqual(['r1', 'r1']);
  });

  it('property: within one where all see all, whoever held what before', () => {
    fc.assert(
      fc.property(scene, ({ groups, replicas, held }) => {
        const all = replicas.map(({ id }) => ({ id, chains: new Set(CHAINS) }));
        const result = share(groups, all, held);
        expect(result.size).toBe(all.length === 0 ? 0 : groups.length);
        if (all.length === 0) return;
        const spread = counts(result, all);
        expect(Math.max(...spread) - Math.min(...spread)).toBeLessThanOrEqual(1);
        // Never more moves than a holder had above its fair share, plus what the gone and the light ones take.
        const present = new Map([...held].filter(([, id]) => all.some((replica) => replica.id === id)));
        const mine = groups.filter(({ name }) => present.has(name)).map(({ name }) => name);
        const most = Math.ceil(groups.length / all.length);
        const least = Math.floor(groups.length / all.length);
        const heldBy = all.map(({ id }) => mine.filter((name) => present.get(name) === id).length);
        const over = heldBy.reduce((sum, n) => sum + Math.max(0, n - least), 0);
        expect(moves(present, result)).toBeLessThanOrEqual(over);
        if (heldBy.every((n) => n <= most && n >= least)) expect(moves(present, result)).toBe(0);
      }),
    );
  });

  it('property: a group goes to one who sees its chain whenever there is one, and a second look moves nothing', () => {
    fc.assert(
      fc.property(scene, ({ groups, replicas, held }) => {
        const result = share(groups, replicas, held);
        for (const { name, chain } of groups) {
          const seers = replicas.filter(({ chains }) => chains.has(chain)).map(({ id }) => id);
          if (seers.length === 0) expect(result.has(name)).toBe(false);
          else expect(seers).toContain(result.get(name));
        }
        expect(share(groups, replicas, result)).toEqual(result);
        expect(share([...groups].reverse(), [...replicas].reverse(), held)).toEqual(result);
      }),
    );
  });
});
