/** Runs `demo/main.ts` as a user would, without a terminal, and waits for what it prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { withDeadline } from '../../src/common/time.js';

const ROOT = path.join(import.meta.dirname, '..', '..');

export interface RunningDemo {
  readonly pid: number;
  /** All lines so far. */
  readonly lines: () => readonly string[];
  /** The first line from an index on that matches, as soon as it is there. @throws with the output when it ends before */
  readonly line: (
    pattern: RegExp,
    options?: { from?: number; timeoutMs?: number },
  ) => Promise<RegExpExecArray>;
  /** Its exit code. */
  readonly exit: (timeoutMs?: number) => Promise<number | null>;
  readonly signal: (signal: NodeJS.Signals) => void;
}

const LINE_TIMEOUT_MS = 60_000;
const EXIT_TIMEOUT_MS = 120_000;

/** Starts a demo. */
export function startDemo(...args: string[]): RunningDemo {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', 'demo/main.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  let code: number | null | undefined;
  const notify = () => {
    for (const listener of [...listeners]) listener();
  };
  for (const stream of [child.stdout, child.stderr])
    if (stream)
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        notify();
      });
  child.once('close', (exitCode) => {
    code = exitCode;
    notify();
  });
  /** Settles when `found` gives something, looked at after each line and at the end. */
  const until = <T>(what: string, timeoutMs: number, found: () => T | undefined): Promise<T> =>
    withDeadline(
      what,
      timeoutMs,
      () =>
        new Promise<T>((resolve, reject) => {
          const look = () => {
            const value = found();
            if (value === undefined && code === undefined) return;
            listeners.delete(look);
            if (value !== undefined) resolve(value);
            else reject(new Error(`${what}: the demo ended with code ${code}\n${lines.join('\n')}`));
          };
          listeners.add(look);
          look();
        }),
    ).catch((error) => {
      throw code === undefined ? new Error(`${error}\n${lines.join('\n')}`) : error;
    });

  return {
    pid: child.pid ?? 0,
    lines: () => lines,
    line: (pattern, { from = 0, timeoutMs = LINE_TIMEOUT_MS } = {}) => {
      let next = from;
      return until(`waiting for ${pattern}`, timeoutMs, () => {
        for (; next < lines.length; next++) {
          const match = pattern.exec(lines[next] ?? '');
          if (match) return match;
        }
        return undefined;
      });
    },
    exit: (timeoutMs = EXIT_TIMEOUT_MS) =>
      until('waiting for the exit', timeoutMs, () => (code === undefined ? undefined : { code })).then(
        (ended) => ended.code,
      ),
    signal: (signal) => void child.kill(signal),
  };
}

/** Whether a process is there. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
