/** Child processes that are watched: their lines are read, their end is known, and they are always stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { withDeadline } from '../src/common/time.js';

/** The project's root: children run there, so that the demo can be started from anywhere. */
export const ROOT = path.join(import.meta.dirname, '..');

/** How a process ended: by itself with a code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process is gone and all its lines were read; never rejects. */
  readonly exited: Promise<Exit>;
  /** Its end, once it ended. */
  readonly exit: () => Exit | undefined;
  /** The last lines of both outputs. */
  readonly tail: () => readonly string[];
  /** Asks it to end, and kills it with everything it started when it does not in time. */
  readonly stop: (timeoutMs: number) => Promise<Exit>;
  /** Kills it with everything it started, without asking. */
  readonly kill: () => void;
}

export interface ChildSettings {
  readonly name: string;
  /** Arguments of `node`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of standard output. */
  readonly onLine?: (line: string) => void;
}

/** A child that did not start or ended on its own, with its last words. */
export class ChildError extends Error {
  override readonly name = 'ChildError';
  constructor(
    message: string,
    readonly tail: readonly string[],
  ) {
    super(message);
  }
}

const TAIL_LINES = 20;
const LINE_LENGTH = 2_000;
/** How long the operating system may take to remove a process that was killed. */
const KILL_TIMEOUT_MS = 5_000;

/** What children inherit: nothing that could configure the daemon by accident, such as another key. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

export const describeExit = ({ code, signal }: Exit): string =>
  signal ? `ended by ${signal}` : `ended with code ${code}`;

/** Starts `node` with the given arguments in a process group of its own, which a Ctrl-C in the terminal spares. */
export function startChild({ name, args, env, onLine }: ChildSettings): Child {
  const child: ChildProcess = spawn(process.execPath, [...args], {
    cwd: ROOT,
    env: { ...inherited(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const lines: string[] = [];
  let ended: Exit | undefined;
  const keep = (line: string) => {
    lines.push(line.slice(0, LINE_LENGTH));
    if (lines.length > TAIL_LINES) lines.shift();
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      keep(line);
      if (stream === child.stdout) onLine?.(line);
    });
  }
  child.stdin?.on('error', () => undefined);
  child.on('error', (error) => keep(error.message));
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      ended = { code, signal };
      resolve(ended);
    });
  });
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The whole group is gone already.
    }
  };
  const kill = () => signalGroup('SIGKILL');

  return {
    name,
    pid: child.pid ?? 0,
    exited,
    exit: () => ended,
    tail: () => [...lines],
    kill,
    stop: async (timeoutMs) => {
      if (ended) return ended;
      signalGroup('SIGTERM');
      try {
        return await withDeadline(`stopping ${name}`, timeoutMs, () => exited);
      } catch {
        kill();
        return await withDeadline(`killing ${name}`, KILL_TIMEOUT_MS, () => exited);
      }
    },
  };
}

/**
 * Starts a child and waits until one of its lines says that it is ready.
 * @param ready turns the telling line into what is wanted, and any other into `undefined`
 * @throws ChildError when it ends before, or is not ready in time; it is killed then
 */
export async function startReady<T>(
  settings: ChildSettings & { readonly timeoutMs: number },
  ready: (line: string) => T | undefined,
  signal?: AbortSignal,
): Promise<{ readonly child: Child; readonly value: T }> {
  const lines = new EventTarget();
  let found: T | undefined;
  const child = startChild({
    ...settings,
    onLine: (line) => {
      if (found === undefined) {
        found = ready(line);
        if (found !== undefined) lines.dispatchEvent(new Event('ready'));
      }
      settings.onLine?.(line);
    },
  });
  try {
    await withDeadline(
      `starting ${settings.name}`,
      settings.timeoutMs,
      (inner) => Promise.race([once(lines, 'ready', { signal: inner }), child.exited]),
      signal,
    );
  } catch (error) {
    child.kill();
    if (signal?.aborted) throw error;
    throw new ChildError(error instanceof Error ? error.message : String(error), child.tail());
  }
  if (found !== undefined) return { child, value: found };
  throw new ChildError(
    `${settings.name} ${describeExit(await child.exited)} before it was ready`,
    child.tail(),
  );
}
