/**
 * Encrypted key files of the "Web3 Secret Storage" format, version 3, as Foundry's `cast wallet` and geth write them.
 * Node's own scrypt, PBKDF2 and AES and viem's keccak do the work: the format itself is a page, no library is needed.
 */
import {
  createCipheriv,
  createDecipheriv,
  pbkdf2,
  randomBytes,
  randomUUID,
  scrypt,
  timingSafeEqual,
} from 'node:crypto';
import { promisify } from 'node:util';
import { keccak256 } from 'viem/utils';
import { z } from 'zod';
import { type Key, KeyError } from '../../common/key.js';
import type { Hex } from '../../common/words.js';
import { createMemoryKey, parsePrivateKey } from './memory.js';
import { readSecretFile } from './secret-file.js';

/** What the key derivation may take: the usual files take 256 MiB, a hostile one must not take all. */
const MAX_SCRYPT_BYTES = 1024 * 1024 * 1024;
const MAX_PBKDF2_ROUNDS = 10_000_000;
/** Strength of the files written here: geth's own standard. */
const SCRYPT = { n: 262_144, r: 8, p: 1, dklen: 32 } as const;

const hex = z.string().regex(/^(0x)?([0-9a-fA-F]{2})+$/);
const size = z.int().min(1);
const cryptoSchema = z.object({
  cipher: z.literal('aes-128-ctr'),
  cipherparams: z.object({ iv: hex }),
  ciphertext: hex,
  mac: hex,
  kdf: z.enum(['scrypt', 'pbkdf2']),
  kdfparams: z.object({
    salt: hex,
    dklen: z.literal(32),
    n: size.optional(),
    r: size.optional(),
    p: size.optional(),
    c: size.max(MAX_PBKDF2_ROUNDS).optional(),
    prf: z.literal('hmac-sha256').optional(),
  }),
});
const keystoreSchema = z
  .object({
    version: z.literal(3),
    address: hex.optional(),
    crypto: cryptoSchema.optional(),
    Crypto: cryptoSchema.optional(),
  })
  .transform(({ address, crypto, Crypto }) => ({ address, crypto: crypto ?? Crypto }));

const bytes = (text: string): Buffer => Buffer.from(text.replace(/^0x/, ''), 'hex');
const deriveByScrypt = promisify(
  (
    password: string,
    salt: Buffer,
    length: number,
    options: { N: number; r: number; p: number; maxmem: number },
    done: (error: Error | null, key: Buffer) => void,
  ) => scrypt(password, salt, length, options, done),
);
const deriveByPbkdf2 = promisify(pbkdf2);

const macOf = (derived: Buffer, ciphertext: Buffer): Buffer =>
  bytes(keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext])));

async function derive(
  password: string,
  { kdf, kdfparams }: z.infer<typeof cryptoSchema>,
  where: string,
): Promise<Buffer> {
  const salt = bytes(kdfparams.salt);
  if (kdf === 'pbkdf2') {
    if (kdfparams.c === undefined) throw new KeyError(`${where}: kdfparams.c is missing`);
    return deriveByPbkdf2(password, salt, kdfparams.c, kdfparams.dklen, 'sha256');
  }
  const { n, r, p } = kdfparams;
  if (n === undefined || r === undefined || p === undefined)
    throw new KeyError(`${where}: kdfparams of scrypt are missing`);
  const needed = 128 * r * (n + p);
  if (needed > MAX_SCRYPT_BYTES || p > 16)
    throw new KeyError(`${where}: its scrypt parameters would take ${needed} bytes of memory`);
  try {
    return await deriveByScrypt(password, salt, kdfparams.dklen, {
      N: n,
      r,
      p,
      maxmem: needed + 1024 * 1024,
    });
  } catch {
    throw new KeyError(`${where}: its scrypt parameters are not valid`);
  }
}

/**
 * Opens an encrypted key file.
 * @param where the file's name, for errors
 * @throws KeyError when it is no such file, the password is wrong, or the key is not that of the address it names
 */
export async function openKeystore(json: string, password: string, where: string): Promise<Hex> {
  let parsed: z.infer<typeof keystoreSchema>;
  try {
    parsed = keystoreSchema.parse(JSON.parse(json));
  } catch {
    throw new KeyError(`${where} is no encrypted key file (version 3, aes-128-ctr, scrypt or pbkdf2)`);
  }
  const { crypto, address } = parsed;
  if (!crypto) throw new KeyError(`${where} has no "crypto" part`);
  const derived = await derive(password, crypto, where);
  const ciphertext = bytes(crypto.ciphertext);
  const mac = bytes(crypto.mac);
  const expected = macOf(derived, ciphertext);
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected))
    throw new KeyError(`${where}: the password does not open it`);
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), bytes(crypto.cipherparams.iv));
  const secret = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  const privateKey = parsePrivateKey(secret.toString('hex'), where);
  const actual = createMemoryKey(privateKey).address.toLowerCase();
  if (address !== undefined && `0x${address.replace(/^0x/, '')}`.toLowerCase() !== actual)
    throw new KeyError(`${where}: its key is of ${actual}, not of the address that it names`);
  return privateKey;
}

/** Encrypts a private key as a file that `cast wallet` and geth can open. @returns JSON text */
export async function createKeystore(privateKey: Hex, password: string): Promise<string> {
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const { n, r, p, dklen } = SCRYPT;
  const derived = await deriveByScrypt(password, salt, dklen, {
    N: n,
    r,
    p,
    maxmem: 128 * r * (n + p) + 1024 * 1024,
  });
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(bytes(privateKey)), cipher.final()]);
  const keystore = {
    address: createMemoryKey(privateKey).address.slice(2).toLowerCase(),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: iv.toString('hex') },
      ciphertext: ciphertext.toString('hex'),
      kdf: 'scrypt',
      kdfparams: { dklen, n, p, r, salt: salt.toString('hex') },
      mac: macOf(derived, ciphertext).toString('hex'),
    },
    id: randomUUID(),
    version: 3,
  };
  return `${JSON.stringify(keystore, undefined, 2)}\n`;
}

/**
 * Opens the files of the settings. The password file holds one password for all, or one a line in the files' order.
 * @throws KeyError
 */
export async function loadKeystores(paths: readonly string[], passwordFile: string): Promise<Key[]> {
  const lines = (await readSecretFile(passwordFile, 'KEYSTORE_PASSWORD_FILE'))
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  if (lines.length > 1 && lines.length !== paths.length)
    throw new KeyError(
      `KEYSTORE_PASSWORD_FILE: ${passwordFile} has ${lines.length} lines: one for all, or one for each of ${paths.length} files`,
    );
  const keys: Key[] = [];
  // One after another: each takes a quarter of a gigabyte while it is opened.
  for (const [index, path] of paths.entries()) {
    const json = await readSecretFile(path, 'KEYSTORE_FILE');
    const password = lines[lines.length === 1 ? 0 : index] ?? '';
    keys.push(createMemoryKey(await openKeystore(json, password, `KEYSTORE_FILE: ${path}`)));
  }
  return keys;
}
