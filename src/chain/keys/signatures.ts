/** What remote signers give, made into what a chain takes: a low s, and the recovery id that they do not tell. */
import { recoverAddress, toHex } from 'viem/utils';
import { KeyError, type Signature } from '../../common/key.js';
import type { Address, Hex } from '../../common/words.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/**
 * Reads an ECDSA signature in DER: a sequence of two positive integers, in the shortest form, nothing behind.
 * @throws KeyError
 */
export function parseDerSignature(der: Uint8Array): { readonly r: bigint; readonly s: bigint } {
  const broken = () => new KeyError('the signer gave a signature that is not valid DER');
  let at = 0;
  const byte = (): number => {
    const value = der[at];
    if (value === undefined) throw broken();
    at += 1;
    return value;
  };
  const integer = (): bigint => {
    if (byte() !== 0x02) throw broken();
    const length = byte();
    const bytes = der.subarray(at, at + length);
    const [first = 0x80, second = 0] = bytes;
    if (length < 1 || length > 33 || bytes.length !== length || first >= 0x80) throw broken();
    if (first === 0 && length > 1 && second < 0x80) throw broken();
    at += length;
    return BigInt(toHex(bytes));
  };
  if (byte() !== 0x30 || byte() !== der.length - 2) throw broken();
  const r = integer();
  const s = integer();
  if (at !== der.length) throw broken();
  return { r, s };
}

/**
 * Completes a signature: takes the lower of the two valid s, and the recovery id that leads to the signer's address.
 * @throws KeyError when it is not a signature of this hash by this address
 */
export async function completeSignature(
  hash: Hex,
  { r, s }: { readonly r: bigint; readonly s: bigint },
  address: Address,
): Promise<Signature> {
  if (r <= 0n || r >= ORDER || s <= 0n || s >= ORDER)
    throw new KeyError('the signer gave r or s out of range');
  const low = s > ORDER / 2n ? ORDER - s : s;
  const parts = { r: toHex(r, { size: 32 }), s: toHex(low, { size: 32 }) };
  for (const yParity of [0, 1] as const) {
    const signature = { ...parts, yParity };
    const signer = await recoverAddress({ hash, signature }).catch(() => undefined);
    if (signer?.toLowerCase() === address.toLowerCase()) return signature;
  }
  throw new KeyError(`the signer gave a signature that is not of ${address}`);
}
