/** Rounds as the contract's events tell them. */
import { parseEventLogs, type RpcLog } from 'viem';
import { oracleAggregatorAbi as abi } from '../../../src/chain/generated/contracts.js';
import type { Address } from '../../../src/common/words.js';
import type { Anvil } from '../anvil.js';

export interface RoundEvent {
  readonly group: number;
  readonly round: number;
  /** The first feed's, of a narrow group. */
  readonly answer: bigint;
  readonly blockNumber: bigint;
}

/** Every round that stands on chain, oldest first. */
export async function readRoundEvents(anvil: Anvil, address: Address): Promise<readonly RoundEvent[]> {
  const logs = (await anvil.rpc('eth_getLogs', [
    { address, fromBlock: '0x0', toBlock: 'latest' },
  ])) as RpcLog[];
  return parseEventLogs({ abi, eventName: 'RoundStored', logs }).map(({ args, blockNumber }) => ({
    group: args.group,
    // The report's fixed part: group 1, round 4, timestamp 4, …
    round: Number(`0x${args.head.slice(4, 12)}`),
    answer: BigInt.asIntN(56, BigInt(args.answers.slice(0, 16))),
    blockNumber,
  }));
}
