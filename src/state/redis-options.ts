/** How the connection to Redis is made: fail fast, never queue, never repeat a command, come back by itself. */
import { readFileSync } from 'node:fs';
import type { RedisOptions } from 'ioredis';
import type { RedisTarget } from './url.js';

/** A command without a reply after this long has failed. */
export const COMMAND_TIMEOUT_MS = 300;
// The client's own timer is the second net: it rejects without looking whether the reply is there already.
const CLIENT_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 1_000;
const DISCONNECT_TIMEOUT_MS = 200;
const MAX_BACKOFF_MS = 1_000;

/** Pauses between connection attempts: 50 ms, doubled up to one second. */
export const backoffMs = (attempt: number): number =>
  Math.min(MAX_BACKOFF_MS, 25 * 2 ** Math.min(attempt, 10));

/**
 * The client's options for a target.
 * @throws the file system's error when a PEM file that the URL names cannot be read
 */
export function redisOptions({ tls, hosts, master, files, ...target }: RedisTarget): RedisOptions {
  const tlsOptions = {
    ...(files.ca === undefined ? {} : { ca: readFileSync(files.ca) }),
    ...(files.cert === undefined ? {} : { cert: readFileSync(files.cert) }),
    ...(files.key === undefined ? {} : { key: readFileSync(files.key) }),
  };
  const [first] = hosts;
  return {
    ...(master === undefined
      ? { host: first?.host ?? 'localhost', port: first?.port ?? 6379 }
      : { sentinels: [...hosts], name: master, role: 'master', ...(tls ? { sentinelTLS: tlsOptions } : {}) }),
    ...(tls ? { tls: tlsOptions, enableTLSForSentinelMode: true } : {}),
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.sentinelUsername === undefined ? {} : { sentinelUsername: target.sentinelUsername }),
    ...(target.sentinelPassword === undefined ? {} : { sentinelPassword: target.sentinelPassword }),
    db: target.db,
    lazyConnect: true,
    commandTimeout: CLIENT_TIMEOUT_MS,
    sentinelCommandTimeout: CLIENT_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    // A command that timed out was reported as failed; carried out later, it would undo what came after it.
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    retryStrategy: backoffMs,
    sentinelRetryStrategy: backoffMs,
    reconnectOnError: (error) => error.message.includes('READONLY'),
  };
}
