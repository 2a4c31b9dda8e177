/** Deploys the aggregator with a group on a test chain, on the daemon's own signing path. */
import { encodeDeployData, encodeFunctionData } from 'viem';
import { createDeployer } from '../../src/chain/deployer.js';
import { oracleAggregatorAbi, oracleAggregatorBytecode } from '../../src/chain/generated/contracts.js';
import { createMemoryKey } from '../../src/chain/keys/memory.js';
import { systemClock } from '../../src/common/time.js';
import type { Address, Hex } from '../../src/common/words.js';
import { createMemoryState } from '../../src/state/memory.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { ANVIL_KEYS } from './anvil.js';
import { testChainConfig } from './chain/config.js';

export interface TestGroup {
  readonly id?: number;
  readonly wide?: boolean;
  readonly ringBits?: number;
  /** Any order; sorted here. */
  readonly signers: readonly Address[];
  readonly threshold?: number;
  readonly feeds?: readonly { readonly decimals: number; readonly description: string }[];
}

export interface DeployOptions {
  readonly url: string;
  readonly groups: readonly TestGroup[];
  /** Pays and becomes admin and guardian; anvil's fourth key unless given, so that the first stay at nonce 0. */
  readonly privateKey?: Hex;
  readonly maxReportAge?: number;
  readonly maxAhead?: number;
}

/** @returns the aggregator's address */
export async function deployAggregator(options: DeployOptions): Promise<Address> {
  const { maxReportAge = 120, maxAhead = 5, privateKey = ANVIL_KEYS[3] } = options;
  const key = createMemoryKey(privateKey);
  const deployer = createDeployer({
    config: testChainConfig({ rpcUrls: [options.url] }),
    key,
    state: createMemoryState({ clock: systemClock }),
    clock: systemClock,
    log: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    random: Math.random,
  });
  const signal = AbortSignal.timeout(30_000);
  const found = await deployer.start(signal);
  if (!found.ok) throw new Error(found.problems.join('; '));
  const { contractAddress } = await deployer.sendAndConfirm(
    {
      reason: 'aggregator',
      data: encodeDeployData({
        abi: oracleAggregatorAbi,
        bytecode: oracleAggregatorBytecode,
        args: [key.address, key.address, 0, maxReportAge, maxAhead],
      }),
    },
    signal,
  );
  if (!contractAddress) throw new Error('no contract was created');
  for (const [index, group] of options.groups.entries()) {
    const sorted = [...group.signers].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    const data = encodeFunctionData({
      abi: oracleAggregatorAbi,
      functionName: 'createGroup',
      args: [
        group.id ?? index + 1,
        group.wide ?? false,
        group.ringBits ?? 4,
        sorted,
        group.threshold ?? 1,
        [...(group.feeds ?? [{ decimals: 8, description: 'ETH / USD' }])],
      ],
    });
    await deployer.sendAndConfirm({ reason: `group ${index + 1}`, to: contractAddress, data }, signal);
  }
  return contractAddress;
}
