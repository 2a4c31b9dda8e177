// Source verification: the compiler's standard-JSON input for one contract, with its sources inline and paths relative
// to the project, and the same settings as the deployed bytecode. Block explorers take it as it is.
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

const IMPORT = /^\s*import\s+(?:[^'";]*?\sfrom\s+)?["']([^"']+)["']\s*;/gms;

/** Paths of a file's imports, resolved as the compiler resolves them. */
const importsOf = (path, content) =>
  [...content.matchAll(IMPORT)].map(([, target]) =>
    target.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), target)) : target,
  );

/** The compiler's settings, read from the build of the contract itself, so that they cannot differ from it. */
const settingsOf = (root, name) => {
  const artifact = JSON.parse(readFileSync(join(root, 'out', `${name}.sol`, `${name}.json`), 'utf8'));
  const { compilationTarget, ...settings } = artifact.metadata.settings;
  if (Object.values(compilationTarget)[0] !== name)
    throw new Error(`${name}: the build is of another contract`);
  return settings;
};

/** The standard-JSON input that compiles `name` of `path` to the deployed bytecode. */
export const verifyInput = (root, path, name) => {
  const { remappings = [], ...settings } = settingsOf(root, name);
  const resolve = (target) => {
    for (const remapping of remappings) {
      const [from, to] = remapping.replace(/^:/, '').split('=');
      if (target.startsWith(from)) return to + target.slice(from.length);
    }
    return target;
  };
  const sources = {};
  const visit = (file) => {
    if (sources[file]) return;
    const content = readFileSync(join(root, file), 'utf8');
    sources[file] = { content };
    for (const target of importsOf(file, content)) visit(resolve(target));
  };
  visit(path);
  return {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).sort(([a], [b]) => (a < b ? -1 : 1))),
    settings: {
      ...settings,
      remappings,
      outputSelection: { [path]: { [name]: ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
    },
  };
};
