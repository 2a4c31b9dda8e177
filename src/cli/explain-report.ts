/** Takes a group's part of a `transmit` call apart again: the inverse of `packReport`, for reports of any number of signers. */
import type { Hex as ViemHex } from 'viem';
import { concat } from 'viem/utils';
import type { Signature } from '../common/key.js';
import type { Address, Hex } from '../common/words.js';
import { decodeAnswers, laneBytes } from '../reports/lanes.js';

/** One place of the sorted signer set. */
export type Place =
  | {
      readonly kind: 'signed';
      readonly signature: Signature;
      readonly answers: readonly (bigint | undefined)[];
    }
  /** The transaction's sender: no signature of its own, the contract takes `msg.sender`. */
  | { readonly kind: 'sender'; readonly answers: readonly (bigint | undefined)[] }
  /** Did not sign: named, so that the set's hash can be made. */
  | { readonly kind: 'listed'; readonly address: Address };

export interface UnpackedReport {
  readonly group: number;
  readonly round: number;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly places: readonly Place[];
}

const HEADER_BYTES = 12;
const SIGNATURE_BYTES = 64;
const ADDRESS_BYTES = 20;
const LOW_255_BITS = (1n << 255n) - 1n;

/**
 * Unpacks a group's part of `transmit`.
 * @returns `undefined` when the bytes are not exactly such a part for so many signers and feeds
 */
export function unpackReport(
  packed: Hex,
  shape: { readonly signers: number; readonly feeds: number; readonly wide: boolean },
): UnpackedReport | undefined {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(packed)) return undefined;
  const bytes = (from: number, length: number): Hex =>
    `0x${packed.slice(2 + 2 * from, 2 + 2 * (from + length))}`;
  const total = (packed.length - 2) / 2;
  if (total < HEADER_BYTES) return undefined;
  const number = (from: number, length: number) => Number(BigInt(bytes(from, length)));
  const bitmap = number(9, 2);
  const senderPlace = number(11, 1);
  const answerBytes = shape.feeds * laneBytes(shape.wide);

  const places: Place[] = [];
  let at = HEADER_BYTES;
  const take = (length: number): Hex | undefined => {
    at += length;
    return at > total ? undefined : bytes(at - length, length);
  };
  for (let place = 0; place < shape.signers; place += 1) {
    if ((bitmap & (1 << place)) === 0) {
      const address = take(ADDRESS_BYTES);
      if (!address) return undefined;
      places.push({ kind: 'listed', address });
      continue;
    }
    const signature = place === senderPlace ? undefined : take(SIGNATURE_BYTES);
    if (place !== senderPlace && !signature) return undefined;
    const encoded = take(answerBytes);
    if (!encoded) return undefined;
    const answers = decodeAnswers(encoded, shape.wide);
    places.push(
      signature ? { kind: 'signed', signature: expand(signature), answers } : { kind: 'sender', answers },
    );
  }
  const isWhole = at === total && bitmap >> shape.signers === 0;
  return isWhole ? { group: number(0, 1), round: number(1, 4), timestamp: number(5, 4), places } : undefined;
}

/** `r ‖ vs` of EIP-2098. */
function expand(compact: Hex): Signature {
  const vs = BigInt(`0x${compact.slice(66)}`);
  const s = (vs & LOW_255_BITS).toString(16).padStart(64, '0');
  return { r: compact.slice(0, 66) as Hex, s: `0x${s}`, yParity: vs > LOW_255_BITS ? 1 : 0 };
}

/** Per feed the lower median of the answers present, when at least `threshold` are: what the contract stores. */
export function storedAnswers(
  places: readonly Place[],
  threshold: number,
  feeds: number,
): (bigint | undefined)[] {
  return Array.from({ length: feeds }, (_unused, feed) => {
    const present = places
      .flatMap((place) => (place.kind === 'listed' ? [] : [place.answers[feed]]))
      .filter((answer) => answer !== undefined)
      .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return present.length < threshold ? undefined : present[Math.floor((present.length - 1) / 2)];
  });
}

/** Whether a `transmit` call's reports carry a part, on a byte's boundary. */
export function carries(reports: ViemHex, part: Hex): boolean {
  const [whole, wanted] = [concat([reports]).toLowerCase(), part.slice(2).toLowerCase()];
  for (let at = whole.indexOf(wanted, 2); at >= 0; at = whole.indexOf(wanted, at + 1))
    if (at % 2 === 0) return true;
  return false;
}
