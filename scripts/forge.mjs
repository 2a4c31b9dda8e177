#!/usr/bin/env node
// Runs forge and ends with its exit code. The launcher of the npm package ends with 0 whatever forge says, so that a
// failing test or a broken contract would pass; this starts the same binary of the platform's package directly.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/** Path of the forge binary that npm installed for this machine. */
export function forgePath() {
  const name = `@foundry-rs/forge-${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    const path = join(folder, 'bin', process.platform === 'win32' ? 'forge.exe' : 'forge');
    if (existsSync(path)) return path;
  } catch {
    // Falls through to the message below.
  }
  throw new Error(`${name} is missing: run \`npm ci\` without --omit=dev or --omit=optional`);
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const { status, error } = spawnSync(forgePath(), process.argv.slice(2), { stdio: 'inherit' });
  if (error) process.stderr.write(`forge cannot be started: ${error.message}\n`);
  process.exit(status ?? 1);
}
