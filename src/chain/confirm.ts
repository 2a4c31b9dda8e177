/** Waits until a receipt lies as deep as configured, and notices when it vanishes. */
import { type Clock, sleep } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { ChainConfig } from '../config/types.js';
import { findReceipt } from './receipts.js';
import type { RpcPool } from './rpc/pool.js';
import { blockHeader, type Receipt } from './rpc/shapes.js';

/** Looks in a row without the receipt, every endpoint answering, that make a reorganisation. */
const LOOKS_WITHOUT = 2;
const MAX_POLL_MS = 1_000;
/** Endpoints that bring blocks but no receipts are not waited for longer than this many times the depth. */
const MOST_DEPTHS = 3n;

export interface ConfirmDeps {
  readonly pool: RpcPool;
  readonly address: Address;
  /** Confirmations are blocks, the receipt's own included. */
  readonly config: Pick<ChainConfig, 'confirmations' | 'confirmationDeadlineMs' | 'pollIntervalMs'>;
  readonly clock: Clock;
}

export type Confirmation =
  | { readonly code: 'confirmed'; readonly receipt: Receipt }
  | { readonly code: 'reorganised' | 'not_confirmed'; readonly detail: string };

/**
 * Waits for as long as blocks come, however long they take: what has landed is not to be given up for being young. Without
 * a new block for the confirmation's deadline, the wait ends.
 * @returns the receipt as it stood at the end: a reorganisation may have moved it to another block
 */
export async function confirmReceipt(
  deps: ConfirmDeps,
  first: Receipt,
  signal: AbortSignal,
): Promise<Confirmation> {
  const { pool, clock } = deps;
  const { confirmations, confirmationDeadlineMs, pollIntervalMs } = deps.config;
  let receipt = first;
  if (confirmations <= 1) return { code: 'confirmed', receipt };
  let without = 0;
  let highest = first.blockNumber;
  let newBlockMs = clock.monotonic();
  const last = first.blockNumber + BigInt(confirmations) * MOST_DEPTHS;
  while (!signal.aborted && highest < last && clock.monotonic() - newBlockMs < confirmationDeadlineMs) {
    const head = await pool.read('eth_getBlockByNumber', ['latest', false], blockHeader, signal);
    if (head.ok && head.value.number > highest) {
      highest = head.value.number;
      newBlockMs = clock.monotonic();
    }
    const sighting = await findReceipt(pool, deps.address, [receipt.hash], 0, signal);
    if (sighting.receipt) {
      receipt = sighting.receipt;
      without = 0;
      if (head.ok && head.value.number >= receipt.blockNumber + BigInt(confirmations - 1))
        return { code: 'confirmed', receipt };
    } else if (sighting.complete) without += 1;
    if (without >= LOOKS_WITHOUT)
      return { code: 'reorganised', detail: `the receipt in block ${receipt.blockNumber} vanished` };
    await sleep(Math.min(pollIntervalMs, MAX_POLL_MS), signal);
  }
  return { code: 'not_confirmed', detail: `in block ${receipt.blockNumber}, not yet ${confirmations} deep` };
}
