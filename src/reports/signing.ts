/** A report's EIP-712 form: what is signed, by whom a signature is, and the hash that the contract keeps of a signer set. */
import {
  concat,
  encodeAbiParameters,
  getAddress,
  keccak256,
  parseAbiParameters,
  recoverAddress,
  stringToHex,
} from 'viem/utils';
import type { Key, Signature } from '../common/key.js';
import type { Address, Hex, Report } from '../common/words.js';
import { encodeAnswers } from './lanes.js';

/** What binds a signature to one contract on one chain. */
export interface ReportDomain {
  readonly chainId: number;
  readonly aggregator: Address;
}

/** One signer's report. */
export interface SignedReport {
  readonly report: Report;
  readonly signer: Address;
  readonly signature: Signature;
}

const DOMAIN_TYPE = keccak256(
  stringToHex('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
);
const REPORT_TYPE = keccak256(stringToHex('Report(uint8 group,uint32 round,uint32 timestamp,bytes answers)'));
const NAME = keccak256(stringToHex('OracleAggregator'));
const VERSION = keccak256(stringToHex('1'));

/** `0x1901 ‖ domain separator ‖ struct hash`: the text whose keccak256 a signer signs (EIP-712). */
export function reportPreimage(report: Report, { chainId, aggregator }: ReportDomain): Hex {
  const domain = keccak256(
    encodeAbiParameters(parseAbiParameters('bytes32, bytes32, bytes32, uint256, address'), [
      DOMAIN_TYPE,
      NAME,
      VERSION,
      BigInt(chainId),
      aggregator,
    ]),
  );
  const struct = keccak256(
    encodeAbiParameters(parseAbiParameters('bytes32, uint8, uint32, uint32, bytes32'), [
      REPORT_TYPE,
      report.group,
      report.round,
      report.timestamp,
      keccak256(encodeAnswers(report.answers, report.wide)),
    ]),
  );
  return concat(['0x1901', domain, struct]);
}

/** Signs a report. @throws KeyError when the key cannot sign */
export async function signReport(
  key: Key,
  report: Report,
  domain: ReportDomain,
  signal?: AbortSignal,
): Promise<SignedReport> {
  return { report, signer: key.address, signature: await key.sign(reportPreimage(report, domain), signal) };
}

/** The address that a signature over a report is of, or `undefined` when it is of none. */
export async function recoverSigner(
  report: Report,
  signature: Signature,
  domain: ReportDomain,
): Promise<Address | undefined> {
  try {
    return await recoverAddress({ hash: keccak256(reportPreimage(report, domain)), signature });
  } catch {
    return undefined;
  }
}

/** Checksummed addresses in the ascending order of their numbers, as the contract wants them. */
export const sortSigners = (signers: readonly Address[]): Address[] =>
  signers.map((signer) => getAddress(signer)).sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));

/** Low 160 bits of keccak256 over the sorted addresses: what the contract keeps of a signer set. */
export const hashSigners = (sorted: readonly Address[]): Address =>
  `0x${keccak256(concat(sorted.map((signer) => signer.toLowerCase() as Hex))).slice(-40)}`;
