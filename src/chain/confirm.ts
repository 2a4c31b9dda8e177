/** Waits until a receipt lies as deep as configured, and notices when it vanishes. */
import { type Clock, sleep } from '../common/time.js';
import type { Address } from '../common/words.js';
import { findReceipt } from './receipts.js';
import type { RpcPool } from './rpc/pool.js';
import { blockHeader, type Receipt } from './rpc/shapes.js';

/** Looks in a row without the receipt, every endpoint answering, that make a reorganisation. */
const LOOKS_WITHOUT = 2;

export interface ConfirmDeps {
  readonly pool: RpcPool;
  readonly address: Address;
  /** Blocks, the receipt's own included. */
  readonly confirmations: number;
  readonly pollMs: number;
  readonly clock: Clock;
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
}

export type Confirmation =
  | { readonly code: 'confirmed'; readonly receipt: Receipt }
  | { readonly code: 'reorganised' | 'not_confirmed'; readonly detail: string };

/** @returns the receipt as it stood at the end: a reorganisation may have moved it to another block */
export async function confirmReceipt(
  deps: ConfirmDeps,
  first: Receipt,
  signal: AbortSignal,
): Promise<Confirmation> {
  const { pool, confirmations, clock } = deps;
  let receipt = first;
  if (confirmations <= 1) return { code: 'confirmed', receipt };
  let without = 0;
  while (!signal.aborted && clock.monotonic() < deps.deadlineMs) {
    const head = await pool.read('eth_getBlockByNumber', ['latest', false], blockHeader, signal);
    const sighting = await findReceipt(pool, deps.address, [receipt.hash], 0, signal);
    if (sighting.receipt) {
      receipt = sighting.receipt;
      without = 0;
      if (head.ok && head.value.number >= receipt.blockNumber + BigInt(confirmations - 1))
        return { code: 'confirmed', receipt };
    } else if (sighting.complete) without += 1;
    if (without >= LOOKS_WITHOUT)
      return { code: 'reorganised', detail: `the receipt in block ${receipt.blockNumber} vanished` };
    await sleep(deps.pollMs, signal);
  }
  return { code: 'not_confirmed', detail: `in block ${receipt.blockNumber}, not yet ${confirmations} deep` };
}
