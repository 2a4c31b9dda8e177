/** Redis away in every way that operators meet: calls fail fast and with a code, and the store comes back by itself. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort, type RedisServer, startRedis, until } from '../../support/redis.js';
import { failure, openForTest } from './open.js';

const FAIL_FAST_MS = 400; // 300 ms and what a busy machine adds
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function redisFor(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
  const redis = await startRedis(options);
  ends.push(() => redis.stop());
  return redis;
}

async function storeFor(url: string) {
  const opened = await openForTest(url);
  ends.push(() => opened.store.close());
  return opened;
}

async function adminOf(redis: RedisServer): Promise<Redis> {
  const admin = new Redis(redis.port, '127.0.0.1', { lazyConnect: true });
  admin.on('error', () => undefined);
  ends.push(() => admin.disconnect());
  await admin.connect();
  return admin;
}

describe('Redis away', () => {
  it('is no error at start: the store exists, fails fast, and works once Redis is there', async () => {
    const port = await freePort();
    const startMs = performance.now();
    const { store, up, logged } = await storeFor(`redis://:s3cret-pass@127.0.0.1:${port}`);
    expect(performance.now() - startMs).toBeLessThan(1_500);
    expect(store.available()).toBe(false);
    expect(await up()).toBe(0);
    expect(await failure(() => store.get('a'))).toMatchObject({ code: 'not_connected' });
    expect(logged('state store is away; carrying on without it')).toHaveLength(1);
    await redisFor({ port, args: ['--requirepass', 's3cret-pass'] });
    await until('the store is there', () => store.available());
    expect(await store.set('a', '1')).toBe(true);
    expect(await up()).toBe(1);
    expect(logged('state store is back')).toHaveLength(1);
  });

  it('killed and started again empty: lost and back are one line each', async () => {
    const redis = await redisFor();
    const { store, logged, up } = await storeFor(redis.url);
    await store.set('a', '1');
    await redis.kill();
    await until('it is missed', () => !store.available());
    for (let i = 0; i < 50; i++) {
      const { code, tookMs } = await failure(() => store.set('a', '2'));
      expect(['not_connected', 'connection_lost']).toContain(code);
      expect(tookMs).toBeLessThan(FAIL_FAST_MS);
    }
    expect(await up()).toBe(0);
    await redis.start();
    await until('it is back', () => store.available(), { deadlineMs: 3_000 });
    expect(await store.get('a')).toBeUndefined();
    expect(logged('state store is away; carrying on without it')).toHaveLength(1);
    expect(logged('state store is back')).toHaveLength(1);
  });

  it('frozen: calls fail within 300 ms, then at once, and what failed is not carried out in bulk later', async () => {
    const redis = await redisFor();
    const { store } = await storeFor(redis.url);
    await store.set('count', '0');
    redis.pause();
    ends.push(() => redis.resume());
    const first = await failure(() => store.append('late', { n: '0' }, 1_000));
    expect(first.code).toBe('timeout');
    expect(first.tookMs).toBeGreaterThan(250);
    expect(first.tookMs).toBeLessThan(FAIL_FAST_MS);
    for (let i = 0; i < 100; i++) {
      const { code, tookMs } = await failure(() => store.append('late', { n: '1' }, 1_000));
      expect(['timeout', 'not_connected', 'connection_lost']).toContain(code);
      expect(tookMs).toBeLessThan(50);
    }
    redis.resume();
    await until('it is back', () => store.available(), { deadlineMs: 3_000 });
    expect((await store.last('late', 200)).length).toBeLessThanOrEqual(1);
  });

  it('cut off so that packets vanish: new connections are tried, the old one is not waited for', async () => {
    const redis = await redisFor();
    const proxy = await cuttableProxy(redis.port);
    const { store } = await storeFor(`redis://127.0.0.1:${proxy.port}`);
    await store.set('a', '1');
    proxy.cut();
    expect(await failure(() => store.get('a'))).toMatchObject({ code: 'timeout' });
    expect((await failure(() => store.get('a'))).tookMs).toBeLessThan(50);
    await until('it is missed', () => !store.available());
    proxy.heal();
    await until('a new connection answers', () => store.available(), { deadlineMs: 5_000 });
    expect(await store.get('a')).toBe('1');
  });

  it('is not concluded from this process having been busy: a reply that waits in the socket counts', async () => {
    const redis = await redisFor();
    const { store, logged } = await storeFor(redis.url);
    await store.set('a', '1');
    for (let i = 0; i < 5; i++) {
      const reply = store.get('a');
      const endMs = performance.now() + 450;
      while (performance.now() < endMs);
      expect(await reply).toBe('1');
    }
    expect(logged('state store is away; carrying on without it')).toEqual([]);
  });

  it('read-only after a failover: named so, reconnected, and back when writes are taken', async () => {
    const redis = await redisFor();
    const { store, logged } = await storeFor(redis.url);
    await store.set('a', '1');
    const admin = await adminOf(redis);
    await admin.replicaof('127.0.0.1', await freePort());
    expect((await failure(() => store.set('a', '2'))).code).toBe('read_only');
    await until('reads go on', async () => (await store.get('a')) === '1');
    expect(store.available()).toBe(false);
    expect((await failure(() => store.compareAndSet('a', '1', '2'))).code).toBe('read_only');
    await admin.replicaof('NO', 'ONE');
    await until('writes are taken', () => store.available(), { deadlineMs: 5_000 });
    expect(await store.set('a', '3')).toBe(true);
    expect(logged('state store is away; carrying on without it')).toHaveLength(1);
    expect(logged('state store is back')).toHaveLength(1);
  });

  it('full: writes are refused with their own code, reads go on', async () => {
    const redis = await redisFor();
    const { store } = await storeFor(redis.url);
    await store.set('a', '1');
    const admin = await adminOf(redis);
    await admin.config('SET', 'maxmemory', '1');
    expect((await failure(() => store.set('b', '1'))).code).toBe('out_of_memory');
    expect((await failure(() => store.compareAndSet('a', '1', '2'))).code).toBe('out_of_memory');
    expect(await store.get('a')).toBe('1');
    expect(store.available()).toBe(false);
    await admin.config('SET', 'maxmemory', '0');
    await until('writes are taken', () => store.available(), { deadlineMs: 5_000 });
  });
});

describe('Redis by URL', () => {
  it('with a password and with a user; a wrong one fails as auth and is never printed', async () => {
    const redis = await redisFor({ args: ['--requirepass', 'right-password'] });
    const admin = new Redis(redis.port, '127.0.0.1', { password: 'right-password' });
    ends.push(() => admin.disconnect());
    await admin.acl('SETUSER', 'oracle', 'on', '>us%er/p@ss', '~op:*', '+@all');
    for (const userInfo of [':right-password', 'default:right-password', 'oracle:us%25er%2Fp%40ss']) {
      const { store } = await storeFor(`redis://${userInfo}@127.0.0.1:${redis.port}/0/deep`);
      expect(await store.set('a', userInfo)).toBe(true);
      expect(await admin.get('op:deep:a')).toBe(userInfo);
    }
    const wrong = await storeFor(`redis://oracle:wrong-password@127.0.0.1:${redis.port}`);
    await until('it is refused', () => wrong.lines.some(({ code }) => code === 'auth'));
    expect(wrong.store.available()).toBe(false);
    expect((await failure(() => wrong.store.get('a'))).tookMs).toBeLessThan(FAIL_FAST_MS);
    expect(JSON.stringify(wrong.lines)).not.toContain('wrong-password');
  });

  it('with TLS, and refuses a certificate that it does not know', async () => {
    const file = (name: string) => fileURLToPath(new URL(`tls/${name}`, import.meta.url));
    const redis = await redisFor({
      tls: true,
      args: [
        '--tls-cert-file',
        file('cert.pem'),
        '--tls-key-file',
        file('key.pem'),
        '--tls-auth-clients',
        'no',
      ],
    });
    const { store } = await storeFor(`${redis.url}?ca=${encodeURIComponent(file('cert.pem'))}`);
    expect(await store.set('a', '1')).toBe(true);
    const stranger = await storeFor(redis.url);
    expect(stranger.store.available()).toBe(false);
    await expect(openForTest(`${redis.url}?ca=/nowhere.pem`)).rejects.toMatchObject({ code: 'bad_url' });
  });

  it('with Sentinel: follows the master through a failover', async () => {
    const master = await redisFor();
    const replica = await redisFor({ args: ['--replicaof', '127.0.0.1', `${master.port}`] });
    const sentinel = await redisFor({
      sentinel: () =>
        [
          `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
          'sentinel down-after-milliseconds mymaster 400',
          'sentinel failover-timeout mymaster 2000',
        ].join('\n'),
    });
    const gone = await freePort();
    const { store } = await storeFor(
      `redis+sentinel://127.0.0.1:${gone},127.0.0.1:${sentinel.port}/mymaster/0`,
    );
    expect(await store.set('a', '1')).toBe(true);
    const replicaAdmin = await adminOf(replica);
    await until('the replica has it', async () => (await replicaAdmin.get('op:a')) === '1');
    const sentinelAdmin = await adminOf(sentinel);
    await until(
      'the sentinel knows the replica',
      async () => {
        const known = (await sentinelAdmin.call('SENTINEL', 'replicas', 'mymaster')) as unknown[];
        return known.length === 1;
      },
      { deadlineMs: 20_000 },
    );
    await master.kill();
    await until('the replica became the master and takes writes', () => store.set('b', '2'), {
      deadlineMs: 30_000,
    });
    expect(await store.getMany(['a', 'b'])).toEqual(['1', '2']);
  });

  it('warns, once per connection, about a server that may evict', async () => {
    const redis = await redisFor({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    const { store, lines } = await storeFor(redis.url);
    const warned = () => lines.filter(({ level }) => level === 'warn');
    await until('it is warned', () => warned().length === 1);
    expect(warned()[0]).toMatchObject({ policy: 'allkeys-lru' });
    for (let i = 0; i < 20; i++) await store.set('a', `${i}`);
    expect(warned()).toHaveLength(1);
    await redis.kill();
    await redis.start();
    await until('the next connection is warned about', () => warned().length === 2);
  });

  it('says what is wrong with a URL, without the password', async () => {
    const error = await openForTest('redis://user:hidden-word@host:1/x').catch((e: Error) => e);
    expect(error).toMatchObject({ name: 'StateError', code: 'bad_url' });
    expect(String(error)).toContain('database');
    expect(String(error)).not.toContain('hidden-word');
  });
});

/** A proxy whose open connections fall silent on `cut`, as behind a firewall that drops packets. */
async function cuttableProxy(target: number) {
  const sockets = new Set<Socket>();
  let silent = false;
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    if (silent) return;
    const upstream = connect(target, '127.0.0.1');
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => !silent && client.destroy());
    client.pipe(upstream).pipe(client);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port,
    cut: () => {
      silent = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    // The connections that were cut stay dead: only new ones get through.
    heal: () => {
      silent = false;
    },
  };
}
