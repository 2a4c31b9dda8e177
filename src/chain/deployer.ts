/** Sends plain transactions (deploying, configuring) on the same path as reports: signed here, journalled, followed. */
import { getContractAddress, parseTransaction } from 'viem/utils';
import type { Key } from '../common/key.js';
import type { Random } from '../common/random.js';
import type { Clock } from '../common/time.js';
import type { Address, Hex } from '../common/words.js';
import type { ChainConfig } from '../config/types.js';
import type { StateStore } from '../state/store.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { pinChain } from './pin.js';
import { decodeRevert } from './revert.js';
import { isRevert } from './rpc/endpoint.js';
import { createRpcPool } from './rpc/pool.js';
import { data } from './rpc/shapes.js';
import { createSender } from './sender.js';
import type { StartFinding } from './types.js';

/** A deployment costs more than any report; still a bound against a node's wild estimate. */
const DEPLOY_GAS_CAP = 16_000_000n;

export interface DeployerOptions {
  readonly config: ChainConfig;
  readonly key: Key;
  readonly state: StateStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random: Random;
}

export interface PlainTransaction {
  /** Absent: creates a contract. */
  readonly to?: Address;
  readonly data: Hex;
  /** For the journal and the log. */
  readonly reason: string;
}

export interface PlainReceipt {
  readonly hash: Hex;
  readonly blockNumber: bigint;
  readonly gasUsed: bigint;
  /** Address of the created contract, from our own address and nonce. */
  readonly contractAddress?: Address;
}

/** A transaction did not do what it was sent for. The message holds the named error or the cause. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
}

export interface Deployer {
  readonly address: Address;
  /** Checks the endpoints and pins the chain id. To be called first. */
  start(signal: AbortSignal): Promise<StartFinding>;
  readonly chainId: () => number;
  /** Sends and waits for the confirmation, replacing with higher fees when needed. @throws DeployError */
  sendAndConfirm(transaction: PlainTransaction, signal: AbortSignal): Promise<PlainReceipt>;
  /** One `eth_call` at the latest block. @throws DeployError when it reverts or no endpoint answers */
  call(to: Address, data: Hex, signal: AbortSignal): Promise<Hex>;
  /** Code at an address, `0x` when there is none. @throws DeployError when no endpoint answers */
  codeAt(address: Address, signal: AbortSignal): Promise<Hex>;
}

/** Creates a deployer. Caps per gas hold as configured; the ceiling per transaction and the budgets are for reports. */
export function createDeployer(options: DeployerOptions): Deployer {
  const { config, key, state, clock, log, metrics, random } = options;
  const {
    maxTransactionWei: _ceiling,
    budgetPerHourWei: _hour,
    budgetPerDayWei: _day,
    ...fees
  } = config.fees;
  const gasLimitCap = config.gasLimitCap > DEPLOY_GAS_CAP ? config.gasLimitCap : DEPLOY_GAS_CAP;
  const pool = createRpcPool({
    name: config.name,
    urls: config.rpcUrls,
    timeoutMs: config.rpcTimeoutMs,
    reorgBlocks: Math.max(config.confirmations, 2),
    clock,
    random,
    log,
    metrics,
  });
  let pinned: number | undefined;
  const chainId = (): number => {
    if (pinned === undefined) throw new Error('the deployer was not started');
    return pinned;
  };
  const sender = createSender({
    name: config.name,
    pool,
    key,
    chainId,
    config: { ...config, fees, gasLimitCap },
    state,
    ledger: undefined,
    clock,
    log,
    metrics,
  });

  async function read(method: string, params: readonly unknown[], signal: AbortSignal): Promise<Hex> {
    const reply = await pool.read(method, params, data, signal);
    if (reply.ok) return reply.value;
    const { failure } = reply;
    throw new DeployError(isRevert(failure) ? decodeRevert(failure.rpcData).errorName : failure.detail);
  }

  return {
    address: key.address,
    chainId,
    async start(signal) {
      const finding = await pinChain(pool, config, signal);
      if (finding.ok) pinned = finding.chainId;
      return finding;
    },
    async sendAndConfirm({ to, data: input, reason }, signal) {
      const request = { reason, prepare: async () => ({ to, data: input, rounds: [] }) };
      const outcome = await sender.send(request, signal);
      switch (outcome.code) {
        case 'refused': {
          const { errorName, errorArgs } = outcome.revert;
          throw new DeployError(`${reason}: would revert with ${errorName}(${errorArgs.join(', ')})`);
        }
        case 'withdrawn':
          throw new DeployError(`${reason}: withdrawn`);
        case 'failed':
          throw new DeployError(`${reason}: ${outcome.cause}: ${outcome.detail}`);
        case 'landed':
      }
      const { receipt, attempt } = outcome;
      if (!receipt.success) throw new DeployError(`${reason}: transaction ${receipt.hash} reverted`);
      const sent = parseTransaction(attempt.raw);
      // What landed may have been left open by an earlier run: it must be this transaction to count as it.
      if ((sent.data ?? '0x') !== input || (sent.to ?? undefined)?.toLowerCase() !== to?.toLowerCase())
        throw new DeployError(`${reason}: another open transaction of this key landed first; run again`);
      const { hash, blockNumber, gasUsed } = receipt;
      if (to !== undefined) return { hash, blockNumber, gasUsed };
      const contractAddress = getContractAddress({ from: key.address, nonce: BigInt(outcome.entry.nonce) });
      return { hash, blockNumber, gasUsed, contractAddress };
    },
    call: (to, input, signal) => read('eth_call', [{ to, data: input }, 'latest'], signal),
    codeAt: (address, signal) => read('eth_getCode', [address, 'latest'], signal),
  };
}
