/** Where a transaction is: receipts over all hashes of a nonce, counts of the key, whether any pool knows it. */
import type { Address, Hex } from '../common/words.js';
import type { RpcPool } from './rpc/pool.js';
import { type Receipt, receipt, smallQuantity } from './rpc/shapes.js';

/** Hashes asked for at each look; older ones take turns. */
const NEWEST = 3;

export interface Sighting {
  readonly receipt: Receipt | undefined;
  /** Every healthy endpoint answered for the newest hashes: an absent receipt then means something. */
  readonly complete: boolean;
}

/**
 * Looks for a receipt of any of the hashes on every healthy endpoint.
 * @param turn counts the looks, so that of many hashes the older ones take turns
 */
export async function findReceipt(
  pool: RpcPool,
  from: Address,
  hashes: readonly Hex[],
  turn: number,
  signal: AbortSignal,
): Promise<Sighting> {
  const newest = hashes.slice(-NEWEST);
  const older = hashes.slice(0, -NEWEST);
  const asked = older.length === 0 ? newest : [...newest, older[turn % older.length] as Hex];
  const replies = (
    await Promise.all(
      asked.map(async (hash) =>
        (
          await pool.all('eth_getTransactionReceipt', [hash], receipt, signal)
        ).map((reply) => ({ hash, reply })),
      ),
    )
  ).flat();
  for (const { hash, reply } of replies) {
    if (!reply.ok || !reply.value) continue;
    const { value } = reply;
    // A receipt of another transaction is no answer to the question.
    if (value.hash === hash.toLowerCase() && value.from === from.toLowerCase())
      return { receipt: value, complete: true };
  }
  return { receipt: undefined, complete: replies.length > 0 && replies.every(({ reply }) => reply.ok) };
}

/** Looks once for a receipt of any of the hashes, however many they are. */
export async function findAnyReceipt(
  pool: RpcPool,
  from: Address,
  hashes: readonly Hex[],
  signal: AbortSignal,
): Promise<Receipt | undefined> {
  const turns = Math.max(hashes.length - NEWEST, 1);
  for (let turn = 0; turn < turns && !signal.aborted; turn += 1) {
    const sighting = await findReceipt(pool, from, hashes, turn, signal);
    if (sighting.receipt) return sighting.receipt;
  }
  return undefined;
}

/** What each healthy endpoint counts as the key's next nonce, at the latest block. */
export async function readCounts(
  pool: RpcPool,
  address: Address,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const replies = await pool.all('eth_getTransactionCount', [address, 'latest'], smallQuantity, signal);
  return replies.flatMap((reply) => (reply.ok ? [reply.value] : []));
}

/** Whether some endpoint counts the nonce as used. */
export async function isUsed(
  pool: RpcPool,
  address: Address,
  nonce: number,
  signal: AbortSignal,
): Promise<boolean> {
  return (await readCounts(pool, address, signal)).some((count) => count > nonce);
}

/** Whether some endpoint still knows one of the newest transactions; `undefined` when none could tell. */
export async function isKnown(
  pool: RpcPool,
  hashes: readonly Hex[],
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const exists = (result: unknown) => result !== null && typeof result === 'object';
  const replies = (
    await Promise.all(
      hashes.slice(-NEWEST).map((hash) => pool.all('eth_getTransactionByHash', [hash], exists, signal)),
    )
  ).flat();
  if (replies.some((reply) => reply.ok && reply.value)) return true;
  return replies.length > 0 && replies.every((reply) => reply.ok) ? false : undefined;
}
