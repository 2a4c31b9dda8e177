/**
 * Looks after what a journal shows as open, without writing: another replica may own the key, and only its owner's next
 * job books what has landed.
 */
import type { Address } from '../common/words.js';
import type { Journal, JournalEntry } from './journal.js';
import { findAnyReceipt, isKnown, readCounts } from './receipts.js';
import type { RpcPool } from './rpc/pool.js';

/** One key's nonces for the line at start: what the chain counts, what the journal holds, and where that is. */
export async function describeNonces(
  pool: RpcPool,
  address: Address,
  pending: JournalEntry | undefined,
  signal: AbortSignal,
): Promise<string> {
  const counts = [...new Set(await readCounts(pool, address, signal))].sort((a, b) => a - b);
  const next = counts.length === 0 ? 'unknown, no endpoint told it' : counts.join(' or ');
  const said = `transmitter ${address}: next nonce by the chain ${next}; journal:`;
  if (!pending) return `${said} nothing open`;
  return `${said} nonce ${pending.nonce} open with ${pending.attempts.length} signature(s): ${await where(pool, address, pending, signal)}`;
}

async function where(
  pool: RpcPool,
  address: Address,
  pending: JournalEntry,
  signal: AbortSignal,
): Promise<string> {
  const receipt = await findAnyReceipt(pool, address, hashesOf(pending), signal);
  if (receipt) return `landed in block ${receipt.blockNumber}`;
  switch (await isKnown(pool, hashesOf(pending), signal)) {
    case true:
      return 'waits in the pool';
    case false:
      return 'no endpoint knows it';
    case undefined:
      return 'no endpoint could tell where it is';
  }
}

const hashesOf = ({ attempts }: JournalEntry) => attempts.map(({ hash }) => hash);

export interface OpenNonceWatch {
  /** Reads the journal again where memory holds something open, and looks for its receipt. */
  look(signal: AbortSignal): Promise<void>;
  /** Unix milliseconds of the first signature of what is open by the newest look. */
  readonly sinceMs: () => number | undefined;
}

/** Watches one key between its jobs: what another replica has settled, or what has landed, is not pending. */
export function createOpenNonceWatch(
  pool: RpcPool,
  address: Address,
  journal: () => Journal | undefined,
): OpenNonceWatch {
  /** What was found while memory was at that revision. */
  let found: { readonly revision: number; readonly sinceMs: number | undefined } | undefined;
  return {
    async look(signal) {
      const book = journal();
      const held = book?.current();
      if (!book || !held?.pending) return;
      const { pending } = await book.newest();
      const landed =
        pending && (await findAnyReceipt(pool, address, hashesOf(pending), signal)) !== undefined;
      found = { revision: held.revision, sinceMs: landed ? undefined : pending?.firstAtMs };
    },
    sinceMs() {
      const held = journal()?.current();
      return held && held.revision === found?.revision ? found.sinceMs : held?.pending?.firstAtMs;
    },
  };
}
