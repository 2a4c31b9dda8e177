/** Starting and stopping the real programs that the tests of operations use, and waiting for what they do. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A TCP port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Asks until the answer is truthy, and returns it; throws with what was awaited after the deadline. */
export async function until<T>(
  ask: () => T | Promise<T>,
  what: string | (() => string),
  timeoutMs = 20_000,
  everyMs = 100,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer) return answer as NonNullable<Exclude<T, false>>;
      last = answer;
    } catch (error) {
      last = error;
    }
    await pause(everyMs);
  }
  throw new Error(
    `not within ${timeoutMs} ms: ${typeof what === 'string' ? what : what()} (last: ${last instanceof Error ? last.message : String(last)})`,
  );
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything that the process printed so far. */
  readonly output: () => string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** SIGTERM, and SIGKILL when that does not end it in time. */
  readonly stop: (graceMs?: number) => Promise<number | NodeJS.Signals>;
}

export function start(command: string, args: readonly string[], options: SpawnOptions = {}): Running {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let text = '';
  const collect = (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-2_000_000);
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
    child.once('error', (error) => {
      text += String(error);
      resolve(127);
    });
  });
  return {
    child,
    pid: child.pid ?? 0,
    output: () => text,
    ended,
    async stop(graceMs = 10_000) {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      const result = await ended;
      clearTimeout(timer);
      return result;
    },
  };
}
