/** A secp256k1 key as the stages use it: wherever the secret lives (memory, KMS, Web3Signer), it signs preimages. */
import type { Address, Hex } from './words.js';

/** A low-s signature with its recovery id. */
export interface Signature {
  readonly r: Hex;
  readonly s: Hex;
  readonly yParity: 0 | 1;
}

export interface Key {
  readonly address: Address;
  /**
   * Signs `keccak256(preimage)`: a serialized transaction, or `0x1901 ‖ domain ‖ struct hash` of EIP-712. The preimage
   * and not its hash is handed over, because Web3Signer hashes by itself.
   * @throws KeyError when the key cannot sign; never with the secret in the message
   */
  sign(preimage: Hex, signal?: AbortSignal): Promise<Signature>;
}

/** A key that could not be read or could not sign. The message never holds the secret. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}
