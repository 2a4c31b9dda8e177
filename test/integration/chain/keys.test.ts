import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { keccak256, recoverAddress } from 'viem';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createKeystore, openKeystore } from '../../../src/chain/keys/keystore.js';
import { loadKeys } from '../../../src/chain/keys/load.js';
import { signDraft } from '../../../src/chain/signing.js';
import type { Key } from '../../../src/common/key.js';
import type { Hex } from '../../../src/common/words.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS, type Anvil, startAnvil } from '../../support/anvil.js';
import { type SignerServer, startKmsServer, startWeb3Signer } from '../../support/chain/signers.js';

const run = promisify(execFile);
const CAST = fileURLToPath(new URL('../../../node_modules/.bin/cast', import.meta.url));
const [KEY_ONE, KEY_TWO] = ANVIL_KEYS;
const [ONE, TWO] = ANVIL_ADDRESSES;
let dir: string;
let anvil: Anvil;
const servers: SignerServer[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'op-keys-'));
  anvil = await startAnvil();
});
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));
afterAll(async () => {
  await anvil.stop();
  await rm(dir, { recursive: true });
});

/** The key signs a transaction that a real chain takes, and a preimage of EIP-712's form. */
async function expectSigns(key: Key | undefined, address: string): Promise<void> {
  if (!key) throw new Error('no key');
  expect(key.address).toBe(address);
  const nonce = Number(await anvil.rpc('eth_getTransactionCount', [address, 'latest']));
  for (let index = 0; index < 4; index += 1) {
    const fees = { type: 'eip1559', maxFeeWei: 10n ** 10n, maxPriorityFeeWei: 10n ** 9n } as const;
    const draft = {
      chainId: 31_337,
      nonce: nonce + index,
      to: key.address,
      data: '0x' as Hex,
      gasLimit: 21_000n,
      fees,
    };
    const signed = await signDraft(draft, key, AbortSignal.timeout(20_000));
    if (!signed.ok) throw new Error(signed.detail);
    expect(await anvil.rpc('eth_sendRawTransaction', [signed.raw])).toBe(signed.hash);
  }
  const preimage: Hex = `0x1901${'11'.repeat(64)}`;
  const signature = await key.sign(preimage);
  expect(await recoverAddress({ hash: keccak256(preimage), signature })).toBe(address);
}

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => String(error),
  );

describe('keys from the environment and from a file', () => {
  it('are taken with 0x and without, in their order', async () => {
    const keys = await loadKeys({
      kind: 'environment',
      privateKeys: [KEY_ONE, ` ${KEY_TWO.slice(2).toUpperCase()} `],
    });
    expect(keys.map(({ address }) => address)).toEqual([ONE, TWO]);
    await expectSigns(keys[0], ONE);
  });

  it('are read from a file, one a line, comments left out', async () => {
    const path = join(dir, 'pool');
    await writeFile(path, `# the pool\n${KEY_ONE}\r\n\n${KEY_TWO.slice(2)}\n`);
    const keys = await loadKeys({ kind: 'file', path });
    expect(keys.map(({ address }) => address)).toEqual([ONE, TWO]);
  });

  it.each([
    ['too short', KEY_ONE.slice(0, -2), /has 62 hexadecimal digits, a private key has 64/],
    ['not hexadecimal', `${KEY_ONE.slice(0, -1)}g`, /is not hexadecimal/],
    ['empty', ' ', /is empty/],
    ['zero', `0x${'0'.repeat(64)}`, /is not in the range/],
    [
      'the order of the curve',
      '0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
      /is not in the range/,
    ],
  ])('that are %s are refused without a word of the secret', async (_what, text, reason) => {
    const message = await messageOf(loadKeys({ kind: 'environment', privateKeys: [KEY_TWO, text] }));
    expect(message).toMatch(reason);
    expect(message).toContain('PRIVATE_KEY (key 2 of 2)');
    expect(message).not.toContain(KEY_ONE.slice(10, 30));
  });

  it('given twice, and files that are not there, are refused', async () => {
    expect(await messageOf(loadKeys({ kind: 'environment', privateKeys: [KEY_ONE, KEY_ONE] }))).toContain(
      'given twice',
    );
    expect(await messageOf(loadKeys({ kind: 'file', path: join(dir, 'none') }))).toContain(
      'cannot be read (ENOENT)',
    );
  });
});

describe('an encrypted keystore', () => {
  const password = 'correct horse, with ümlaut';

  it('written by cast opens, and the key in it signs', async () => {
    await run(CAST, [
      'wallet',
      'import',
      'one',
      '--private-key',
      KEY_ONE,
      '--unsafe-password',
      password,
      '-k',
      dir,
    ]);
    const passwordFile = join(dir, 'password');
    await writeFile(passwordFile, `${password}\n`);
    const [key] = await loadKeys({ kind: 'keystore', paths: [join(dir, 'one')], passwordFile });
    await expectSigns(key, ONE);
  });

  it('written here is opened by cast', async () => {
    const path = join(dir, 'two');
    await writeFile(path, await createKeystore(KEY_TWO, password));
    const { stdout } = await run(CAST, [
      'wallet',
      'decrypt-keystore',
      'two',
      '--unsafe-password',
      password,
      '-k',
      dir,
    ]);
    expect(stdout.toLowerCase()).toContain(KEY_TWO.slice(2));
  });

  it('of the example in the format’s own description (PBKDF2) opens', async () => {
    const json = await readFile(new URL('../../support/chain/pbkdf2-keystore.json', import.meta.url), 'utf8');
    expect(await openKeystore(json, 'testpassword', 'example')).toBe(
      '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d',
    );
  });

  it('with a wrong password, broken JSON or greedy parameters is refused by name', async () => {
    const json = await createKeystore(KEY_TWO, password);
    expect(await messageOf(openKeystore(json, 'wrong', 'two.json'))).toContain(
      'two.json: the password does not open it',
    );
    expect(await messageOf(openKeystore('{', password, 'two.json'))).toContain('no encrypted key file');
    const greedy = json.replace('"n": 262144', '"n": 1073741824');
    expect(await messageOf(openKeystore(greedy, password, 'two.json'))).toContain('bytes of memory');
    const other = json.replace(/"address": "[0-9a-f]{40}"/, `"address": "${'1'.repeat(40)}"`);
    expect(await messageOf(openKeystore(other, password, 'two.json'))).toContain(
      'not of the address that it names',
    );
  });
});

describe('a key in AWS KMS', () => {
  const settings = (url: string, ...keyIds: string[]) => ({
    kind: 'kms' as const,
    keyIds,
    region: 'eu-west-1',
    endpoint: url,
  });
  const start = async () => {
    process.env.AWS_ACCESS_KEY_ID = 'test';
    process.env.AWS_SECRET_ACCESS_KEY = 'test';
    const server = await startKmsServer({ 'alias/oracle': KEY_ONE });
    servers.push(server);
    return server;
  };

  it('signs with a low s and the right recovery id, whichever s KMS gives', async () => {
    const server = await start();
    const [key] = await loadKeys(settings(server.url, 'alias/oracle'));
    await expectSigns(key, ONE);
    const signs = server.requests().filter(({ target }) => target === 'TrentService.Sign');
    expect(signs).toHaveLength(5);
    expect(signs[0]?.body).toMatchObject({ MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' });
  });

  it('that is not there, disabled, or another’s is refused by name', async () => {
    const server = await start();
    expect(await messageOf(loadKeys(settings(server.url, 'alias/none')))).toBe(
      'KeyError: KMS key alias/none: NotFoundException',
    );
    const [key] = await loadKeys(settings(server.url, 'alias/oracle'));
    server.fail('status');
    expect(await messageOf(key!.sign('0x01'))).toBe(
      'KeyError: KMS key alias/oracle: KMSInvalidStateException',
    );
    server.fail('other-key');
    expect(await messageOf(key!.sign('0x01'))).toContain(`not of ${ONE}`);
  });
});

describe('a key behind Web3Signer', () => {
  const start = async () => {
    const server = await startWeb3Signer([KEY_TWO, KEY_ONE]);
    servers.push(server);
    return server;
  };

  it('is found by its address and signs', async () => {
    const server = await start();
    const keys = await loadKeys({
      kind: 'web3signer',
      url: `${server.url}/`,
      addresses: [ONE.toLowerCase()],
    });
    expect(keys).toHaveLength(1);
    await expectSigns(keys[0], ONE);
  });

  it('is reached with the credentials of its URL, which the proxy before it wants', async () => {
    const server = await start();
    const { host } = new URL(server.url);
    const url = `http://oracle:p%40ss%20word@${host}`;
    const [key] = await loadKeys({ kind: 'web3signer', url, addresses: [ONE] });
    await expectSigns(key, ONE);
    const basic = `Basic ${Buffer.from('oracle:p@ss word').toString('base64')}`;
    expect(server.requests().map(({ authorization }) => authorization)).toEqual(
      server.requests().map(() => basic),
    );
    server.fail('status');
    expect(await messageOf(key!.sign('0x01'))).toBe('KeyError: Web3Signer answered HTTP 500');
  });

  it('that answers without end is not listened to for long', async () => {
    const server = await start();
    const [key] = await loadKeys({ kind: 'web3signer', url: server.url, addresses: [ONE] });
    server.fail('endless');
    expect(await messageOf(key!.sign('0x01'))).toBe('KeyError: Web3Signer gave too large an answer');
  });

  it('without addresses means all that it holds', async () => {
    const server = await start();
    const keys = await loadKeys({ kind: 'web3signer', url: server.url, addresses: [] });
    expect(keys.map(({ address }) => address)).toEqual([TWO, ONE]);
  });

  it('that it does not hold, or that it cannot sign with, is refused without its URL', async () => {
    const server = await start();
    const missing = await messageOf(
      loadKeys({ kind: 'web3signer', url: server.url, addresses: [`0x${'11'.repeat(20)}`] }),
    );
    expect(missing).toContain('holds no key of 0x1111');
    const [key] = await loadKeys({ kind: 'web3signer', url: server.url, addresses: [ONE] });
    server.fail('status');
    expect(await messageOf(key!.sign('0x01'))).toBe('KeyError: Web3Signer answered HTTP 500');
    server.fail('other-key');
    expect(await messageOf(key!.sign('0x01'))).toContain(`not of ${ONE}`);
    server.fail('hang');
    expect(await messageOf(key!.sign('0x01', AbortSignal.timeout(300)))).not.toContain(server.url);
    await server.close();
    servers.length = 0;
    expect(await messageOf(key!.sign('0x01'))).toMatch(/^KeyError: Web3Signer: [A-Z_]+$/);
  });
});
