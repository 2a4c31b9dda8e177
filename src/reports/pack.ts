/** Packs signed reports into the bytes of `transmit`; the layout is drawn in contracts/src/interfaces. */
import { concat, numberToHex } from 'viem/utils';
import type { Signature } from '../common/key.js';
import type { Address, Hex, Report } from '../common/words.js';
import { encodeAnswers } from './lanes.js';

/** What one signer gives to a round. Without a signature it is the sender, whose place the contract fills itself. */
export interface Contribution {
  readonly signer: Address;
  readonly answers: readonly (bigint | undefined)[];
  readonly signature?: Signature;
}

/** The place byte that says: the sender is no signer. */
const NO_PLACE = 0xff;

/**
 * Packs one group's part of `transmit`.
 * @param sortedSigners the whole signer set in the contract's order
 * @param contributions at most one per signer; at most one without a signature
 * @throws RangeError when a contribution is of no signer of the set
 */
export function packReport(
  { group, round, timestamp, wide }: Pick<Report, 'group' | 'round' | 'timestamp' | 'wide'>,
  sortedSigners: readonly Address[],
  contributions: readonly Contribution[],
): Hex {
  const bySigner = new Map(contributions.map((given) => [given.signer.toLowerCase(), given]));
  let bitmap = 0;
  let senderPlace = NO_PLACE;
  const parts = sortedSigners.map((signer, place): Hex => {
    const given = bySigner.get(signer.toLowerCase());
    if (!given) return signer;
    bySigner.delete(signer.toLowerCase());
    bitmap |= 1 << place;
    const answers = encodeAnswers(given.answers, wide);
    if (given.signature) return concat([compact(given.signature), answers]);
    senderPlace = place;
    return answers;
  });
  const [stranger] = bySigner.keys();
  if (stranger !== undefined) throw new RangeError(`${stranger} is no signer of group ${group}`);
  return concat([
    numberToHex(group, { size: 1 }),
    numberToHex(round, { size: 4 }),
    numberToHex(timestamp, { size: 4 }),
    numberToHex(bitmap, { size: 2 }),
    numberToHex(senderPlace, { size: 1 }),
    ...parts,
  ]);
}

/** `r ‖ vs` of EIP-2098: the recovery id in the highest bit of `s`. */
function compact({ r, s, yParity }: Signature): Hex {
  const vs = BigInt(s) | (BigInt(yParity) << 255n);
  return concat([numberToHex(BigInt(r), { size: 32 }), numberToHex(vs, { size: 32 })]);
}
