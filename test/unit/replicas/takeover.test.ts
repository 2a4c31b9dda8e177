import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/common/words.js';
import { NO_SIGHT, readClaim, type Sight, writeClaim } from '../../../src/replicas/claims.js';
import { createEyesight } from '../../../src/replicas/eyesight.js';
import { leaseTimes, type Moment } from '../../../src/replicas/lease.js';
import { createTakeovers, keyForTakeover } from '../../../src/replicas/takeover.js';

const times = leaseTimes(5_000);
const at = (ms: number): Moment => ({ monotonicMs: ms, wallMs: ms });
const K1: Address = '0x1111111111111111111111111111111111111111';
const K2: Address = '0x2222222222222222222222222222222222222222';

describe('taking late groups over without the store', () => {
  it('waits a random part of half a lease, so that one is first', () => {
    const takeovers = createTakeovers(() => 0.5, times);
    expect(takeovers.due(['a'], at(0), true)).toEqual([]);
    expect(takeovers.due(['a', 'b'], at(1_249), true)).toEqual([]);
    expect(takeovers.due(['a', 'b'], at(1_250), true)).toEqual(['a']);
    expect(takeovers.due(['a', 'b'], at(2_499), true)).toEqual(['a', 'b']);
  });

  it('waits a lease longer without a key', () => {
    const takeovers = createTakeovers(() => 0, times);
    expect(takeovers.due(['a'], at(0), false)).toEqual([]);
    expect(takeovers.due(['a'], at(4_999), false)).toEqual([]);
    expect(takeovers.due(['a'], at(5_000), false)).toEqual(['a']);
  });

  it('starts anew when the group was published meanwhile, or the store came back', () => {
    const takeovers = createTakeovers(() => 1, times);
    takeovers.due(['a'], at(0), true);
    takeovers.due([], at(2_000), true);
    expect(takeovers.due(['a'], at(2_600), true)).toEqual([]);
    takeovers.forget();
    expect(takeovers.due(['a'], at(5_200), true)).toEqual([]);
    expect(takeovers.due(['a'], at(7_700), true)).toEqual(['a']);
  });
});

describe('the key for a late group', () => {
  const sight = (claims: [Address, string][], holders: [string, string][]): Sight => ({
    claims: new Map(claims.map(([key, holder]) => [key, { holder, chains: new Set<string>() }])),
    holders: new Map(holders),
    values: new Map(),
  });
  const choose = (known: Sight, last?: Address) =>
    keyForTakeover({ keys: [K1, K2], sight: known, group: 'g', last, holder: 'me' });

  it('is the own one of before, unless another has it by now', () => {
    expect(choose(sight([[K1, 'a']], []), K2)).toBe(K2);
    expect(choose(sight([[K2, 'me']], []), K2)).toBe(K2);
    expect(choose(sight([[K2, 'b']], []), K2)).toBe(K1);
  });
  it('is one that nobody had claimed, else that of the dead holder', () => {
    expect(choose(sight([[K1, 'a']], [['g', 'a']]))).toBe(K2);
    const full: [Address, string][] = [
      [K1, 'a'],
      [K2, 'b'],
    ];
    expect(choose(sight(full, [['g', 'b']]))).toBe(K2);
    expect(choose(sight(full, [['g', 'a']]))).toBe(K1);
  });
  it('is any, but always the same, when nothing was ever seen', () => {
    expect([K1, K2]).toContain(choose(NO_SIGHT));
    expect(choose(NO_SIGHT)).toBe(choose(NO_SIGHT));
    expect(
      keyForTakeover({ keys: [], sight: NO_SIGHT, group: 'g', last: undefined, holder: 'me' }),
    ).toBeUndefined();
  });
});

describe('a claim', () => {
  it('is written and read back, odd names of chains included', () => {
    const claim = { holder: 'pod-1#x', chains: new Set(['main', 'a,b c%', 'ü']) };
    expect(readClaim(writeClaim(claim))).toEqual(claim);
    expect(readClaim(writeClaim({ holder: 'h', chains: new Set() }))).toEqual({
      holder: 'h',
      chains: new Set(),
    });
  });
  it('of another kind is another’s claim, not an error', () => {
    expect(readClaim('')).toEqual({ holder: '', chains: new Set() });
    expect(readClaim('x %E0%A4%A')).toEqual({ holder: 'x', chains: new Set(['%E0%A4%A']) });
  });
});

describe('eyesight', () => {
  it('counts a chain as seen for a third of a lease after it was last healthy', () => {
    const unhealthy = new Set<string>();
    const eyesight = createEyesight(
      { healthy: (chain) => !unhealthy.has(chain), lateGroups: () => [], foreignRound: () => false },
      times,
    );
    const chains = new Set(['a', 'b']);
    expect([...eyesight.look(chains, at(0))]).toEqual(['a', 'b']);
    unhealthy.add('a');
    expect([...eyesight.look(chains, at(times.renewMs - 1))]).toEqual(['a', 'b']);
    expect([...eyesight.look(chains, at(times.renewMs))]).toEqual(['b']);
    unhealthy.add('b');
    expect([...eyesight.look(chains, at(9_000))]).toEqual([]);
    unhealthy.clear();
    expect([...eyesight.look(chains, at(9_250))]).toEqual(['a', 'b']);
  });
});
