/** A real redis-server for tests: its own port and folder, nothing kept on disk. And waiting for a condition, not a time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../src/common/time.js';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** The server's folder: what it writes goes there. */
  readonly dir: string;
  /** Kills the server; the folder goes too. */
  stop(): Promise<void>;
  /** Freezes the server: connections stay, nothing is answered. */
  pause(): void;
  resume(): void;
  /** Kills the server and keeps the port for `start`. */
  kill(): Promise<void>;
  /** Starts again on the same port, empty. */
  start(): Promise<void>;
}

export interface RedisServerOptions {
  /** Arguments of redis-server on top of port, folder and persistence off. */
  readonly args?: readonly string[];
  /** Run as a sentinel with this configuration. */
  readonly sentinel?: (port: number) => string;
  /** Listen with TLS only; files in `args`. */
  readonly tls?: boolean;
  readonly port?: number;
}

const START_DEADLINE_MS = 15_000;

/** Starts a redis-server (Debian: `apt-get install redis-server`). */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { args = [], sentinel, tls = false } = options;
  const port = options.port ?? (await freePort());
  const dir = await mkdtemp(join(tmpdir(), 'op-redis-'));
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const listen = tls ? ['--port', '0', '--tls-port', `${port}`] : ['--port', `${port}`];
    const file = sentinel ? await writeSentinelFile(dir, sentinel(port)) : undefined;
    child = spawn(
      'redis-server',
      [
        ...(file ? [file, '--sentinel'] : []),
        ...listen,
        '--bind',
        '127.0.0.1',
        '--dir',
        dir,
        ...(file ? [] : ['--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0']),
        ...args,
      ],
      { stdio: 'ignore' },
    );
    const failed = once(child, 'error').then(([error]) => {
      throw new Error(`redis-server cannot be started (Debian: apt-get install redis-server): ${error}`);
    });
    failed.catch(() => undefined);
    await Promise.race([failed, untilListening(port)]);
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  };

  await start();
  return {
    url: `${tls ? 'rediss' : 'redis'}://127.0.0.1:${port}/0`,
    port,
    dir,
    start,
    kill,
    stop: async () => {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function untilListening(port: number): Promise<void> {
  const endMs = Date.now() + START_DEADLINE_MS;
  while (Date.now() < endMs) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await sleep(20);
  }
  throw new Error(`redis-server does not listen on port ${port}`);
}

async function writeSentinelFile(dir: string, text: string): Promise<string> {
  const path = join(dir, 'sentinel.conf');
  await writeFile(path, text);
  return path;
}

/**
 * Asks again and again until the answer is neither `undefined`, `false` nor an error.
 * @throws what was last wrong, once the deadline passed
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  { deadlineMs = 10_000, everyMs = 20 } = {},
): Promise<NonNullable<T>> {
  const endMs = performance.now() + deadlineMs;
  let last: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false && answer !== null) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  } while (performance.now() < endMs);
  throw new Error(`waited ${deadlineMs} ms in vain until ${what}; last: ${String(last)}`);
}
