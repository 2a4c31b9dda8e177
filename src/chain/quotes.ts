/** Asks the healthy endpoints what gas costs, for one combined quote. */
import type { FeeMode } from '../config/types.js';
import { most } from './amounts.js';
import { combineQuotes, type FeeQuote } from './fees.js';
import type { RpcPool } from './rpc/pool.js';
import { blockHeader, quantity } from './rpc/shapes.js';

/** A price per gas that no chain has ever asked: a reply above it is no quote. */
const ABSURD_WEI = 10n ** 24n;

/** @returns `undefined` when no endpoint gave a usable quote */
export async function readQuote(
  pool: RpcPool,
  mode: FeeMode,
  signal: AbortSignal,
): Promise<FeeQuote | undefined> {
  if (mode === 'zero') return { baseFeeWei: 0n, tipWei: 0n };
  const [blocks, prices] = await Promise.all([
    pool.all('eth_getBlockByNumber', ['latest', false], blockHeader, signal),
    pool.all(mode === 'legacy' ? 'eth_gasPrice' : 'eth_maxPriorityFeePerGas', [], quantity, signal),
  ]);
  const baseFees = new Map(
    blocks.flatMap((reply) => (reply.ok ? [[reply.endpoint, reply.value.baseFeeWei ?? 0n] as const] : [])),
  );
  const tips = new Map(prices.flatMap((reply) => (reply.ok ? [[reply.endpoint, reply.value] as const] : [])));
  // A node without eth_maxPriorityFeePerGas still has a gas price, which holds the base fee.
  if (mode === 'eip1559' && tips.size === 0) {
    for (const reply of await pool.all('eth_gasPrice', [], quantity, signal))
      if (reply.ok) tips.set(reply.endpoint, most(0n, reply.value - (baseFees.get(reply.endpoint) ?? 0n)));
  }
  const quotes = [...baseFees].flatMap(([endpoint, baseFeeWei]) => {
    const tipWei = tips.get(endpoint);
    if (tipWei === undefined || baseFeeWei > ABSURD_WEI || tipWei > ABSURD_WEI) return [];
    return [{ baseFeeWei, tipWei }];
  });
  return combineQuotes(quotes);
}
