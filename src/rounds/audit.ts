/** The audit trail: a bounded stream per chain of rounds with all that made them, and of changed reasons. */
import type { Address, DecisionReason, Hex, Observation } from '../common/words.js';
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

/** What a transaction's receipt adds to a round's record. */
type Receipt = 'hash' | 'gasUsed' | 'effectiveGasPriceWei' | 'blockNumber';
/** A round's record before its transaction landed. */
export type DraftedRound = Omit<AuditedRound, Receipt>;
export type LandedReceipt = Required<Pick<AuditedRound, Receipt>>;
type GroupOfRound = Pick<AuditedRound, 'chainId' | 'aggregator' | 'groupId'>;

export interface AuditTrail {
  /**
   * Keeps the record of a round that was signed and is about to be sent, for the case that this process never hears of
   * its landing. Never throws and need not be waited for.
   */
  draft(round: DraftedRound): Promise<void>;
  /** Records a round that landed, and forgets the drafts of its group up to it. */
  recordRound(round: AuditedRound): Promise<void>;
  /**
   * Records a round that an earlier process, or an earlier job, sent.
   * @returns the draft; `undefined` when none was kept, and nothing is recorded then
   */
  recordLate(
    round: GroupOfRound & Pick<AuditedRound, 'round' | 'tick'>,
    receipt: LandedReceipt,
  ): Promise<DraftedRound | undefined>;
  recordReason(feed: string, reason: DecisionReason, detail: string, tick: number): Promise<void>;
  /** The newest records of rounds, newest first. */
  lastRounds(count: number): Promise<AuditedRound[]>;
}

/**
 * The stream of rounds holds about so many characters, and at the most so many records: with four feeds of five sources
 * some ten thousand. The state store keeps leases and journals too, and refuses all of it when it is full.
 */
const MAX_ROUNDS_LENGTH = 50_000_000;
const MAX_ROUNDS = 50_000;
const MAX_REASONS = 20_000;
/** Records that wait while the state store is away; beyond it the oldest are lost, and counted in the log. */
const MAX_WAITING = 500;
/** Of one group: as many as a journal keeps signatures of one nonce. */
const MAX_DRAFTS = 64;
/** A transaction that was not heard of for so long does not land any more. */
const DRAFT_MS = 24 * 3_600_000;
const draftsOf = ({ chainId, aggregator, groupId }: GroupOfRound): string =>
  `draft:${chainId}:${aggregator.toLowerCase()}:${groupId}`;
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
  /** Changes a group's drafts. With the store away nothing is changed, so that none are lost. */
  const changeDrafts = async (
    group: GroupOfRound,
    change: (drafts: readonly DraftedRound[]) => readonly DraftedRound[],
  ): Promise<void> => {
    const key = draftsOf(group);
    try {
      const held = readDrafts(await state.get(key));
      const drafts = change(held).slice(-MAX_DRAFTS);
      if (drafts.length > 0) await state.set(key, JSON.stringify(drafts), { ttlMs: DRAFT_MS });
      else if (held.length > 0) await state.delete(key);
    } catch {
      // The store says itself when it is away, or full.
    }
  };
  const recordRound = async (landed: AuditedRound): Promise<void> => {
    const text = JSON.stringify(landed);
    const bound = Math.min(MAX_ROUNDS, Math.ceil(MAX_ROUNDS_LENGTH / text.length));
    await append(ROUNDS, { round: text }, bound);
    await changeDrafts(landed, (drafts) => drafts.filter(({ round }) => round > landed.round));
  };
  return {
    recordRound,
    draft: (draft) =>
      changeDrafts(draft, (drafts) => [
        ...drafts.filter(({ round, tick }) => round !== draft.round || tick !== draft.tick),
        draft,
      ]),
    async recordLate(landed, receipt) {
      const text = await state.get(draftsOf(landed)).catch(() => undefined);
      const draft = readDrafts(text).find(
        ({ round, tick }) => round === landed.round && tick === landed.tick,
      );
      if (draft) await recordRound({ ...draft, ...receipt });
      return draft;
    },
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

/** Drafts as stored; none when they are not readable. */
function readDrafts(text: string | undefined): readonly DraftedRound[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value) ? (value as DraftedRound[]) : [];
  } catch {
    return [];
  }
}
