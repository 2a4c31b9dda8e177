/** The decision: whether a feed is due at a tick, and why. Pure; the table of cases is its test. */
import { abs, type Rational } from '../common/rational.js';
import type { DecisionReason, FeedOnChain, HoldReason } from '../common/words.js';

/** The triggers of a feed. */
export interface Triggers {
  /** On-chain age that is never passed, seconds. */
  readonly heartbeatSeconds: number;
  /** Percent, exact, above zero; `off` switches the trigger off. */
  readonly deviation: Rational | 'off';
  /** In the answer's own unit; the change must reach it as well. */
  readonly minChange?: bigint;
}

export interface DecideInput {
  readonly triggers: Triggers;
  /** The price at this tick, scaled, or the guard that held it back. */
  readonly price: { readonly answer: bigint } | { readonly held: HoldReason };
  /** What the chain holds; a round of 0 means that there never was an answer. */
  readonly onChain: FeedOnChain;
  /** Unix seconds. */
  readonly tick: number;
  /** How long before its time a heartbeat is due, so that it lands in time; seconds. */
  readonly leadSeconds: number;
  /** Whether a transaction that carries this group is under way. */
  readonly pending: boolean;
}

export interface Verdict {
  readonly due: boolean;
  readonly reason: DecisionReason;
}

/**
 * Decides for one feed. A held price is never due, whatever its age: it fails closed. A feed whose transaction is under
 * way is `pending`, which its own replacement renews.
 */
export function decide(input: DecideInput): Verdict {
  if ('held' in input.price) return { due: false, reason: input.price.held };
  if (input.pending) return { due: false, reason: 'pending' };
  if (input.onChain.round === 0) return { due: true, reason: 'first_round' };
  const deviation = deviationMet(input.price.answer, input.onChain.answer, input.triggers);
  const heartbeat = heartbeatDue(input);
  if (deviation && heartbeat) return { due: true, reason: 'deviation_and_heartbeat' };
  if (deviation) return { due: true, reason: 'deviation' };
  if (heartbeat) return { due: true, reason: 'heartbeat' };
  return { due: false, reason: 'not_due' };
}

/**
 * Whether the change reaches the threshold: `|new − last| × 100 ≥ percent × |last|`, in integers. From zero any change
 * does. `minChange`, where set, must be reached as well (the pair of Chainlink's flux monitor).
 */
export function deviationMet(answer: bigint, last: bigint, { deviation, minChange }: Triggers): boolean {
  if (deviation === 'off') return false;
  const change = abs(answer - last);
  if (minChange !== undefined && change < minChange) return false;
  if (last === 0n) return change !== 0n;
  return change * 100n * deviation.d >= deviation.n * abs(last);
}

/** Whether the age at the tick, the lead added, reaches the heartbeat. */
function heartbeatDue({ triggers, onChain, tick, leadSeconds }: DecideInput): boolean {
  return tick + leadSeconds - onChain.updatedAt >= triggers.heartbeatSeconds;
}

/**
 * The change as a share of the threshold, for people and metrics: 1 is due. `undefined` when the trigger is off or the
 * change is from zero, where no percentage exists.
 */
export function deviationRatio(
  answer: bigint,
  last: bigint,
  deviation: Rational | 'off',
): Rational | undefined {
  if (deviation === 'off' || last === 0n) return undefined;
  return { n: abs(answer - last) * 100n * deviation.d, d: deviation.n * abs(last) };
}
