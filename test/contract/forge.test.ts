import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('the contract checks fail when forge fails: its exit code is passed on', () => {
  const run = (args: string[]) =>
    spawnSync(process.execPath, ['scripts/forge.mjs', ...args], { stdio: 'ignore' }).status;
  expect(run(['--version'])).toBe(0);
  expect(run(['test', '--no-such-option'])).not.toBe(0);
});
