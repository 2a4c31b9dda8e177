/** Settings of a chain for tests: short times, generous caps. */
import type { ChainConfig } from '../../../src/config/types.js';

const GWEI = 1_000_000_000n;

/** A chain's configuration; `fees` are merged, the rest replaced. */
export function testChainConfig(
  overrides: Omit<Partial<ChainConfig>, 'fees'> & { fees?: Partial<ChainConfig['fees']> } = {},
): ChainConfig {
  const { fees, ...rest } = overrides;
  return {
    name: 'local',
    id: undefined,
    rpcUrls: [],
    aggregator: undefined,
    confirmations: 1,
    confirmationDeadlineMs: 20_000,
    replaceAfterMs: 1_000,
    pollIntervalMs: 100,
    rpcTimeoutMs: 2_000,
    minLeadMs: 1_000,
    gasLimitCap: 2_000_000n,
    ...rest,
    fees: {
      mode: 'eip1559',
      maxFeeWei: 1_000n * GWEI,
      maxPriorityFeeWei: 50n * GWEI,
      ...fees,
    },
  };
}
