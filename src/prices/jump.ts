/** The jump hold: a large move against the answer on chain must be seen again before it is believed. */
import { formatRational, formatScaled } from '../common/decimal.js';
import { abs } from '../common/rational.js';
import type { Price } from '../common/words.js';
import type { FeedConfig } from '../config/types.js';

export type JumpRules = Pick<FeedConfig, 'maxJump' | 'decimals'>;

export interface JumpGuard {
  /**
   * Lets a price pass, or holds it back with `jump_unconfirmed` while it lies further than `maxJump` from the answer on
   * chain. It passes by itself after `confirmTicks` further ticks on the same side, however long these take; a tick
   * that is back within the limit starts anew, one without a price neither counts nor starts anew.
   * @param tick Unix seconds; each is counted once
   * @param onChainAnswer scaled like the price
   */
  judge(rules: JumpRules, price: Extract<Price, { ok: true }>, tick: number, onChainAnswer: bigint): Price;
}

/** Creates the guard of one feed: what it remembers is the jump that is being confirmed. */
export function createJumpGuard(): JumpGuard {
  let side = 0;
  let seen = 0;
  let lastTick = Number.NEGATIVE_INFINITY;

  return {
    judge({ maxJump, decimals }, price, tick, onChainAnswer) {
      const change = price.answer - onChainAnswer;
      const isJump =
        maxJump !== undefined &&
        abs(change) * 100n * maxJump.percent.d > maxJump.percent.n * abs(onChainAnswer);
      if (!isJump) {
        side = 0;
        seen = 0;
        return price;
      }
      const nowSide = change > 0n ? 1 : -1;
      if (nowSide !== side) {
        side = nowSide;
        seen = 0;
      }
      if (tick > lastTick) {
        seen += 1;
        lastTick = tick;
      }
      if (seen > maxJump.confirmTicks) return price;
      const { used, dropped, feed } = price;
      const detail =
        `${formatScaled(price.answer, decimals)} against ${formatScaled(onChainAnswer, decimals)} on chain is over ` +
        `${formatRational(maxJump.percent)} %, seen in ${seen} of ${maxJump.confirmTicks + 1} ticks`;
      return { ok: false, feed, code: 'jump_unconfirmed', detail, used, dropped };
    },
  };
}
