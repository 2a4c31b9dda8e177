/** The embedded chain: anvil from npm, with one block a second, on a free port. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Child, startReady } from './child.js';

/** Chain id of the embedded chain. */
export const CHAIN_ID = 31_337;

/** The first of the keys that anvil funds on every start; they are public knowledge and worth nothing elsewhere. */
export const FUNDED_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';

export interface Chain {
  readonly child: Child;
  readonly rpcUrl: string;
}

const START_TIMEOUT_MS = 60_000;

/** Starts the chain. Not with `--quiet`, which would keep the port to itself; what it prints is not shown. */
export async function startAnvil(signal: AbortSignal): Promise<Chain> {
  const manifest = createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json');
  const { child, value } = await startReady(
    {
      name: 'anvil',
      args: [
        path.join(path.dirname(manifest), 'bin.mjs'),
        ...['--host', '127.0.0.1', '--port', '0', '--chain-id', `${CHAIN_ID}`, '--block-time', '1'],
      ],
      timeoutMs: START_TIMEOUT_MS,
    },
    (line) => /^Listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1],
    signal,
  );
  return { child, rpcUrl: `http://${value}` };
}
