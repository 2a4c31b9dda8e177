/** Keys from wherever the configuration says they are. */
import { type Key, KeyError } from '../../common/key.js';
import type { KeySettings } from '../../config/types.js';
import { loadKeystores } from './keystore.js';
import { loadKmsKeys } from './kms.js';
import { createMemoryKey, parsePrivateKey } from './memory.js';
import { readSecretFile } from './secret-file.js';
import { loadWeb3SignerKeys } from './web3signer.js';

export interface KeyDeps {
  /** Ends the loading; keys in KMS and Web3Signer are asked over the network. */
  readonly signal?: AbortSignal;
}

const ENVIRONMENT = 'PRIVATE_KEY';

/**
 * Loads the keys that the settings name, in their order, and checks that each can be used.
 * @returns nothing for kind `none`
 * @throws KeyError that names the setting and never the secret
 */
export async function loadKeys(settings: KeySettings, deps: KeyDeps = {}): Promise<Key[]> {
  const keys = await read(settings, deps);
  const seen = new Set<string>();
  for (const { address } of keys) {
    if (seen.has(address.toLowerCase())) throw new KeyError(`the key of ${address} is given twice`);
    seen.add(address.toLowerCase());
  }
  return keys;
}

async function read(settings: KeySettings, deps: KeyDeps): Promise<Key[]> {
  switch (settings.kind) {
    case 'none':
      return [];
    case 'environment':
      return settings.privateKeys.map((text, index) =>
        createMemoryKey(parsePrivateKey(text, place(ENVIRONMENT, index, settings.privateKeys.length))),
      );
    case 'file':
      return readKeyFile(settings.path);
    case 'keystore':
      return loadKeystores(settings.paths, settings.passwordFile);
    case 'kms':
      return loadKmsKeys(settings, deps.signal);
    case 'web3signer':
      return loadWeb3SignerKeys(settings, deps.signal);
  }
}

/** A file with one key a line, or several with commas between; empty lines and lines that begin with `#` are left out. */
async function readKeyFile(path: string): Promise<Key[]> {
  const text = await readSecretFile(path, 'PRIVATE_KEY_FILE');
  const entries = text
    .split(/\r?\n/)
    .filter((line) => !line.trim().startsWith('#'))
    .flatMap((line) => line.split(','))
    .filter((entry) => entry.trim() !== '');
  if (entries.length === 0) throw new KeyError(`PRIVATE_KEY_FILE: ${path} holds no key`);
  return entries.map((entry, index) =>
    createMemoryKey(parsePrivateKey(entry, place(`PRIVATE_KEY_FILE: ${path}`, index, entries.length))),
  );
}

const place = (setting: string, index: number, count: number): string =>
  count === 1 ? setting : `${setting} (key ${index + 1} of ${count})`;
