/** Local servers that speak the wire protocols of AWS KMS and Web3Signer, each with a real key behind it. */
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keccak256 } from 'viem';
import { privateKeyToAccount, sign } from 'viem/accounts';
import type { Hex } from '../../../src/common/words.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

export interface SignerServer {
  readonly url: string;
  /** What was asked, oldest first. */
  readonly requests: () => readonly Asked[];
  /** What goes wrong from now on. */
  fail(how: Wrong | undefined): void;
  close(): Promise<void>;
}

interface Asked {
  readonly target: string;
  readonly body: Record<string, unknown>;
  readonly authorization?: string | undefined;
}

/** `endless`: a body that never ends. */
type Wrong = 'status' | 'hang' | 'other-key' | 'endless';

interface Wire {
  readonly requests: Asked[];
  how: Wrong | undefined;
}

const OTHER_KEY: Hex = `0x${'42'.repeat(32)}`;

async function serve(
  answer: (
    request: IncomingMessage,
    body: string,
    wire: Wire,
  ) => Promise<{ status?: number; body: string; type: string }>,
): Promise<SignerServer> {
  const wire: Wire = { requests: [], how: undefined };
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (wire.how === 'hang') return;
    if (wire.how === 'endless') {
      const piece = 'x'.repeat(65_536);
      while (!response.destroyed)
        if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      return;
    }
    const reply = await answer(request, Buffer.concat(chunks).toString('utf8'), wire);
    response.writeHead(reply.status ?? 200, { 'content-type': reply.type }).end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => wire.requests,
    fail(how) {
      wire.how = how;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An integer in DER. */
function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return Buffer.concat([Buffer.of(2, padded.length), padded]);
}

/** A signature in DER, as KMS gives it. */
export function derSignature(r: bigint, s: bigint): Buffer {
  const body = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}

/** Public key in DER (SubjectPublicKeyInfo). */
export function spkiOf(privateKey: Hex): Buffer {
  const point = Buffer.from(privateKeyToAccount(privateKey).publicKey.slice(4), 'hex');
  const [x, y] = [point.subarray(0, 32), point.subarray(32)].map((part) => part.toString('base64url'));
  const jwk = { kty: 'EC', crv: 'secp256k1', x: x ?? '', y: y ?? '' };
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' });
}

/** AWS's JSON protocol, `TrentService`. Every second signature has a high s, as half of those of KMS do. */
export function startKmsServer(keys: Readonly<Record<string, Hex>>): Promise<SignerServer> {
  let signatures = 0;
  const type = 'application/x-amz-json-1.1';
  return serve(async (request, text, wire) => {
    const target = String(request.headers['x-amz-target'] ?? request.url);
    const body = JSON.parse(text) as { KeyId: string; Message?: string };
    wire.requests.push({ target, body });
    const error = (name: string) => ({
      status: 400,
      type,
      body: JSON.stringify({ __type: name, message: 'request id 1' }),
    });
    if (wire.how === 'status') return error('KMSInvalidStateException');
    const known = keys[body.KeyId];
    if (!known) return error('NotFoundException');
    const privateKey = wire.how === 'other-key' ? OTHER_KEY : known;
    if (target === 'TrentService.GetPublicKey') {
      const PublicKey = spkiOf(privateKey).toString('base64');
      return { type, body: JSON.stringify({ KeyId: body.KeyId, KeySpec: 'ECC_SECG_P256K1', PublicKey }) };
    }
    const hash: Hex = `0x${Buffer.from(body.Message ?? '', 'base64').toString('hex')}`;
    const { r, s } = await sign({ hash, privateKey });
    signatures += 1;
    const der = derSignature(BigInt(r), signatures % 2 ? ORDER - BigInt(s) : BigInt(s));
    return { type, body: JSON.stringify({ KeyId: body.KeyId, Signature: der.toString('base64') }) };
  });
}

/** Web3Signer's `eth1` API. */
export function startWeb3Signer(privateKeys: readonly Hex[]): Promise<SignerServer> {
  const accounts = privateKeys.map((privateKey) => ({
    privateKey,
    // Web3Signer gives the point without the leading 04.
    publicKey: `0x${privateKeyToAccount(privateKey).publicKey.slice(4)}` as const,
  }));
  return serve(async (request, text, wire) => {
    const path = request.url ?? '';
    const { authorization } = request.headers;
    const body = text ? (JSON.parse(text) as Record<string, unknown>) : {};
    wire.requests.push({ target: path, body, authorization });
    if (wire.how === 'status') return { status: 500, type: 'text/plain', body: 'secret details' };
    if (path === '/api/v1/eth1/publicKeys')
      return { type: 'application/json', body: JSON.stringify(accounts.map(({ publicKey }) => publicKey)) };
    const account = accounts.find(({ publicKey }) => path === `/api/v1/eth1/sign/${publicKey}`);
    if (!account) return { status: 404, type: 'text/plain', body: '' };
    const { data } = JSON.parse(text) as { data: Hex };
    const privateKey = wire.how === 'other-key' ? OTHER_KEY : account.privateKey;
    const { r, s, v } = await sign({ hash: keccak256(data), privateKey });
    return { type: 'text/plain', body: `${r}${s.slice(2)}${(v ?? 27n).toString(16)}` };
  });
}
