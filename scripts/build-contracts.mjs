#!/usr/bin/env node
// Builds the contracts with npm's forge and writes what the rest of the project uses of them:
//   src/chain/generated/contracts.ts   ABIs (`as const`) and creation bytecodes
//   out/verify/<Contract>.json         standard-JSON input, for verifying the source with a block explorer
// Does nothing when neither the sources nor the settings have changed since the last run; `--force` builds anyway.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forgePath } from './forge.mjs';
import { verifyInput } from './verify-input.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCES = join(root, 'contracts', 'src');
const OUT = join(root, 'out');
const GENERATED = join(root, 'src', 'chain', 'generated', 'contracts.ts');
const STAMP = join(OUT, 'build-contracts.sha256');

/** Contracts that are deployed, and the names that TypeScript knows them by. */
const CONTRACTS = [
  { name: 'OracleAggregator', prefix: 'oracleAggregator' },
  { name: 'FeedProxy', prefix: 'feedProxy' },
  { name: 'FeedProxyFactory', prefix: 'feedProxyFactory' },
];

const fail = (message) => {
  process.stderr.write(`build-contracts: ${message}\n`);
  process.exit(1);
};

const filesBelow = (directory) =>
  readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(directory, entry.name)) : [join(directory, entry.name)],
    )
    .sort();

/** Hash of everything the output depends on: sources, settings, compiler and library versions, these scripts. */
const inputsHash = () => {
  const hash = createHash('sha256');
  const files = [
    ...filesBelow(SOURCES),
    ...['foundry.toml', 'scripts/build-contracts.mjs', 'scripts/verify-input.mjs', 'scripts/solc.mjs'].map(
      (file) => join(root, file),
    ),
    ...['solc', '@openzeppelin/contracts', '@foundry-rs/forge'].map((name) =>
      join(root, 'node_modules', name, 'package.json'),
    ),
  ];
  for (const file of files) {
    if (!existsSync(file)) fail(`${file} is missing: run \`npm ci\` first`);
    hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
};

/** Replaces a file in one step, so that a reader never sees half of it. */
const writeWhole = (file, text) => {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, text);
  renameSync(draft, file);
};

const runForge = () => {
  let forge;
  try {
    forge = forgePath();
  } catch (error) {
    fail(error.message);
  }
  const result = spawnSync(forge, ['build', 'contracts/src', '--quiet'], { cwd: root, encoding: 'utf8' });
  if (result.error) fail(`forge cannot be started: ${result.error.message}`);
  if (result.status !== 0) fail(`forge build failed\n${result.stdout}${result.stderr}`);
};

const readArtifact = (name) => {
  const artifact = JSON.parse(readFileSync(join(OUT, `${name}.sol`, `${name}.json`), 'utf8'));
  const bytecode = artifact.bytecode.object;
  if (!/^0x([0-9a-f]{2})+$/.test(bytecode)) fail(`${name}: forge gave no linked bytecode`);
  return { abi: artifact.abi, bytecode };
};

const hash = inputsHash();
const isFresh =
  existsSync(STAMP) &&
  readFileSync(STAMP, 'utf8') === hash &&
  existsSync(GENERATED) &&
  CONTRACTS.every(({ name }) => existsSync(join(OUT, 'verify', `${name}.json`)));
if (isFresh && !process.argv.includes('--force')) process.exit(0);

runForge();
const parts = CONTRACTS.map(({ name, prefix }) => {
  const { abi, bytecode } = readArtifact(name);
  writeWhole(
    join(OUT, 'verify', `${name}.json`),
    `${JSON.stringify(verifyInput(root, `contracts/src/${name}.sol`, name), null, 2)}\n`,
  );
  return [
    `export const ${prefix}Abi = ${JSON.stringify(abi, null, 2)} as const;`,
    `export const ${prefix}Bytecode = '${bytecode}' as const;`,
  ].join('\n\n');
});
writeWhole(
  GENERATED,
  `/** Written by scripts/build-contracts.mjs from contracts/src: do not edit. */\n\n${parts.join('\n\n')}\n`,
);
writeWhole(STAMP, hash);
process.stdout.write(`build-contracts: wrote ${GENERATED.slice(root.length + 1)}\n`);
