#!/usr/bin/env node
// Copies one deployment's keys out of a Redis (dump) and into one (load), as lines of JSON. Only keys below the prefix of
// STATE_URL are read or written: deployments that share a database stay apart. Leases are left out: they belong to processes
// that live, and end by themselves.
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { redisOptions } from '../../dist/state/redis-options.js';
import { parseStateUrl } from '../../dist/state/url.js';

const FORMAT = 'oracle-publisher-state/1';
const TIMEOUT_MS = 5_000;
/** What a deployment keeps below its prefix. Below `op:` alone the others' paths begin as well: `op:staging:round:…`. */
const KEPT = /^(round|journal|spending|audit|draft):/;
const HELP = `usage: STATE_URL=… node scripts/ops/state-copy.mjs dump > FILE
       STATE_URL=… node scripts/ops/state-copy.mjs load < FILE

  STATE_URL  as the publisher takes it: redis://, rediss://, redis+sentinel://, with its path and its ?ca=
`;

const [mode] = process.argv.slice(2);
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
const parsed = parseStateUrl(process.env.STATE_URL ?? '');
if (!parsed.ok) fail(parsed.problem);
const { target } = parsed;
if (target.kind === 'memory') fail('STATE_URL is memory: there is nothing to copy');
const own = (key) => key.startsWith(target.prefix) && KEPT.test(key.slice(target.prefix.length));

async function connect() {
  let redis;
  try {
    redis = new Redis({
      ...redisOptions(target),
      connectTimeout: TIMEOUT_MS,
      commandTimeout: TIMEOUT_MS,
      sentinelCommandTimeout: TIMEOUT_MS,
      retryStrategy: () => null,
      sentinelRetryStrategy: () => null,
    });
    redis.on('error', () => undefined);
    await redis.connect();
  } catch (error) {
    // The label has no password, and neither has the client's own message.
    fail(`Redis does not answer at ${target.label}: ${error.message}`);
  }
  return redis;
}

async function dump() {
  const redis = await connect();
  let count = 0;
  process.stdout.write(
    `${JSON.stringify({ format: FORMAT, takenAt: new Date().toISOString(), prefix: target.prefix })}\n`,
  );
  const match = `${target.prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;
  // A scan may give a key twice.
  const seen = new Set();
  for await (const keys of redis.scanStream({ match, count: 500 }))
    for (const key of keys) {
      if (!own(key) || seen.has(key)) continue;
      seen.add(key);
      const [value, ttlMs] = await Promise.all([redis.dumpBuffer(key), redis.pttl(key)]);
      if (value === null) continue;
      process.stdout.write(
        `${JSON.stringify({ key, ttlMs: Math.max(0, ttlMs), value: value.toString('base64') })}\n`,
      );
      count += 1;
    }
  process.stdout.write(`${JSON.stringify({ end: true, count })}\n`);
  process.stderr.write(`${count} keys below ${target.prefix}\n`);
  await redis.quit();
}

async function load() {
  // Read whole before anything is written: a cut or foreign file changes nothing.
  const lines = [];
  for await (const line of createInterface({ input: process.stdin })) if (line) lines.push(JSON.parse(line));
  const [head, ...rest] = lines;
  const tail = rest.pop();
  if (head?.format !== FORMAT) fail('this is no backup of the state');
  if (tail?.end !== true || tail.count !== rest.length) fail('the backup is cut off');
  const foreign = rest.find(({ key }) => !own(key));
  if (foreign)
    fail(
      `the backup is of another deployment: ${foreign.key} is no key below ${target.prefix} of STATE_URL; nothing was written`,
    );
  const redis = await connect();
  for (const { key, ttlMs, value } of rest)
    await redis.call('RESTORE', key, String(ttlMs), Buffer.from(value, 'base64'), 'REPLACE');
  process.stderr.write(`${rest.length} keys of ${head.takenAt}\n`);
  await redis.quit();
}

await (mode === 'dump' ? dump() : load()).catch((error) => fail(error.message));
