// The build's source verification input, given to the compiler as a block explorer does, must give the bytecode that the
// build deploys.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

const run = (script: string, args: readonly string[], input = ''): string => {
  const result = spawnSync(process.execPath, [path(script), ...args], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  expect(result.status, result.stderr).toBe(0);
  return result.stdout;
};

test.each(['OracleAggregator', 'FeedProxy', 'FeedProxyFactory'])(
  'the verification input of %s compiles to what is deployed',
  (name) => {
    run('scripts/build-contracts.mjs', []);
    const input = readFileSync(path(`out/verify/${name}.json`), 'utf8');
    const output = JSON.parse(run('scripts/solc.mjs', ['--standard-json'], input));
    const contract = output.contracts[`contracts/src/${name}.sol`][name];
    const built = JSON.parse(readFileSync(path(`out/${name}.sol/${name}.json`), 'utf8'));
    expect(`0x${contract.evm.bytecode.object}`).toBe(built.bytecode.object);
  },
  300_000,
);
