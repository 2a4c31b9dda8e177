/** The audit trail: a bounded stream per chain of rounds with all that made them, and of changed reasons. */
import { formatRational } from '../common/decimal.js';
import { type Rational, reduce } from '../common/rational.js';
import type {
  Address,
  DecisionReason,
  DroppedObservation,
  FeedOnChain,
  Hex,
  Observation,
  Price,
} from '../common/words.js';
import type { StateStore, StreamEntry } from '../state/store.js';
import type { Logger } from '../telemetry/logger.js';

/** What one feed brought to a round. */
export interface AuditedFeed {
  readonly feed: string;
  readonly reason: DecisionReason;
  /** Scaled answer, or nothing when the feed was held back. */
  readonly answer?: string;
  readonly decimals: number;
  readonly detail?: string;
  /** Unix milliseconds: the price's own time. */
  readonly observedAtMs?: number;
  /** What the chain held when it was decided: what the deviation and the heartbeat were measured against. */
  readonly before?: { readonly answer: string; readonly round: number; readonly updatedAt: number };
  /** The rules in force. */
  readonly rules?: AuditedRules;
  readonly used: readonly AuditedObservation[];
  readonly dropped: readonly (AuditedObservation | { readonly source: string; readonly code: string })[];
}

/** Triggers and guards of a feed at the time of a round; percentages are exact, as {@link exactText} writes them. */
export interface AuditedRules {
  readonly heartbeatSeconds: number;
  /** Percent, or `off`. */
  readonly deviation: string;
  /** Scaled like the answer. */
  readonly minChange?: string;
  readonly maxAgeMs: number;
  readonly minSources: number;
  readonly maxSpread: string;
  readonly outliers: { readonly factor: string; readonly floor: string };
}

export interface AuditedObservation {
  readonly source: string;
  /** Exact, see {@link exactText}. */
  readonly value: string;
  readonly observedAtMs: number;
  readonly timeFrom: Observation['timeFrom'];
  readonly receivedAtMs?: number;
  readonly code?: string;
}

/** One round of one group, from observations to block. */
export interface AuditedRound {
  readonly chain: string;
  readonly chainId: number;
  readonly aggregator: Address;
  readonly group: string;
  readonly groupId: number;
  readonly round: number;
  readonly tick: number;
  readonly wide: boolean;
  readonly signers: readonly Address[];
  readonly threshold: number;
  readonly feeds: readonly AuditedFeed[];
  /** The group's part of the calldata, signatures included. */
  readonly packed: Hex;
  readonly transmitter: Address;
  readonly hash: Hex;
  readonly gasUsed: string;
  readonly effectiveGasPriceWei?: string;
  readonly blockNumber: string;
}

export interface AuditTrail {
  recordRound(round: AuditedRound): Promise<void>;
  recordReason(feed: string, reason: DecisionReason, detail: string, tick: number): Promise<void>;
  /** The newest records of rounds, newest first. */
  lastRounds(count: number): Promise<AuditedRound[]>;
}

/** Enough for a month of one group at a round a minute; the stream's bound. */
const MAX_ROUNDS = 50_000;
const MAX_REASONS = 20_000;
/** Records that wait while the state store is away; beyond it the oldest are lost, and counted in the log. */
const MAX_WAITING = 500;
/** The stream of rounds, as the state store names it. */
export const ROUNDS = 'audit:rounds';
/** The stream of changed reasons. */
export const REASONS = 'audit:reasons';

export function createAuditTrail({ state, log }: { state: StateStore; log: Logger }): AuditTrail {
  const waiting: { stream: string; fields: Record<string, string>; bound: number }[] = [];
  let away = false;
  let lost = 0;
  let writing: Promise<void> | undefined;

  /** Writes what waits, oldest first. A store that is away is told of once, and when all is written again. */
  const write = async (): Promise<void> => {
    try {
      for (let next = waiting[0]; next; next = waiting[0]) {
        await state.append(next.stream, next.fields, next.bound);
        if (waiting[0] === next) waiting.shift();
      }
      if (away) log.info({ event: 'audit_resumed', lost }, 'the audit trail is being kept again');
      away = false;
      lost = 0;
    } catch (error) {
      if (!away)
        log.warn(
          { event: 'audit_waiting', error: String(error) },
          'the state store is away; audit records wait in memory',
        );
      away = true;
    }
  };
  const append = (stream: string, fields: Record<string, string>, bound: number): Promise<void> => {
    waiting.push({ stream, fields, bound });
    if (waiting.length > MAX_WAITING) {
      waiting.shift();
      lost += 1;
    }
    return drain();
  };
  const drain = (): Promise<void> => {
    writing ??= write().then(() => {
      writing = undefined;
      // What came between the last look and here.
      return waiting.length > 0 && !away ? drain() : undefined;
    });
    return writing;
  };
  return {
    recordRound: (round) => append(ROUNDS, { round: JSON.stringify(round) }, MAX_ROUNDS),
    recordReason: (feed, reason, detail, tick) =>
      append(REASONS, { feed, reason, detail, tick: String(tick) }, MAX_REASONS),
    lastRounds: async (count) => (await state.last(ROUNDS, count)).flatMap(readRound),
  };
}

/** The record that an entry of the stream of rounds holds; none when it is not readable. */
export function readRound(entry: StreamEntry): AuditedRound[] {
  try {
    return [JSON.parse(entry.fields.round ?? '') as AuditedRound];
  } catch {
    return [];
  }
}

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
