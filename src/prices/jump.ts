/** The jump hold: a large move against the answer on chain must be seen again before it is believed. */
import { formatRational, formatScaled } from '../common/decimal.js';
import { abs, type Rational } from '../common/rational.js';
import type { Observation, Price } from '../common/words.js';
import type { FeedConfig } from '../config/types.js';

export type JumpRules = Pick<FeedConfig, 'maxJump' | 'minSources' | 'decimals'>;

export interface JumpGuard {
  /**
   * Lets a price pass, or holds it back with `jump_unconfirmed` while it lies further than `maxJump` from the answer on
   * chain. It passes by itself after `confirmTicks` further ticks that agree with it, however long these take.
   *
   * - A tick agrees when its price lies on the same side of the answer on chain, and the two within `maxJump` of each
   *   other. What was seen before one that does not agree counts no more; nor does anything once a price is back within
   *   the limit. A tick without a price changes nothing.
   * - A tick counts when `minSources` of its sources have observed anew since the one that was counted before: what was
   *   seen once does not confirm itself.
   * @param onChainAnswer scaled like the price
   */
  judge(rules: JumpRules, price: Extract<Price, { ok: true }>, onChainAnswer: bigint): Price;
}

/** Creates the guard of one feed: what it remembers is the jump that is being confirmed. */
export function createJumpGuard(): JumpGuard {
  /** Answers that were counted, newest last; all agree. */
  let seen: readonly bigint[] = [];
  /** What the last of them was made of: observations' times by source, Unix milliseconds. */
  let counted: ReadonlyMap<string, number> = new Map();

  const isNew = ({ source, observedAtMs }: Observation) =>
    observedAtMs > (counted.get(source) ?? Math.max(...counted.values()));

  return {
    judge({ maxJump, minSources, decimals }, price, onChainAnswer) {
      const { answer, used, dropped, feed } = price;
      if (maxJump === undefined || !isJump(onChainAnswer, answer, maxJump.percent)) {
        seen = [];
        return price;
      }
      const disagrees = (earlier: bigint) =>
        earlier > onChainAnswer !== answer > onChainAnswer ||
        isJump(earlier, answer, maxJump.percent) ||
        isJump(answer, earlier, maxJump.percent);
      seen = seen.slice(seen.findLastIndex(disagrees) + 1);
      if (seen.length === 0 || used.filter(isNew).length >= minSources) {
        seen = [...seen, answer].slice(-maxJump.confirmTicks - 1);
        counted = new Map(used.map(({ source, observedAtMs }) => [source, observedAtMs]));
      }
      if (seen.length > maxJump.confirmTicks) return price;
      const detail =
        `${formatScaled(answer, decimals)} against ${formatScaled(onChainAnswer, decimals)} on chain is over ` +
        `${formatRational(maxJump.percent)} %, seen in ${seen.length} of ${maxJump.confirmTicks + 1} ticks`;
      return { ok: false, feed, code: 'jump_unconfirmed', detail, used, dropped };
    },
  };
}

/** Whether the step from one answer to another is larger than so many percent of the first. */
function isJump(from: bigint, to: bigint, percent: Rational): boolean {
  return abs(to - from) * 100n * percent.d > percent.n * abs(from);
}
