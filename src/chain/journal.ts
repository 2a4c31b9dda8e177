/** What a transmitter key has under way, kept across crashes: stored before the first send of every signature. */
import { z } from 'zod';
import type { Hex } from '../common/words.js';
import type { StateStore } from '../state/store.js';
import type { Logger } from '../telemetry/logger.js';
import type { Fees } from './fees.js';
import type { ReportedRound } from './types.js';

/** Signatures kept for one nonce; an older one that still lands is found through the group's round. */
const MAX_ATTEMPTS = 64;

/** One signed transaction of a nonce. */
export interface Attempt {
  readonly kind: 'transmit' | 'cancel';
  readonly hash: Hex;
  readonly raw: Hex;
  readonly fees: Fees;
  readonly gasLimit: bigint;
  readonly rounds: readonly ReportedRound[];
}

/** All signatures of one nonce, oldest first. */
export interface JournalEntry {
  readonly nonce: number;
  readonly reason: string;
  readonly attempts: readonly Attempt[];
  /** Unix milliseconds of the first and the last signature. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** The head when the last one was sent: without a newer block nothing can have landed. */
  readonly headAtLast: bigint;
}

export interface JournalState {
  /** Grows with every save: of memory and store the newer one counts. */
  readonly revision: number;
  /** The nonce after the last one that was confirmed. */
  readonly next?: number;
  readonly pending?: JournalEntry;
  /** The last one confirmed: taken up again when a reorganisation undoes it. */
  readonly last?: JournalEntry;
}

const hex = z.custom<Hex>((value) => typeof value === 'string' && /^0x[0-9a-f]*$/.test(value));
const wei = z
  .string()
  .regex(/^\d{1,40}$/)
  .transform(BigInt);
const count = z.int().min(0);
const feesSchema = z.union([
  z.object({ type: z.literal('eip1559'), maxFeeWei: wei, maxPriorityFeeWei: wei }),
  z.object({ type: z.literal('legacy'), gasPriceWei: wei }),
]);
const entrySchema = z.object({
  nonce: count,
  reason: z.string(),
  firstAtMs: z.number(),
  lastAtMs: z.number(),
  headAtLast: wei,
  attempts: z
    .array(
      z.object({
        kind: z.enum(['transmit', 'cancel']),
        hash: hex,
        raw: hex,
        fees: feesSchema,
        gasLimit: wei,
        rounds: z.array(z.object({ group: count, round: count, timestamp: count })),
      }),
    )
    .min(1),
});
const stateSchema = z.object({
  revision: count,
  next: count.optional(),
  pending: entrySchema.optional(),
  last: entrySchema.optional(),
});

/** A journal as JSON; bigints as decimal text. */
export const writeJournal = (state: JournalState): string =>
  JSON.stringify(state, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

/** Reads a journal. @returns `undefined` when the text is none: the chain is the truth then */
export function readJournal(text: string): JournalState | undefined {
  try {
    const { revision, next, pending, last } = stateSchema.parse(JSON.parse(text));
    return {
      revision,
      ...(next === undefined ? {} : { next }),
      ...(pending === undefined ? {} : { pending }),
      ...(last === undefined ? {} : { last }),
    };
  } catch {
    return undefined;
  }
}

/** Adds a signature to an entry, within the bound. */
export const withAttempt = (
  entry: JournalEntry,
  attempt: Attempt,
  nowMs: number,
  head: bigint,
): JournalEntry => ({
  ...entry,
  attempts: [...entry.attempts.slice(1 - MAX_ATTEMPTS), attempt],
  lastAtMs: nowMs,
  headAtLast: head,
});

export interface Journal {
  /** Takes up the newest state of store and memory. Never throws: with the store away, memory. */
  load(): Promise<JournalState>;
  /** As `load`, but memory stays as it is: for a look between jobs. */
  newest(): Promise<JournalState>;
  /** Stores a change. With the store away it is kept in memory and stored with the next one. */
  save(change: Omit<JournalState, 'revision'>): Promise<void>;
  /** Whether no other process has written since: a key that was taken over is no longer ours. True with the store away. */
  stillOurs(): Promise<boolean>;
  /** The state as last loaded or saved. */
  readonly current: () => JournalState;
}

/** The journal of one key on one chain. */
export function createJournal(store: StateStore, chainId: number, address: string, log: Logger): Journal {
  const key = `journal:${chainId}:${address.toLowerCase()}`;
  let memory: JournalState = { revision: 0 };
  async function newest(): Promise<JournalState> {
    try {
      const text = await store.get(key);
      const stored = text === undefined ? undefined : readJournal(text);
      if (text !== undefined && !stored)
        log.warn(
          { event: 'journal_unreadable', address },
          'stored journal is unreadable: going by the chain and by memory',
        );
      if (stored && stored.revision > memory.revision) return stored;
    } catch (error) {
      log.warn(
        { event: 'journal_not_read', address, error: describe(error) },
        'journal could not be read: going by memory',
      );
    }
    return memory;
  }

  return {
    current: () => memory,
    newest,
    async load() {
      memory = await newest();
      return memory;
    },
    async stillOurs() {
      try {
        const text = await store.get(key);
        const stored = text === undefined ? undefined : readJournal(text);
        return !stored || stored.revision <= memory.revision;
      } catch {
        return true;
      }
    },
    async save(change) {
      memory = { ...change, revision: memory.revision + 1 };
      try {
        await store.set(key, writeJournal(memory));
      } catch (error) {
        log.warn(
          { event: 'journal_not_stored', address, error: describe(error) },
          'journal could not be stored: kept in memory',
        );
      }
    },
  };
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));
