/** A real chain for tests: anvil from npm on a free port, ready when its promise resolves. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const START_MS = 30_000;

/** The first of anvil's well-known keys, rich on every fresh chain. */
export const ANVIL_KEYS = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
] as const;

/** The addresses of {@link ANVIL_KEYS}. */
export const ANVIL_ADDRESSES = [
  '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  '0x90F79bf6EB2c4f870365E785982E1f101E93b906',
] as const;

export interface Anvil {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** A JSON-RPC call, for what a test arranges behind the daemon's back. @throws Error with the node's message */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

export interface AnvilOptions {
  /** Seconds between blocks; without it each transaction makes a block at once. */
  readonly blockTime?: number;
  readonly args?: readonly string[];
}

/** Starts anvil. @throws Error when it does not listen within 30 s */
export async function startAnvil({ blockTime, args = [] }: AnvilOptions = {}): Promise<Anvil> {
  const timing = blockTime === undefined ? [] : ['--block-time', String(blockTime)];
  const child = spawn(binary(), ['--port', '0', ...timing, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const port = await listening(child);
  const url = `http://127.0.0.1:${port}`;
  let id = 0;
  return {
    url,
    port,
    pid: child.pid ?? 0,
    async rpc(method, params = []) {
      id += 1;
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
        signal: AbortSignal.timeout(10_000),
      });
      const body = (await response.json()) as { result?: unknown; error?: { message: string } };
      if (body.error) throw new Error(`${method}: ${body.error.message}`);
      return body.result;
    },
    stop: () => ended(child),
  };
}

/** The binary itself where npm put it: signals sent to the wrapper script would not reach the chain. */
function binary(): string {
  const modules = new URL('../../node_modules/', import.meta.url);
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const direct = fileURLToPath(new URL(`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`, modules));
  return existsSync(direct) ? direct : fileURLToPath(new URL('.bin/anvil', modules));
}

function listening(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`anvil ${why}: ${output.slice(-500)}`));
    };
    const timer = setTimeout(() => fail(`did not listen within ${START_MS} ms`), START_MS);
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
      const port = /Listening on [\d.]+:(\d+)/.exec(output)?.[1];
      if (!port) return;
      clearTimeout(timer);
      child.removeListener('exit', exited);
      resolve(Number(port));
    };
    const exited = (code: number | null) => fail(`ended with ${code}`);
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', (error) => fail(error.message));
    child.once('exit', exited);
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
    // A frozen node does not hear SIGTERM.
    setTimeout(() => child.kill('SIGKILL'), 2_000).unref();
  });
}
