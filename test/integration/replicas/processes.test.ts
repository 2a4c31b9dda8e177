/** Replicas as real processes: killed, asked to end, stopped past their lease and woken. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../../src/common/time.js';
import { type RedisServer, startRedis, until } from '../../support/redis.js';

const LEASE_MS = 1_000;
interface Sample {
  readonly atMs: number;
  readonly held: readonly string[];
}
interface ReplicaProcess {
  readonly child: ChildProcess;
  readonly samples: Sample[];
  readonly held: () => readonly string[];
}

let redis: RedisServer;
const children: ChildProcess[] = [];
beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await redis.stop();
});

async function start(name: string, keys: number, groups: number): Promise<ReplicaProcess> {
  const script = fileURLToPath(new URL('process.ts', import.meta.url));
  const args = ['--import', 'tsx', script, redis.url, name, `${keys}`, `${groups}`, `${LEASE_MS}`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const samples: Sample[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => samples.push(JSON.parse(line) as Sample));
  await until(`${name} speaks`, () => samples.length > 0, { deadlineMs: 30_000 });
  return { child, samples, held: () => samples.at(-1)?.held ?? [] };
}

describe('replica processes', () => {
  it('kill -9: the other holds everything within the lease time', async () => {
    const a = await start('a', 2, 4);
    const b = await start('b', 2, 4);
    await until('both hold two', () => a.held().length === 2 && b.held().length === 2);
    const killedMs = Date.now();
    a.child.kill('SIGKILL');
    await until('b holds four', () => b.held().length === 4);
    const tookMs = b.samples.find(({ atMs, held }) => atMs > killedMs && held.length === 4)!.atMs - killedMs;
    expect(tookMs).toBeLessThan(LEASE_MS + 100);
  });

  it('SIGTERM: given back at once, exit code 0', async () => {
    const a = await start('a', 1, 2);
    await until('a holds', () => a.held().length === 2);
    const b = await start('b', 1, 2);
    const askedMs = Date.now();
    const exited = once(a.child, 'exit');
    a.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    await until('b holds', () => b.held().length === 2);
    const tookMs = b.samples.find(({ held }) => held.length === 2)!.atMs - askedMs;
    expect(tookMs).toBeLessThan(LEASE_MS / 2);
    expect(a.held()).toEqual([]);
  });

  it('SIGSTOP past the lease and SIGCONT: never holds for a moment what another holds', async () => {
    const one = await start('one', 1, 3);
    await until('one holds', () => one.held().length === 3);
    const two = await start('two', 1, 3);
    let [holder, other] = [one, two];
    for (let round = 0; round < 6; round++) {
      // Stopped at any moment between two looks, with a command on its way or without.
      await sleep(round * 17);
      // Every other time Redis is held up for a moment, so that the holder surely waits for a reply when it is stopped:
      // woken, it finds its timers due before the reply, and must not take that for an outage.
      if (round % 2 === 1) redis.pause();
      await sleep(round % 2 === 1 ? 100 : 0);
      holder.child.kill('SIGSTOP');
      redis.resume();
      await until('the other holds', () => other.held().length === 3, { deadlineMs: 3 * LEASE_MS });
      const wokenMs = Date.now();
      holder.child.kill('SIGCONT');
      await until('the woken one speaks', () => (holder.samples.at(-1)?.atMs ?? 0) > wokenMs + LEASE_MS);
      const woken = holder.samples.filter(({ atMs }) => atMs >= wokenMs);
      expect(woken.length).toBeGreaterThan(50);
      expect(woken.filter(({ held }) => held.length > 0)).toEqual([]);
      expect(other.held()).toHaveLength(3);
      [holder, other] = [other, holder];
    }
  });

  it('a holder stopped for less than its lease goes on', async () => {
    const a = await start('a', 1, 1);
    await until('a holds', () => a.held().length === 1);
    const b = await start('b', 1, 1);
    a.child.kill('SIGSTOP');
    await sleep(LEASE_MS / 4);
    a.child.kill('SIGCONT');
    await sleep(LEASE_MS);
    expect(a.held()).toHaveLength(1);
    expect(b.samples.every(({ held }) => held.length === 0)).toBe(true);
  });
});
