/** Builds and signs a transaction: every field of it comes from here, none from a node's reply. */
import type { TransactionSerializableEIP1559, TransactionSerializableLegacy } from 'viem';
import { keccak256, recoverAddress, serializeTransaction } from 'viem/utils';
import type { Key } from '../common/key.js';
import type { Address, Hex } from '../common/words.js';
import type { Fees } from './fees.js';

/** Half of the curve's order: a higher `s` is refused by every chain since Homestead. */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

export interface Draft {
  readonly chainId: number;
  readonly nonce: number;
  /** `undefined`: creates a contract. */
  readonly to: Address | undefined;
  readonly data: Hex;
  readonly gasLimit: bigint;
  readonly fees: Fees;
}

export type SignResult =
  | { readonly ok: true; readonly hash: Hex; readonly raw: Hex }
  | { readonly ok: false; readonly detail: string };

/** Signs a draft with a key and checks that the signature is that key's, wherever it was made. Value is always zero. */
export async function signDraft(draft: Draft, key: Key, signal: AbortSignal): Promise<SignResult> {
  const common = {
    chainId: draft.chainId,
    nonce: draft.nonce,
    data: draft.data,
    gas: draft.gasLimit,
    value: 0n,
    ...(draft.to === undefined ? {} : { to: draft.to }),
  };
  const transaction: TransactionSerializableEIP1559 | TransactionSerializableLegacy =
    draft.fees.type === 'legacy'
      ? { ...common, type: 'legacy', gasPrice: draft.fees.gasPriceWei }
      : {
          ...common,
          type: 'eip1559',
          maxFeePerGas: draft.fees.maxFeeWei,
          maxPriorityFeePerGas: draft.fees.maxPriorityFeeWei,
        };
  const preimage = serializeTransaction(transaction);
  try {
    const { r, s, yParity } = await key.sign(preimage, signal);
    if (BigInt(s) > HALF_ORDER) return { ok: false, detail: 'the key gave a signature with a high s' };
    const signature = { r, s, yParity };
    const signer = await recoverAddress({ hash: keccak256(preimage), signature });
    if (signer.toLowerCase() !== key.address.toLowerCase())
      return { ok: false, detail: `the signature is of ${signer}, not of ${key.address}` };
    const raw = serializeTransaction(transaction, { ...signature, v: yParity === 0 ? 27n : 28n });
    return { ok: true, hash: keccak256(raw), raw };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : 'the key failed' };
  }
}
