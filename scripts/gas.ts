// `make gas`: what an update and a read cost, measured, beside the ceilings and what the field's other oracles cost.
//   --json    the figures as one JSON array
//   --write   also keeps them in contracts/gas.json, against which the tests compare
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJson, toKept } from './gas/figures.js';
import { toTable } from './gas/table.js';

const fail = (message: string): never => {
  process.stderr.write(`gas: ${message}\n`);
  process.exit(1);
};

const known = ['--json', '--write'];
const unknown = process.argv.slice(2).filter((option) => !known.includes(option));
if (unknown.length > 0) {
  process.stderr.write(`gas: unknown option ${unknown.join(' ')}; known: ${known.join(' ')}\n`);
  process.exit(2);
}

const build = spawnSync(process.execPath, [fileURLToPath(new URL('build-contracts.mjs', import.meta.url))], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (build.status !== 0) fail('the contracts do not build');

const { measure } = await import('./gas/measure.js');
const figures = await measure();
if (process.argv.includes('--write'))
  writeFileSync(new URL('../contracts/gas.json', import.meta.url), toKept(figures));
process.stdout.write(process.argv.includes('--json') ? toJson(figures) : toTable(figures));
