/** The audit trail: a bounded stream per chain of rounds with all that made them, and of changed reasons. */
import { formatRational } from '../common/decimal.js';
import type {
  Address,
  DecisionReason,
  DroppedObservation,
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
  readonly used: readonly AuditedObservation[];
  readonly dropped: readonly (AuditedObservation | { readonly source: string; readonly code: string })[];
}

export interface AuditedObservation {
  readonly source: string;
  readonly value: string;
  readonly observedAtMs: number;
  readonly timeFrom: Observation['timeFrom'];
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
const ROUNDS = 'audit:rounds';
const REASONS = 'audit:reasons';

export function createAuditTrail({ state, log }: { state: StateStore; log: Logger }): AuditTrail {
  let failing = false;
  /** A lost record is said once, and when records are kept again: the chain remains the truth. */
  const append = async (stream: string, fields: Record<string, string>, bound: number): Promise<void> => {
    try {
      await state.append(stream, fields, bound);
      if (failing) log.info({ event: 'audit_resumed' }, 'the audit trail is being kept again');
      failing = false;
    } catch (error) {
      if (!failing)
        log.warn(
          { event: 'audit_lost', error: String(error) },
          'the state store is away; audit records are lost',
        );
      failing = true;
    }
  };
  return {
    recordRound: (round) => append(ROUNDS, { round: JSON.stringify(round) }, MAX_ROUNDS),
    recordReason: (feed, reason, detail, tick) =>
      append(REASONS, { feed, reason, detail, tick: String(tick) }, MAX_REASONS),
    lastRounds: async (count) => (await state.last(ROUNDS, count)).flatMap(readRound),
  };
}

function readRound(entry: StreamEntry): AuditedRound[] {
  try {
    return [JSON.parse(entry.fields.round ?? '') as AuditedRound];
  } catch {
    return [];
  }
}

/** A price as the audit trail keeps it. */
export function auditPrice(price: Price, reason: DecisionReason, decimals: number): AuditedFeed {
  return {
    feed: price.feed,
    reason,
    decimals,
    ...(price.ok ? { answer: price.answer.toString() } : { detail: price.detail }),
    used: price.used.map(auditObservation),
    dropped: price.dropped.map(auditDropped),
  };
}

const auditObservation = ({ source, value, observedAtMs, timeFrom }: Observation): AuditedObservation => ({
  source,
  value: formatRational(value),
  observedAtMs,
  timeFrom,
});

const auditDropped = ({ source, code, observation }: DroppedObservation) =>
  observation ? { ...auditObservation(observation), source, code } : { source, code };
