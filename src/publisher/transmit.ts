/** Turns evaluations that are due into the calldata of `transmit`: signed reports of one or more groups. */
import { concat, encodeFunctionData, isAddressEqual } from 'viem/utils';
import { oracleAggregatorAbi } from '../chain/generated/contracts.js';
import type { PreparedTransmit } from '../chain/types.js';
import type { Key } from '../common/key.js';
import type { Address, Hex, Report } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import { type Contribution, packReport } from '../reports/pack.js';
import { type ReportDomain, signReport } from '../reports/signing.js';
import type { Evaluation } from './evaluate.js';

/** A group's part of a transaction. */
export interface GroupPart {
  readonly evaluation: Evaluation;
  readonly report: Report;
  readonly packed: Hex;
  readonly signers: readonly Address[];
  readonly signatures: number;
  readonly moments: DecisionMoments;
}

/** Unix milliseconds: when the decision for this part began, and when it was made. */
export interface DecisionMoments {
  readonly startedAtMs: number;
  readonly decidedAtMs: number;
}

/** Why a group's round cannot be made; both codes page. */
export interface SigningProblem {
  readonly code: 'unauthorised' | 'too_few_signatures';
  readonly detail: string;
  /** Valid signatures at hand. */
  readonly signatures: number;
}

interface BuildInput {
  readonly group: GroupConfig;
  readonly evaluation: Evaluation;
  /** The contract's whole signer set, sorted; `undefined` when nobody knows it. */
  readonly signers: readonly Address[] | undefined;
  readonly keys: readonly Key[];
  readonly transmitter: Address;
  readonly domain: ReportDomain;
  readonly moments: DecisionMoments;
}

/**
 * Signs one group's report for the round after the one on chain. A transmitter that is a signer needs no signature; else
 * a key of the pool that is a signer signs.
 * @throws KeyError when the key cannot sign
 */
export async function buildPart(
  { group, evaluation, signers, keys, transmitter, domain, moments }: BuildInput,
  signal: AbortSignal,
): Promise<GroupPart | SigningProblem> {
  const { onChain } = evaluation;
  if (onChain === undefined) throw new TypeError('a group without a known round is never due');
  if (signers === undefined)
    return {
      code: 'unauthorised',
      signatures: 0,
      detail: `the signer set of group ${group.name} on chain (hash ${onChain.signersHash}) is neither configured nor found in the contract's events`,
    };
  const report: Report = {
    group: group.id,
    round: onChain.round + 1,
    timestamp: evaluation.tick,
    wide: group.wide,
    answers: evaluation.feeds.map(({ price }) => (price.ok ? price.answer : undefined)),
  };
  const isSigner = (address: Address) => signers.some((signer) => isAddressEqual(signer, address));
  const contributions: Contribution[] = [];
  if (isSigner(transmitter)) {
    contributions.push({ signer: transmitter, answers: report.answers });
  } else {
    const key = keys.find(({ address }) => isSigner(address));
    if (!key)
      return {
        code: 'unauthorised',
        signatures: 0,
        detail: `no key of this replica is a signer of group ${group.name}`,
      };
    const { signature } = await signReport(key, report, domain, signal);
    contributions.push({ signer: key.address, answers: report.answers, signature });
  }
  const signatures = contributions.length;
  if (signatures < onChain.threshold)
    return {
      code: 'too_few_signatures',
      signatures,
      detail: `group ${group.name} needs ${onChain.threshold} signatures on chain, and ${signatures} is at hand`,
    };
  return {
    evaluation,
    report,
    packed: packReport(report, signers, contributions),
    signers,
    signatures,
    moments,
  };
}

/** Joins the parts of several groups into one call. */
export function joinParts(parts: readonly GroupPart[]): PreparedTransmit {
  return {
    data: encodeFunctionData({
      abi: oracleAggregatorAbi,
      functionName: 'transmit',
      args: [concat(parts.map(({ packed }) => packed))],
    }),
    rounds: parts.map(({ report: { group, round, timestamp } }) => ({ group, round, timestamp })),
  };
}
