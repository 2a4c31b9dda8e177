// A fresh anvil with a fixed clock, so that the same code always costs the same.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ANVIL = fileURLToPath(new URL('../../node_modules/.bin/anvil', import.meta.url));
const START_DEADLINE_MS = 30_000;

/** Genesis time of the chain, unix seconds: every run sees the same timestamps in its calldata. */
export const GENESIS = 1_700_000_000;

export interface Anvil {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()));

/** Starts anvil on a free port; `options` are further ones of its command line. */
export const startAnvil = (options: readonly string[] = []): Promise<Anvil> =>
  new Promise((resolve, reject) => {
    const child = spawn(ANVIL, ['--port', '0', '--timestamp', String(GENESIS), ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`anvil did not listen within ${START_DEADLINE_MS} ms:\n${output}`));
    }, START_DEADLINE_MS);
    child.once('error', (error) => {
      clearTimeout(deadline);
      reject(
        new Error(`anvil cannot be started: run \`npm ci\` with optional dependencies`, { cause: error }),
      );
    });
    child.once('exit', (code) => {
      clearTimeout(deadline);
      reject(new Error(`anvil ended with ${code}:\n${output}`));
    });
    child.stderr.on('data', (chunk) => {
      output += String(chunk);
    });
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
      const address = /Listening on (\S+)/.exec(output)?.[1];
      if (address === undefined) return;
      clearTimeout(deadline);
      child.removeAllListeners('exit');
      child.stdout.removeAllListeners('data');
      child.stdout.resume();
      resolve({
        url: `http://${address}`,
        stop: async () => {
          child.kill('SIGTERM');
          await exited(child);
        },
      });
    });
  });
