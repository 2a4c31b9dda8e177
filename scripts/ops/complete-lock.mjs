#!/usr/bin/env node
// Completes package-lock.json: `npm install` leaves out optional packages of other platforms that it could not find, and
// `npm ci` then refuses the lock file ("Missing: … from lock file"). Adds their entries, by platform; run after `npm install`.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const check = process.argv.includes('--check');
if (process.argv.includes('--help')) {
  process.stdout.write(
    'usage: node scripts/ops/complete-lock.mjs [--check]    (--check writes nothing, exit 1 when incomplete)\n',
  );
  process.exit(0);
}
const file = join(dirname(fileURLToPath(import.meta.url)), '../../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const PLATFORM =
  /-(android|darwin|linux|win32|freebsd|netbsd|openbsd|sunos|aix)-(arm64|x64|amd64|arm|ia32|ppc64|riscv64|s390x|loong64|mips64el)(-musl)?$/;
const added = [];
for (const [path, entry] of Object.entries({ ...lock.packages }))
  for (const [name, version] of Object.entries((path && entry.optionalDependencies) || {})) {
    if (lock.packages[`${path}/node_modules/${name}`] || lock.packages[`node_modules/${name}`]) continue;
    const [, os, cpu, musl] = PLATFORM.exec(name) ?? [];
    if (!os) {
      process.stderr.write(`${name}@${version} of ${path} is missing and names no platform\n`);
      process.exitCode = 1;
      continue;
    }
    added.push(`${name}@${version}`);
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [cpu === 'amd64' ? 'x64' : cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...(musl ? { libc: ['musl'] } : {}),
      optional: true,
      os: [os],
    };
  }
for (const name of added) process.stdout.write(`${check ? 'missing' : 'added'}: ${name}\n`);
if (check && added.length > 0) process.exitCode = 1;
if (!check && added.length > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
