/** Keys behind Web3Signer's HTTP API (`eth1`). It hashes what it is given, so it gets the preimage. */

import { publicKeyToAddress } from 'viem/accounts';
import { concatHex, keccak256 } from 'viem/utils';
import { type Key, KeyError } from '../../common/key.js';
import { DeadlineError, withDeadline } from '../../common/time.js';
import type { Address, Hex } from '../../common/words.js';
import type { KeySettings } from '../../config/types.js';
import { readBounded, splitCredentials } from '../http.js';
import { completeSignature } from './signatures.js';

const CALL_MS = 5_000;
const MAX_BODY_BYTES = 1024 * 1024;

type Web3SignerSettings = Extract<KeySettings, { kind: 'web3signer' }>;

/**
 * Finds the settings' addresses among the public keys that Web3Signer holds; without addresses, all of them.
 * @throws KeyError when it does not answer or holds no key of an address
 */
export async function loadWeb3SignerKeys(settings: Web3SignerSettings, signal?: AbortSignal): Promise<Key[]> {
  const base = settings.url.replace(/\/+$/, '');
  const list: unknown = parse(await request(`${base}/api/v1/eth1/publicKeys`, undefined, signal));
  if (!Array.isArray(list)) throw new KeyError('Web3Signer gave no list of public keys');
  const held = new Map<string, { readonly publicKey: Hex; readonly address: Address }>();
  for (const publicKey of list) {
    if (typeof publicKey !== 'string' || !/^0x(04)?[0-9a-fA-F]{128}$/.test(publicKey)) continue;
    const address = publicKeyToAddress(concatHex(['0x04', `0x${publicKey.slice(-128)}`]));
    held.set(address.toLowerCase(), { publicKey: publicKey as Hex, address });
  }
  if (settings.addresses.length === 0) {
    if (held.size === 0) throw new KeyError('Web3Signer holds no key');
    return [...held.values()].map((key) => createRemoteKey(base, key.publicKey, key.address));
  }
  return settings.addresses.map((address) => {
    const found = held.get(address.toLowerCase());
    if (!found) throw new KeyError(`Web3Signer holds no key of ${address}; it holds ${held.size}`);
    return createRemoteKey(base, found.publicKey, found.address);
  });
}

function createRemoteKey(base: string, publicKey: Hex, address: Address): Key {
  return {
    address,
    async sign(preimage, signal) {
      const url = `${base}/api/v1/eth1/sign/${publicKey}`;
      const text = (await request(url, JSON.stringify({ data: preimage }), signal))
        .trim()
        .replace(/^"|"$/g, '');
      const match = /^0x([0-9a-fA-F]{64})([0-9a-fA-F]{64})[0-9a-fA-F]{2}$/.exec(text);
      if (!match) throw new KeyError('Web3Signer gave no signature of 65 bytes');
      const parts = { r: BigInt(`0x${match[1]}`), s: BigInt(`0x${match[2]}`) };
      return completeSignature(keccak256(preimage), parts, address);
    },
  };
}

/** The message names no URL: it may carry credentials. */
async function request(
  url: string,
  body: string | undefined,
  parent: AbortSignal | undefined,
): Promise<string> {
  try {
    return await withDeadline('Web3Signer', CALL_MS, (signal) => fetchText(url, body, signal), parent);
  } catch (error) {
    if (error instanceof KeyError) throw error;
    if (error instanceof DeadlineError) throw new KeyError(`Web3Signer did not answer within ${CALL_MS} ms`);
    const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
    throw new KeyError(`Web3Signer: ${typeof cause?.code === 'string' ? cause.code : 'connection failed'}`);
  }
}

async function fetchText(url: string, body: string | undefined, signal: AbortSignal): Promise<string> {
  const target = splitCredentials(url);
  const type = { 'content-type': 'application/json' };
  const response = await fetch(target.url, {
    signal,
    redirect: 'error',
    ...(body === undefined
      ? { headers: target.headers }
      : { method: 'POST', body, headers: { ...type, ...target.headers } }),
  });
  if (response.status === 404) throw new KeyError('Web3Signer does not know the key (HTTP 404)');
  if (!response.ok) throw new KeyError(`Web3Signer answered HTTP ${response.status}`);
  const text = await readBounded(response, MAX_BODY_BYTES);
  if (text === undefined) throw new KeyError('Web3Signer gave too large an answer');
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KeyError('Web3Signer gave no JSON');
  }
}
