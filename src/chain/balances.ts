/** Balances of the transmitter keys, and how long they last, as metrics and one warning when one is low. */
import type { Clock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { toNative } from './amounts.js';
import type { RpcPool } from './rpc/pool.js';
import { quantity } from './rpc/shapes.js';
import { type Ledger, runwayDays } from './spending.js';

/** What a key that spends nothing is said to last: ten years. */
const LONGEST_DAYS = 3_650;

export interface BalanceDeps {
  readonly name: string;
  readonly pool: RpcPool;
  readonly addresses: readonly Address[];
  readonly ledger: Ledger;
  readonly minBalanceWei: bigint | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** @returns a function that reads all balances once; what an endpoint does not answer stays as it was */
export function createBalances(deps: BalanceDeps): (signal: AbortSignal) => Promise<void> {
  const { name, pool, ledger, clock, log, metrics } = deps;
  const low = new Set<Address>();
  metrics.transmitterMinBalance.set({ adapter: name }, toNative(deps.minBalanceWei ?? 0n));

  return async (signal) => {
    await ledger.load();
    for (const address of deps.addresses) {
      const reply = await pool.read('eth_getBalance', [address, 'latest'], quantity, signal);
      if (!reply.ok) continue;
      const days = runwayDays(ledger.of(address), reply.value, clock.now()) ?? LONGEST_DAYS;
      metrics.transmitterBalance.set({ adapter: name, address }, toNative(reply.value));
      metrics.transmitterRunwayDays.set({ adapter: name, address }, Math.min(days, LONGEST_DAYS));
      const isLow = deps.minBalanceWei !== undefined && reply.value < deps.minBalanceWei;
      if (isLow && !low.has(address))
        log.warn(
          { event: 'balance_low', chain: name, address, balance: toNative(reply.value), runwayDays: days },
          'balance is low',
        );
      if (isLow) low.add(address);
      else low.delete(address);
    }
  };
}
