/** Keys in AWS KMS (ECC_SECG_P256K1, sign and verify). The secret never leaves KMS: it gets a hash and gives r and s. */
import { createPublicKey } from 'node:crypto';
import type { KMSClient } from '@aws-sdk/client-kms';
import { publicKeyToAddress } from 'viem/accounts';
import { concatHex, keccak256 } from 'viem/utils';
import { type Key, KeyError } from '../../common/key.js';
import { withDeadline } from '../../common/time.js';
import type { Address, Hex } from '../../common/words.js';
import type { KeySettings } from '../../config/types.js';
import { completeSignature, parseDerSignature } from './signatures.js';

const CALL_MS = 10_000;
const ATTEMPTS = 3;

type KmsSettings = Extract<KeySettings, { kind: 'kms' }>;

/**
 * Reads the public keys of the settings' key ids (ids, ARNs or aliases). Credentials come from where AWS's client looks.
 * @throws KeyError when a key cannot be read or is not on secp256k1
 */
export async function loadKmsKeys(settings: KmsSettings, signal?: AbortSignal): Promise<Key[]> {
  // Only who keeps keys there loads the client.
  const kms = await import('@aws-sdk/client-kms');
  const client = new kms.KMSClient({
    maxAttempts: ATTEMPTS,
    ...(settings.region === undefined ? {} : { region: settings.region }),
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
  });

  const keys: Key[] = [];
  for (const keyId of settings.keyIds) {
    const { PublicKey } = await call(`KMS key ${keyId}`, signal, (abortSignal) =>
      client.send(new kms.GetPublicKeyCommand({ KeyId: keyId }), { abortSignal }),
    );
    if (!PublicKey) throw new KeyError(`KMS key ${keyId}: no public key in the answer`);
    keys.push(createKmsKey(kms, client, keyId, addressOfSpki(PublicKey, `KMS key ${keyId}`)));
  }
  return keys;
}

function createKmsKey(
  kms: Pick<typeof import('@aws-sdk/client-kms'), 'SignCommand'>,
  client: KMSClient,
  keyId: string,
  address: Address,
): Key {
  return {
    address,
    async sign(preimage, signal) {
      const hash = keccak256(preimage);
      const command = new kms.SignCommand({
        KeyId: keyId,
        Message: Buffer.from(hash.slice(2), 'hex'),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      });
      const { Signature: der } = await call(`KMS key ${keyId}`, signal, (abortSignal) =>
        client.send(command, { abortSignal }),
      );
      if (!der) throw new KeyError(`KMS key ${keyId}: no signature in the answer`);
      return completeSignature(hash, parseDerSignature(der), address);
    },
  };
}

/** The address of a public key in DER (SubjectPublicKeyInfo). @throws KeyError when it is not on secp256k1 */
export function addressOfSpki(der: Uint8Array, where: string): Address {
  let jwk: { crv?: string; x?: string; y?: string };
  try {
    jwk = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }).export({ format: 'jwk' });
  } catch {
    throw new KeyError(`${where}: its public key cannot be read`);
  }
  if (jwk.crv !== 'secp256k1' || jwk.x === undefined || jwk.y === undefined)
    throw new KeyError(`${where} is not of the kind ECC_SECG_P256K1`);
  const part = (text: string): Hex => `0x${Buffer.from(text, 'base64url').toString('hex').padStart(64, '0')}`;
  return publicKeyToAddress(concatHex(['0x04', part(jwk.x), part(jwk.y)]));
}

/** Errors of AWS carry request details: only their name is passed on. */
async function call<T>(
  where: string,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await withDeadline(where, CALL_MS, work, signal);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown error';
    throw new KeyError(`${where}: ${name}`);
  }
}
