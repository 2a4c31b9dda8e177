/** A key whose secret lies in memory: from the environment, a file or a keystore. */

import { privateKeyToAddress, sign } from 'viem/accounts';
import { keccak256 } from 'viem/utils';
import { type Key, KeyError } from '../../common/key.js';
import type { Hex } from '../../common/words.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/**
 * Reads a private key as text: 64 hexadecimal digits, `0x` before them or not.
 * @param where what is named in the error, such as `PRIVATE_KEY (2nd of 3)`
 * @throws KeyError without any part of the text
 */
export function parsePrivateKey(text: string, where: string): Hex {
  const digits = text.trim().replace(/^0x/i, '');
  if (digits === '') throw new KeyError(`${where} is empty`);
  if (!/^[0-9a-fA-F]*$/.test(digits))
    throw new KeyError(
      `${where} is not hexadecimal: a private key is 64 hexadecimal digits, 0x before them or not`,
    );
  if (digits.length !== 64)
    throw new KeyError(`${where} has ${digits.length} hexadecimal digits, a private key has 64`);
  const value = BigInt(`0x${digits}`);
  if (value === 0n || value >= ORDER) throw new KeyError(`${where} is not in the range of private keys`);
  return `0x${digits.toLowerCase()}`;
}

/** Makes a key of a checked secret. */
export function createMemoryKey(privateKey: Hex): Key {
  return {
    address: privateKeyToAddress(privateKey),
    async sign(preimage) {
      const { r, s, yParity } = await sign({ hash: keccak256(preimage), privateKey });
      if (yParity !== 0 && yParity !== 1) throw new KeyError('the signature has no recovery id');
      return { r, s, yParity };
    },
  };
}
