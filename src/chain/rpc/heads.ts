/** Judges what endpoints say of the chain's height against one another. Pure. */
import { most } from '../amounts.js';
import type { BlockHeader } from './shapes.js';

/** An endpoint is behind when it misses what the others had this long ago. */
const LAG_SECONDS = 10;
const MIN_LAG_BLOCKS = 3;
const MAX_LAG_BLOCKS = 50;
const SAMPLES = 32;

/** Blocks that an endpoint may be behind the best one. */
export const lagBlocks = (blockSeconds: number): bigint =>
  BigInt(
    Math.min(Math.max(Math.ceil(LAG_SECONDS / Math.max(blockSeconds, 0.1)), MIN_LAG_BLOCKS), MAX_LAG_BLOCKS),
  );

export interface HeadClaim {
  /** The endpoint's place in the list. */
  readonly index: number;
  readonly head: BlockHeader;
  /** The highest head that the same endpoint told before, in the same stretch of health. */
  readonly before?: BlockHeader;
}

/** The one claim that lies so far above all others that it has to be proven before it may make the others look late. */
export function claimToProve(claims: readonly HeadClaim[], lag: bigint): HeadClaim | undefined {
  if (claims.length < 2) return undefined;
  const sorted = [...claims].sort((a, b) => (a.head.number < b.head.number ? 1 : -1));
  const [top, second] = sorted;
  return top && second && top.head.number > second.head.number + lag ? top : undefined;
}

export interface HeadFault {
  readonly index: number;
  readonly fault: 'height_lag' | 'height_regression';
}

/** Which endpoints are behind, and which went back by more than a reorganisation explains. */
export function judgeHeads(
  claims: readonly HeadClaim[],
  lag: bigint,
  reorgBlocks: bigint,
): readonly HeadFault[] {
  const best = most(0n, ...claims.map(({ head }) => head.number));
  return claims.flatMap<HeadFault>(({ index, head, before }) => {
    if (before && head.number + reorgBlocks < before.number) return [{ index, fault: 'height_regression' }];
    if (head.number + lag < best) return [{ index, fault: 'height_lag' }];
    return [];
  });
}

/** Keeps the newest heads and tells the mean time between blocks. */
export function createBlockTimer(): { observe(head: BlockHeader): void; seconds(): number } {
  let samples: BlockHeader[] = [];
  return {
    observe(head) {
      const last = samples.at(-1);
      if (last && head.number < last.number) samples = [];
      if (last?.number !== head.number) samples = [...samples.slice(1 - SAMPLES), head];
    },
    /** Mean seconds between blocks over the last heads seen; 1 before there are two. */
    seconds() {
      const first = samples[0];
      const last = samples.at(-1);
      if (!first || !last || last.number === first.number) return 1;
      return Math.max((last.timestamp - first.timestamp) / Number(last.number - first.number), 0.1);
    },
  };
}
