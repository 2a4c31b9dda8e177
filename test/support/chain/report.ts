/** Calldata of `transmit` for tests of the chain: the sender is the one signer, so nothing needs signing. */
import { concatHex, encodeFunctionData, numberToHex } from 'viem';
import { oracleAggregatorAbi } from '../../../src/chain/generated/contracts.js';
import type { ReportedRound } from '../../../src/chain/types.js';
import type { Hex } from '../../../src/common/words.js';

/** One narrow report by the sender, the only signer of its group. */
export function senderReport({ group, round, timestamp }: ReportedRound, answers: readonly bigint[]): Hex {
  return concatHex([
    numberToHex(group, { size: 1 }),
    numberToHex(round, { size: 4 }),
    numberToHex(timestamp, { size: 4 }),
    numberToHex(1, { size: 2 }),
    numberToHex(0, { size: 1 }),
    ...answers.map((answer) => numberToHex(answer, { size: 7, signed: true })),
  ]);
}

export const transmitData = (...reports: readonly Hex[]): Hex =>
  encodeFunctionData({ abi: oracleAggregatorAbi, functionName: 'transmit', args: [concatHex(reports)] });
