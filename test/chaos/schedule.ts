/** A seeded schedule of faults: the same seed gives the same faults at the same moments. Pure. */
import type { Random } from '../../src/common/random.js';
import type { Faults } from './proxy.js';

/** Something that happens to the chain itself. */
export type ChainEvent =
  | { readonly kind: 'none' }
  /** No blocks for this long. */
  | { readonly kind: 'halt'; readonly ms: number }
  /** The next block's base fee, in gwei. */
  | { readonly kind: 'fee_spike'; readonly gwei: number }
  /** The base fee of each block, in gwei: faster than any bid allows for, so that what is in the pool stays there. */
  | { readonly kind: 'fee_climb'; readonly gwei: readonly number[] };

export interface Scene {
  readonly forMs: number;
  readonly names: readonly [string, string];
  readonly faults: readonly [Faults, Faults];
  readonly chain: ChainEvent;
}

const SEND = /^eth_sendRawTransaction$/;

/** Faults that an endpoint may have while the other one works. */
const SEVERE: readonly (readonly [string, Faults])[] = [
  ['gone', { cut: true }],
  ['answers 502 to everything', { loseReply: 502 }],
  ['hangs', { delayMs: 3_000 }],
  ['of another chain', { chainId: 1 }],
  ['a thousand blocks ahead', { heightOffset: 1_000 }],
  ['fifty blocks behind', { heightOffset: -50 }],
  ['stands at block 3', { frozenAt: 3n }],
  ['counts seven nonces too many', { nonceOffset: 7 }],
  ['counts three nonces too few', { nonceOffset: -3 }],
  ['quotes a hundred times the fees', { feeFactor: 100 }],
  ['limits the rate', { limitSeconds: 3 }],
  ['swallows transactions', { only: SEND, swallow: true }],
  ['answers rubbish', { garbage: true }],
];

/** Faults that both may have at once. */
const MILD: readonly (readonly [string, Faults])[] = [
  ['fine', {}],
  ['fine', {}],
  ['loses the reply to sent transactions', { only: SEND, loseReply: 502 }],
  ['cuts one connection in ten', { cut: true, chance: 0.1 }],
  ['is slow', { delayMs: 150 }],
  ['swallows one transaction in three', { only: SEND, swallow: true, chance: 0.33 }],
  ['estimates a tenth of the gas', { gasDivisor: 10 }],
  ['quotes a third of the fees', { feeFactor: 0.33 }],
  ['limits one call in fifty', { limitSeconds: 1, chance: 0.02 }],
  ['suggests no tip', { without: /fillTransaction|maxPriorityFee/ }],
  ['answers rubbish to one call in twenty', { garbage: true, chance: 0.05 }],
];

/** Threefold each block, then high for longer than a transaction waits before it is replaced. */
const CLIMB = [1, 3, 9, 27, 81, 81, 81, 81];

const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)] as T;

/** The next scene. At most one endpoint is severely wrong: with both gone no daemon could publish. */
export function nextScene(random: Random): Scene {
  const forMs = 2_000 + Math.floor(random() * 6_000);
  const severe = random() < 0.6;
  const first = pick(severe ? SEVERE : MILD, random);
  const second = pick(MILD, random);
  const swap = random() < 0.5;
  const [a, b] = swap ? [second, first] : [first, second];
  const roll = random();
  const chain: ChainEvent =
    roll < 0.12
      ? { kind: 'halt', ms: 1_500 + Math.floor(random() * 2_500) }
      : roll < 0.3
        ? { kind: 'fee_spike', gwei: 5 + Math.floor(random() * 40) }
        : roll < 0.55
          ? { kind: 'fee_climb', gwei: CLIMB }
          : { kind: 'none' };
  return { forMs, names: [a[0], b[0]], faults: [a[1], b[1]], chain };
}
