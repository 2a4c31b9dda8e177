/** A price as the audit trail keeps it: nothing is lost, fractions are exact. */
import { formatRational } from '../common/decimal.js';
import { type Rational, reduce } from '../common/rational.js';
import type { DecisionReason, DroppedObservation, FeedOnChain, Observation, Price } from '../common/words.js';
import type { AuditedFeed, AuditedObservation } from './audit.js';

/** What a decision was made with, beyond the price: of the configuration and of the chain. */
export interface AuditContext {
  readonly before: FeedOnChain;
  readonly rules: {
    readonly heartbeatSeconds: number;
    readonly deviation: Rational | 'off';
    readonly minChange?: bigint;
    readonly maxAgeMs: number;
    readonly minSources: number;
    readonly maxSpread: Rational;
    readonly outliers: { readonly factor: Rational; readonly floor: Rational };
  };
}

/** A price as the audit trail keeps it. */
export function auditPrice(
  price: Price,
  reason: DecisionReason,
  decimals: number,
  context?: AuditContext,
): AuditedFeed {
  return {
    feed: price.feed,
    reason,
    decimals,
    ...(price.ok
      ? { answer: price.answer.toString(), observedAtMs: price.observedAtMs }
      : { detail: price.detail }),
    ...(context ? auditContext(context) : {}),
    used: price.used.map(auditObservation),
    dropped: price.dropped.map(auditDropped),
  };
}

const auditContext = ({ before, rules }: AuditContext): Required<Pick<AuditedFeed, 'before' | 'rules'>> => ({
  before: { ...before, answer: before.answer.toString() },
  rules: {
    heartbeatSeconds: rules.heartbeatSeconds,
    deviation: rules.deviation === 'off' ? 'off' : exactText(rules.deviation),
    ...(rules.minChange === undefined ? {} : { minChange: rules.minChange.toString() }),
    maxAgeMs: rules.maxAgeMs,
    minSources: rules.minSources,
    maxSpread: exactText(rules.maxSpread),
    outliers: { factor: exactText(rules.outliers.factor), floor: exactText(rules.outliers.floor) },
  },
});

const auditObservation = ({
  source,
  value,
  observedAtMs,
  timeFrom,
  receivedAtMs,
}: Observation): AuditedObservation => ({
  source,
  value: exactText(value),
  observedAtMs,
  timeFrom,
  receivedAtMs,
});

const auditDropped = ({ source, code, observation }: DroppedObservation) =>
  observation ? { ...auditObservation(observation), source, code } : { source, code };

/**
 * A fraction as text that loses nothing: decimal where that is finite, else `n/d` in lowest terms. One divided by a
 * price, or a price in a converted currency, is seldom a finite decimal.
 */
export function exactText(value: Rational): string {
  const { n, d } = reduce(value);
  const [twos, withoutTwos] = strip(d, 2n);
  const [fives, rest] = strip(withoutTwos, 5n);
  return rest === 1n ? formatRational({ n, d }, Math.max(twos, fives)) : `${n}/${d}`;
}

/** How often a prime divides a number, and what is left. */
function strip(value: bigint, prime: bigint): readonly [number, bigint] {
  let rest = value;
  let times = 0;
  for (; rest % prime === 0n; times += 1) rest /= prime;
  return [times, rest];
}

/** Reads what {@link exactText} wrote. @returns `undefined` for any other text */
export function readExactText(text: string): Rational | undefined {
  const [, sign = '', first = '', places, divisor] = /^(-?)(\d+)(?:\.(\d+)|\/(\d+))?$/.exec(text) ?? [];
  if (first === '') return undefined;
  const n = BigInt(first + (places ?? ''));
  const d = divisor === undefined ? 10n ** BigInt(places?.length ?? 0) : BigInt(divisor);
  return d === 0n ? undefined : reduce({ n: sign === '' ? n : -n, d });
}
