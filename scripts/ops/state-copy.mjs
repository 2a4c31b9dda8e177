#!/usr/bin/env node
// Copies the publisher's keys out of a Redis (dump) and into one (load), as lines of JSON. Leases are left out: they belong
// to processes that live, and end by themselves.
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';

const [mode] = process.argv.slice(2);
const url = process.env.STATE_URL ?? '';
const PREFIX = 'op:';
const LEASE = /(^|:)lease:/;
const HELP =
  'usage: STATE_URL=redis://… node scripts/ops/state-copy.mjs dump > FILE\n       STATE_URL=redis://… node scripts/ops/state-copy.mjs load < FILE\n';

const fail = (message) => {
  process.stderr.write(`state-copy: ${message}\n`);
  process.exit(1);
};
if (mode === '--help') {
  process.stdout.write(HELP);
  process.exit(0);
}
if (mode !== 'dump' && mode !== 'load') {
  process.stderr.write(HELP);
  process.exit(2);
}
if (!/^rediss?:/.test(url)) fail('STATE_URL must be redis:// or rediss:// (of a Sentinel set: the master)');

const redis = new Redis(url, {
  lazyConnect: true,
  maxRetriesPerRequest: 1,
  commandTimeout: 5_000,
  retryStrategy: () => null,
});
redis.on('error', () => undefined);
try {
  await redis.connect();
} catch (error) {
  // ioredis's own message names no password.
  fail(`Redis does not answer: ${error.message}`);
}

if (mode === 'dump') {
  let count = 0;
  process.stdout.write(
    `${JSON.stringify({ format: 'oracle-publisher-state/1', takenAt: new Date().toISOString() })}\n`,
  );
  for await (const keys of redis.scanStream({ match: `${PREFIX}*`, count: 500 }))
    for (const key of keys) {
      if (LEASE.test(key)) continue;
      const [value, ttlMs] = await Promise.all([redis.dumpBuffer(key), redis.pttl(key)]);
      if (value === null) continue;
      process.stdout.write(
        `${JSON.stringify({ key, ttlMs: Math.max(0, ttlMs), value: value.toString('base64') })}\n`,
      );
      count += 1;
    }
  process.stdout.write(`${JSON.stringify({ end: true, count })}\n`);
  process.stderr.write(`${count} keys\n`);
} else {
  // Read whole before anything is written: a cut file changes nothing.
  const lines = [];
  for await (const line of createInterface({ input: process.stdin })) if (line) lines.push(JSON.parse(line));
  const [head, ...rest] = lines;
  const tail = rest.pop();
  if (head?.format !== 'oracle-publisher-state/1') fail('this is no backup of the state');
  if (tail?.end !== true || tail.count !== rest.length) fail('the backup is cut off');
  for (const { key, ttlMs, value } of rest)
    await redis.call('RESTORE', key, String(ttlMs), Buffer.from(value, 'base64'), 'REPLACE');
  process.stderr.write(`${rest.length} keys of ${head.takenAt}\n`);
}
await redis.quit();
