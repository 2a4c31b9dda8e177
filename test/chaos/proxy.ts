/**
 * A JSON-RPC proxy that misbehaves as real endpoints do: put between the daemon and anvil, changed while both run. What it
 * was asked and what was signed is kept, so that a test can check every transaction that ever left the daemon.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keccak256 } from 'viem';
import type { Hex } from '../../src/common/words.js';
import { createPoolRules, type PoolRules, type SignedFields } from './pool-rules.js';

/** What goes wrong. Everything absent goes right; `only` and `chance` narrow all of it. */
export interface Faults {
  /** Methods that are affected; all unless given. */
  readonly only?: RegExp;
  /** How likely a request is affected, 0 to 1; always unless given. */
  readonly chance?: number;
  /** Forwards, then answers with this HTTP status and no reply. */
  readonly loseReply?: number;
  /** Does not forward; cuts the connection. */
  readonly cut?: boolean;
  /** Does not forward; answers a sent transaction with its hash, as if it were taken. */
  readonly swallow?: boolean;
  /** Sends a transaction twice, as a gateway that tries again does, and answers the second reply. */
  readonly sendTwice?: boolean;
  /** Shows no receipt, though the block is there. */
  readonly hideReceipts?: boolean;
  /** Widest range of blocks for logs; beyond it Besu's refusal. */
  readonly logsRange?: bigint;
  /** Answers after this many milliseconds. */
  readonly delayMs?: number;
  /** Answers 429, with `Retry-After` in seconds. */
  readonly limitSeconds?: number;
  /** Says it is of this chain. */
  readonly chainId?: number;
  /** Adds this to the height of every block and receipt that it tells of. */
  readonly heightOffset?: number;
  /** Answers as if this block were the latest. */
  readonly frozenAt?: bigint;
  /** Adds this to every nonce. */
  readonly nonceOffset?: number;
  /** Multiplies every fee it quotes. */
  readonly feeFactor?: number;
  /** Divides every estimate of gas by this. */
  readonly gasDivisor?: number;
  /** Methods that do not exist here. Besu has no `eth_fillTransaction`. */
  readonly without?: RegExp;
  /** Takes `pending` for `latest`, as Besu does. */
  readonly pendingIsLatest?: boolean;
  /** Answers with something that is no JSON. */
  readonly garbage?: boolean;
}

export interface SentTransaction extends SignedFields {
  readonly hash: Hex;
  readonly raw: Hex;
  /** When it came in, Unix milliseconds. */
  readonly atMs: number;
}

export interface ChaosProxy {
  readonly url: string;
  readonly port: number;
  /** Replaces the faults in force. */
  set(faults: Faults): void;
  /** Every raw transaction that came in, whatever became of it. */
  readonly sent: () => readonly SentTransaction[];
  /** How often each method was called. */
  readonly calls: () => Readonly<Record<string, number>>;
  /** Milliseconds (Unix) of each call, for checking pauses. */
  readonly times: () => readonly number[];
  close(): Promise<void>;
}

export interface ChaosOptions {
  readonly upstream: string;
  readonly faults?: Faults;
  readonly random?: () => number;
  /** Whose rules for replacement and future nonces are enforced before anvil's laxer ones. */
  readonly rules?: PoolRules;
}

interface Call {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

type Reply = { result?: unknown; error?: { code: number; message: string; data?: unknown } };

/** Starts a proxy on a free port. */
export async function startChaosProxy(options: ChaosOptions): Promise<ChaosProxy> {
  const { upstream, random = Math.random } = options;
  let faults: Faults = options.faults ?? {};
  const sent: SentTransaction[] = [];
  const calls: Record<string, number> = {};
  const times: number[] = [];
  const rules = options.rules && createPoolRules(options.rules);

  async function forward(method: string, params: readonly unknown[]): Promise<Reply> {
    const response = await fetch(upstream, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(10_000),
    });
    const { result, error } = (await response.json()) as Reply;
    return error ? { error } : { result };
  }

  async function take(raw: Hex, active: Faults): Promise<Reply> {
    const hash = keccak256(raw);
    const fields = await readSigned(raw);
    sent.push({ ...fields, hash, raw, atMs: Date.now() });
    if (rules) {
      const count = Number((await forward('eth_getTransactionCount', [fields.from, 'latest'])).result);
      const { refusal, replaced } = rules.judge({ ...fields, hash }, count);
      if (refusal) return { error: { code: -32_000, message: refusal } };
      // The chain behind has rules of its own: for it, the place is empty.
      if (replaced) await forward('anvil_dropTransaction', [replaced]);
    }
    if (active.swallow) return { result: hash };
    const reply = await forward('eth_sendRawTransaction', [raw]);
    return active.sendTwice ? forward('eth_sendRawTransaction', [raw]) : reply;
  }

  async function answer(call: Call, active: Faults): Promise<Reply> {
    if (active.without?.test(call.method))
      return { error: { code: -32_601, message: `the method ${call.method} does not exist` } };
    if (call.method === 'eth_sendRawTransaction') return take(call.params[0] as Hex, active);
    if (call.method === 'eth_getLogs' && active.logsRange !== undefined) {
      const { fromBlock, toBlock } = call.params[0] as { fromBlock: Hex; toBlock: Hex };
      if (BigInt(toBlock) - BigInt(fromBlock) > active.logsRange)
        return { error: { code: -32_005, message: 'Requested range exceeds maximum RPC range limit' } };
    }
    const frozen = active.frozenAt === undefined ? undefined : `0x${active.frozenAt.toString(16)}`;
    const named = (tag: unknown) =>
      frozen && (tag === 'latest' || tag === 'pending')
        ? frozen
        : active.pendingIsLatest && tag === 'pending'
          ? 'latest'
          : tag;
    const params = call.params.map(named);
    return distort(call.method, await forward(call.method, params), active);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = JSON.parse(await bodyOf(request)) as Call;
    calls[call.method] = (calls[call.method] ?? 0) + 1;
    times.push(Date.now());
    const affected =
      (faults.only?.test(call.method) ?? true) && (faults.chance === undefined || random() < faults.chance);
    const active: Faults = affected ? faults : {};
    if (active.delayMs) await new Promise((resolve) => setTimeout(resolve, active.delayMs));
    if (active.cut) return void request.socket.destroy();
    if (active.limitSeconds !== undefined) {
      response.writeHead(429, { 'retry-after': String(active.limitSeconds) }).end('too many requests');
      return;
    }
    const reply = await answer(call, active);
    if (active.loseReply) return void response.writeHead(active.loseReply).end('bad gateway');
    if (active.garbage) return void response.writeHead(200).end('<html>maintenance</html>');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...reply }));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    set(next) {
      faults = next;
    },
    sent: () => sent,
    calls: () => calls,
    times: () => times,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const add = (value: unknown, offset: number): unknown =>
  typeof value === 'string' ? `0x${(BigInt(value) + BigInt(offset)).toString(16)}` : value;
const scale = (value: unknown, factor: number): unknown =>
  typeof value === 'string'
    ? `0x${((BigInt(value) * BigInt(Math.round(factor * 1_000))) / 1_000n).toString(16)}`
    : value;

/** Applies the lies to a true reply. */
function distort(method: string, reply: Reply, faults: Faults): Reply {
  if (reply.result === undefined || reply.result === null) return reply;
  const { result } = reply;
  if (method === 'eth_getTransactionReceipt' && faults.hideReceipts) return { result: null };
  const fields = typeof result === 'object' ? (result as Record<string, unknown>) : {};
  if (method === 'eth_chainId' && faults.chainId !== undefined)
    return { result: `0x${faults.chainId.toString(16)}` };
  if (method === 'eth_getTransactionCount' && faults.nonceOffset !== undefined) {
    const lie = Number(result) + faults.nonceOffset;
    return { result: `0x${Math.max(lie, 0).toString(16)}` };
  }
  if (method === 'eth_estimateGas' && faults.gasDivisor !== undefined)
    return { result: scale(result, 1 / faults.gasDivisor) };
  if (/gasPrice|maxPriorityFee/.test(method) && faults.feeFactor !== undefined)
    return { result: scale(result, faults.feeFactor) };
  if (method === 'eth_getBlockByNumber') {
    const number =
      faults.heightOffset === undefined ? {} : { number: add(fields.number, faults.heightOffset) };
    const fee =
      faults.feeFactor === undefined ? {} : { baseFeePerGas: scale(fields.baseFeePerGas, faults.feeFactor) };
    return { result: { ...fields, ...number, ...fee } };
  }
  return reply;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function readSigned(raw: Hex): Promise<SignedFields> {
  const { parseTransaction, recoverTransactionAddress } = await import('viem');
  const parsed = parseTransaction(raw);
  const from = await recoverTransactionAddress({
    serializedTransaction: raw as Parameters<typeof recoverTransactionAddress>[0]['serializedTransaction'],
  });
  const legacy = parsed.gasPrice ?? 0n;
  return {
    from,
    to: parsed.to ?? undefined,
    chainId: parsed.chainId,
    nonce: parsed.nonce ?? 0,
    gasLimit: parsed.gas ?? 0n,
    maxFeeWei: parsed.maxFeePerGas ?? legacy,
    maxPriorityFeeWei: parsed.maxPriorityFeePerGas ?? legacy,
    valueWei: parsed.value ?? 0n,
    data: parsed.data ?? '0x',
  };
}
