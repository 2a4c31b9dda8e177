/** The state store in Redis. Every call ends within 300 ms; whatever goes wrong is a StateError with a closed code. */
import { Redis } from 'ioredis';
import { type Clock, sleep, withDeadline } from '../common/time.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createHealth } from './health.js';
import { toStateError, WRITE_REFUSALS } from './redis-errors.js';
import { backoffMs, COMMAND_TIMEOUT_MS, redisOptions } from './redis-options.js';
import { MAX_KEYS_LISTED, StateError, type StateStore } from './store.js';
import type { RedisTarget } from './url.js';

// A start waits this long for the first connection, so that the first commands find it; then it goes on without.
const FIRST_CONNECTION_MS = 1_000;
const STALL_PROBE_MS = 100;
// A server that owes replies for this long is given up, so that a network that swallowed packets is not waited out. (The
// client's own socketTimeout outlives its connection and ends the next one.)
const STALL_LIMIT_MS = 2_000;
const REFUSAL_PROBE_MS = 1_000;
const SCAN_COUNT = 500;

const COMPARE_AND_SET = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`;
const COMPARE_AND_DELETE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;

export interface RedisStateDeps {
  readonly target: RedisTarget;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Connects, waiting at most a second; a server that is down does not throw, its store's calls fail until it is there. */
export async function createRedisState({ target, log, clock, metrics }: RedisStateDeps): Promise<StateStore> {
  const health = createHealth({ label: target.label, log, clock, metrics });
  const client = new Redis(redisOptions(target));
  let closed = false;
  // After a timeout nothing more is sent until a probe is answered: a frozen server would carry all of it out later.
  let stalled = false;
  let probing = false;

  const run = async <T>(operation: string, kind: 'read' | 'write', work: () => Promise<T>): Promise<T> => {
    if (closed) throw new StateError('closed', `${operation}: the state store was closed`);
    if (stalled) throw new StateError('timeout', `${operation}: not sent, Redis owes replies`);
    try {
      const result = await answeredInTime(operation, work());
      health.answered(kind);
      return result;
    } catch (cause) {
      const error = toStateError(operation, cause);
      failed(error);
      throw error;
    }
  };

  const failed = (error: StateError): void => {
    if (closed) return;
    health.failed(error);
    if (error.code === 'timeout') stalled = true;
    if (stalled || WRITE_REFUSALS.has(error.code)) void probe();
  };

  /** Asks until the server answers again, or takes writes again. */
  const probe = async (): Promise<void> => {
    if (probing) return;
    probing = true;
    let sinceMs = clock.monotonic();
    while (!closed) {
      const refused = WRITE_REFUSALS.has(health.down() ?? 'timeout');
      try {
        if (refused) await answeredInTime('probe', client.set(`${target.prefix}probe`, '1', 'PX', 1_000));
        else await answeredInTime('probe', client.ping());
        stalled = false;
        health.answered(refused ? 'write' : 'read');
        break;
      } catch (cause) {
        health.failed(toStateError('probe', cause));
      }
      if (stalled && client.status === 'ready' && clock.monotonic() - sinceMs > STALL_LIMIT_MS) {
        sinceMs = clock.monotonic();
        client.disconnect(true);
      }
      await sleep(refused ? REFUSAL_PROBE_MS : STALL_PROBE_MS);
    }
    probing = false;
  };

  client.on('error', (error: Error) => {
    log.debug(
      { event: 'state_connection_failed', store: target.label, detail: error.message },
      'connection to the state store failed',
    );
    failed(toStateError('connection', error));
  });
  client.on('close', () => failed(new StateError('connection_lost', 'connection: closed by the other side')));
  client.on('ready', () => {
    stalled = false;
    health.answered('read');
    void warnAboutEviction(client, target.label, log);
  });
  client.on('end', () => {
    // The client gives up when a connection fails before it exists (a name that does not resolve); this store does not.
    if (!closed) setTimeout(() => !closed && client.connect().catch(() => undefined), backoffMs(10)).unref();
  });

  const full = (key: string) => target.prefix + key;
  await withDeadline('connection', FIRST_CONNECTION_MS, () => client.connect()).catch((cause) =>
    failed(toStateError('connection', cause)),
  );

  return {
    shared: true,
    get: (key) => run('get', 'read', async () => (await client.get(full(key))) ?? undefined),
    getMany: (keys) =>
      keys.length === 0
        ? Promise.resolve([])
        : run('getMany', 'read', async () =>
            (await client.mget(keys.map(full))).map((value) => value ?? undefined),
          ),
    set: (key, value, { ttlMs, onlyIfAbsent = false } = {}) =>
      run('set', 'write', async () => {
        const args: string[] = [full(key), value];
        if (ttlMs !== undefined) args.push('PX', wholeMs(ttlMs));
        if (onlyIfAbsent) args.push('NX');
        return (await client.call('SET', args)) === 'OK';
      }),
    compareAndSet: (key, expected, value, { ttlMs } = {}) =>
      run('compareAndSet', 'write', async () => {
        const ttl = ttlMs === undefined ? '' : wholeMs(ttlMs);
        return (await client.eval(COMPARE_AND_SET, 1, full(key), expected, value, ttl)) === 1;
      }),
    compareAndDelete: (key, expected) =>
      run('compareAndDelete', 'write', async () => {
        return (await client.eval(COMPARE_AND_DELETE, 1, full(key), expected)) === 1;
      }),
    delete: (key) => run('delete', 'write', async () => void (await client.del(full(key)))),
    keys: (prefix) => run('keys', 'read', () => scan(client, clock, full(prefix), target.prefix.length)),
    append: (stream, fields, maxLength) =>
      run('append', 'write', async () => {
        const pairs = Object.entries(fields).flat();
        if (pairs.length === 0 || maxLength < 1)
          throw new StateError('bad_request', `${stream} cannot take this entry`);
        await client.xadd(full(stream), 'MAXLEN', '~', maxLength, '*', ...pairs);
      }),
    last: (stream, count) =>
      run('last', 'read', async () => {
        if (count < 1) return [];
        const entries = await client.xrevrange(full(stream), '+', '-', 'COUNT', count);
        return entries.map(([id, pairs]) => ({ id, fields: toFields(pairs) }));
      }),
    available: () => !closed && health.down() === undefined,
    close: async () => {
      if (closed) return;
      closed = true;
      metrics.stateUp.set(0);
      await withDeadline('close', COMMAND_TIMEOUT_MS, () => client.quit()).catch(() => undefined);
      client.disconnect();
    },
  };
}

/**
 * Waits for a reply for 300 ms. A process that was busy or stopped finds its timers due before the replies that wait in
 * its sockets; those are read before the verdict.
 */
function answeredInTime<T>(operation: string, reply: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(new StateError('timeout', `${operation}: no reply in ${COMMAND_TIMEOUT_MS} ms`));
    const timer = setTimeout(() => setImmediate(late), COMMAND_TIMEOUT_MS);
    const settle = () => clearTimeout(timer);
    reply.then(resolve, reject);
    reply.then(settle, settle);
  });
}

const wholeMs = (ms: number): string => String(Math.max(1, Math.round(ms)));

function toFields(pairs: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < pairs.length; at += 2) fields[pairs[at] ?? ''] = pairs[at + 1] ?? '';
  return fields;
}

async function scan(client: Redis, clock: Clock, prefix: string, cut: number): Promise<string[]> {
  const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
  const found = new Set<string>();
  const endMs = clock.monotonic() + COMMAND_TIMEOUT_MS;
  let cursor = '0';
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    for (const key of keys) found.add(key.slice(cut));
    cursor = next;
  } while (cursor !== '0' && found.size < MAX_KEYS_LISTED && clock.monotonic() < endMs);
  return [...found].slice(0, MAX_KEYS_LISTED);
}

/** Warns, once per connection, when the server may throw keys away: an evicted lease is a lease that two hold. */
async function warnAboutEviction(client: Redis, label: string, log: Logger): Promise<void> {
  const info = await client.info('memory').catch(() => '');
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction')
    log.warn(
      { event: 'state_may_evict', store: label, policy },
      'Redis may evict leases and the transaction journal: set maxmemory-policy to noeviction',
    );
}
