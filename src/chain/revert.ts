/** Names a revert by the contract's errors and says what it means for the publisher. Pure. */
import { decodeErrorResult } from 'viem/utils';
import type { Hex } from '../common/words.js';
import { oracleAggregatorAbi } from './generated/contracts.js';
import type { TransmitOutcome } from './types.js';

export type RevertCause = Extract<TransmitOutcome, { code: 'reverted' }>['cause'];

export interface Revert {
  /** A name from {@link REVERT_NAMES}: a closed set, fit for a label. */
  readonly errorName: string;
  readonly errorArgs: readonly string[];
  readonly cause: RevertCause;
}

/** What is not named here is `other`: also `ReportAhead`, which a second later is as far ahead as now. */
const CAUSES: Readonly<Record<string, RevertCause>> = {
  RoundNotNext: 'someone_faster',
  TimestampNotNewer: 'someone_faster',
  ReportTooOld: 'late',
  GroupIsPaused: 'paused',
  SignersMismatch: 'unauthorised',
  ThresholdNotMet: 'unauthorised',
  SenderNotInBitmap: 'unauthorised',
  BitmapBeyondSigners: 'unauthorised',
  AccessControlUnauthorizedAccount: 'unauthorised',
};

/** Every name that a revert can get: the contract's errors, Solidity's two, and two of our own. */
export const REVERT_NAMES: readonly string[] = [
  ...oracleAggregatorAbi.filter((item) => item.type === 'error').map((item) => item.name),
  'Error',
  'Panic',
  'OutOfGas',
  'Unknown',
];

const BUILT_IN = [
  { type: 'error', name: 'Error', inputs: [{ name: 'message', type: 'string' }] },
  { type: 'error', name: 'Panic', inputs: [{ name: 'code', type: 'uint256' }] },
] as const;

/** Decodes revert data; `Unknown` when it is absent or of no known error. */
export function decodeRevert(revertData: Hex | undefined): Revert {
  if (revertData !== undefined && revertData.length >= 10) {
    try {
      const { errorName, args } = decodeErrorResult({
        abi: [...oracleAggregatorAbi, ...BUILT_IN],
        data: revertData,
      });
      return {
        errorName,
        errorArgs: (args ?? []).map((argument) => String(argument)),
        cause: CAUSES[errorName] ?? 'other',
      };
    } catch {
      // Not one of ours: named below.
    }
  }
  return { errorName: 'Unknown', errorArgs: [], cause: 'other' };
}

/** The transaction used up all of its gas. */
export const OUT_OF_GAS: Revert = { errorName: 'OutOfGas', errorArgs: [], cause: 'other' };

/**
 * Whether a simulation's revert says nothing of the block to come: calls run under the newest block's time, and a report
 * is rightly dated ahead of that when blocks are rare.
 */
export const isAheadOnly = (revert: Revert): boolean => revert.errorName === 'ReportAhead';
