/** The real command line as a child process, with its log read line by line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const COMMAND_MS = 600_000;

export type Env = Readonly<Record<string, string>>;
export type LogLine = Readonly<Record<string, unknown>> & {
  readonly event?: string;
  readonly message?: string;
};

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end. */
export async function command(args: readonly string[], env: Env): Promise<Finished> {
  const child = start(args, env);
  const output = collect(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS);
  const code = await exitOf(child);
  clearTimeout(timer);
  return { code, ...output() };
}

export interface DaemonProcess {
  readonly pid: number;
  readonly url: string;
  readonly metricsUrl: string;
  readonly lines: readonly LogLine[];
  readonly text: () => string;
  /** Resolves with the first line, past or future, that fits. Rejects when the daemon ends before or after a minute. */
  line(fits: (line: LogLine) => boolean, what: string): Promise<LogLine>;
  /** Marks the present: `line` then looks at later lines only. */
  mark(): void;
  kill(signal?: NodeJS.Signals): void;
  /** Sends SIGTERM, or the given signal, and waits for the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

/** Starts `oracle-publisher run` on ports of its own and waits until it listens. */
export async function startDaemon(env: Env, args: readonly string[] = []): Promise<DaemonProcess> {
  const child = start(['run', ...args], {
    METRICS_PORT: '0',
    HTTP_PORT: '0',
    BIND_ADDRESS: '127.0.0.1',
    ...env,
  });
  const output = collect(child);
  const lines: LogLine[] = [];
  const listeners = new Set<() => void>();
  let from = 0;
  let rest = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.startsWith('{')) lines.push(JSON.parse(part) as LogLine);
    for (const listener of listeners) listener();
  });
  const exited = exitOf(child);

  const line: DaemonProcess['line'] = (fits, what) =>
    new Promise((resolve, reject) => {
      const check = () => {
        const found = lines.slice(from).find(fits);
        if (!found) return;
        end();
        resolve(found);
      };
      const fail = (why: string) => {
        end();
        reject(new Error(`${what}: ${why}\n${output().stdout.slice(-4_000)}${output().stderr}`));
      };
      const timer = setTimeout(() => fail('did not happen within 60 s'), 60_000);
      const end = () => {
        clearTimeout(timer);
        listeners.delete(check);
      };
      listeners.add(check);
      check();
      void exited.then((code) => fail(`the daemon ended with code ${code}`));
    });

  const listening = await line(({ event }) => event === 'listening', 'listening');
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${listening.httpPort}`,
    metricsUrl: `http://127.0.0.1:${listening.metricsPort}/metrics`,
    lines,
    text: () => output().stdout + output().stderr,
    line,
    mark: () => {
      from = lines.length;
    },
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
    exited,
  };
}

function start(args: readonly string[], env: Env): ChildProcess {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, [MAIN, ...args], {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function collect(child: ChildProcess): () => { stdout: string; stderr: string } {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  return () => ({ stdout, stderr });
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', (code) => resolve(code)));
