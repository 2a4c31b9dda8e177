/** A daemon of the fleet: a real process with its own wires to Redis and to the chain, which can be killed and stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../support/redis.js';
import { createWire, type Wire } from './wire.js';

export const ROOT = path.join(import.meta.dirname, '../../..');
export const CLI = process.env.E2E_CLI ?? 'dist/cli/main.js';

export interface LogLine {
  readonly level: string;
  readonly event?: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface Daemon {
  readonly name: string;
  readonly redisWire: Wire;
  readonly chainWire: Wire;
  readonly lines: LogLine[];
  readonly running: () => boolean;
  start(): void;
  /** @returns exit code, or the signal */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Groups that it says it leads, or `undefined` when it does not answer. */
  leads(): Promise<ReadonlySet<string> | undefined>;
  close(): void;
}

export interface DaemonOptions {
  readonly name: string;
  readonly dir: string;
  readonly redisPort: number;
  readonly chainPort: number;
  readonly env: Readonly<Record<string, string>>;
}

const MAX_LINES = 50_000;

export async function createDaemon({ name, dir, redisPort, chainPort, env }: DaemonOptions): Promise<Daemon> {
  const redisWire = await createWire(redisPort);
  const chainWire = await createWire(chainPort);
  const [metricsPort, httpPort] = [await freePort(), await freePort()];
  const file = createWriteStream(path.join(dir, `${name}.log`), { flags: 'a' });
  const lines: LogLine[] = [];
  let child: ChildProcess | undefined;
  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null;

  const keep = (line: string) => {
    file.write(`${line}\n`);
    try {
      lines.push(JSON.parse(line) as LogLine);
      if (lines.length > MAX_LINES) lines.shift();
    } catch {
      // Not a line of the log: it is in the file.
    }
  };
  return {
    name,
    redisWire,
    chainWire,
    lines,
    running,
    start: () => {
      child = spawn(process.execPath, [CLI, 'run'], {
        cwd: ROOT,
        env: {
          PATH: process.env.PATH,
          ...env,
          RPC_URL: `http://127.0.0.1:${chainWire.port}`,
          STATE_URL: `redis://127.0.0.1:${redisWire.port}`,
          METRICS_PORT: `${metricsPort}`,
          HTTP_PORT: `${httpPort}`,
          BIND_ADDRESS: '127.0.0.1',
          POD_NAME: name,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        if (stream) createInterface({ input: stream }).on('line', keep);
    },
    end: async (signal) => {
      const ending = child;
      if (!ending || !running()) return 'gone';
      const exited = once(ending, 'exit');
      ending.kill('SIGCONT');
      ending.kill(signal);
      const [code, by] = (await exited) as [number | null, string | null];
      return code ?? by ?? 'gone';
    },
    signal: (signal) => void child?.kill(signal),
    leads: async () => {
      try {
        const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, {
          signal: AbortSignal.timeout(400),
        });
        const text = await response.text();
        return new Set(
          [...text.matchAll(/^oracle_group_leader\{group="([^"]+)"\} 1$/gm)].map(([, g]) => g ?? ''),
        );
      } catch {
        return undefined;
      }
    },
    close: () => {
      child?.kill('SIGKILL');
      redisWire.close();
      chainWire.close();
      file.end();
    },
  };
}
