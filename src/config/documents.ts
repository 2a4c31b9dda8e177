/** Reads the directory's YAML files as text scalars with their places, so that numbers stay exact and errors name a line. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, isMap, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { ConfigError, type ConfigProblem } from './problem.js';

/** One file: its content with all scalars as text, and a way back from a path to a line. */
export interface ConfigDocument {
  readonly file: string;
  readonly content: unknown;
  readonly lineOf: (path: readonly (string | number)[]) => number | undefined;
}

export interface ConfigDirectory {
  readonly documents: readonly ConfigDocument[];
  /** SHA-256 over names and contents, before variables are filled in. */
  readonly hash: string;
  /** Values that were filled in for `${NAME}`; they are secrets. */
  readonly secrets: readonly string[];
}

const MAX_FILE_BYTES = 1_048_576;
const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * Reads all `*.yaml` and `*.yml` files of a directory in the order of their names; hidden files (Kubernetes' own
 * `..data`) are left out. `${NAME}` in a value is replaced by the environment variable.
 * @throws ConfigError when the directory or a file cannot be read or is not YAML, or a variable is not set
 */
export function readConfigDirectory(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): ConfigDirectory {
  const hash = createHash('sha256');
  const secrets: string[] = [];
  const problems: ConfigProblem[] = [];
  const documents: ConfigDocument[] = [];
  for (const file of listFiles(directory)) {
    const text = readFile(directory, file);
    hash.update(`${file}\0${text.length}\0${text}`);
    documents.push(readDocument(file, text, env, secrets, problems));
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { documents, hash: hash.digest('hex'), secrets };
}

function listFiles(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw new ConfigError([
      {
        where: 'environment',
        path: 'CONFIG_DIR',
        value: directory,
        message: `cannot be read (${codeOf(error)}); point it at a directory with a feeds.yaml`,
      },
    ]);
  }
  const files = names.filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.')).sort();
  if (files.length === 0)
    throw new ConfigError([
      {
        where: 'environment',
        path: 'CONFIG_DIR',
        value: directory,
        message: 'holds no *.yaml file; add a feeds.yaml with at least one feed',
      },
    ]);
  return files;
}

function readFile(directory: string, file: string): string {
  try {
    const bytes = readFileSync(join(directory, file));
    if (bytes.length <= MAX_FILE_BYTES) return bytes.toString('utf8');
  } catch (error) {
    throw new ConfigError([{ where: file, path: '(file)', message: `cannot be read (${codeOf(error)})` }]);
  }
  throw new ConfigError([{ where: file, path: '(file)', message: `is larger than ${MAX_FILE_BYTES} bytes` }]);
}

function readDocument(
  file: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  secrets: string[],
  problems: ConfigProblem[],
): ConfigDocument {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { schema: 'failsafe', uniqueKeys: true, lineCounter });
  for (const error of document.errors) {
    const line = error.linePos?.[0].line;
    problems.push({
      where: file,
      ...(line === undefined ? {} : { line }),
      path: '(syntax)',
      message: error.message.split('\n')[0] ?? error.code,
    });
  }
  if (document.errors.length > 0) return { file, content: {}, lineOf: () => undefined };
  const lineAt = (offset: number | undefined) =>
    offset === undefined ? undefined : lineCounter.linePos(offset).line;
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      node.value = node.value.replace(VARIABLE, (whole, name: string) => {
        const value = env[name];
        if (value === undefined) {
          const line = lineAt(node.range?.[0]);
          problems.push({
            where: file,
            ...(line === undefined ? {} : { line }),
            path: whole,
            message: `the environment variable ${name} is not set; set it or write the value`,
          });
          return '';
        }
        secrets.push(value);
        return value;
      });
    },
  });
  return {
    file,
    content: document.toJS({ maxAliasCount: 100 }) ?? {},
    lineOf: (path) => lineAt(offsetOf(document, path)),
  };
}

/** The offset of the key or item that a path leads to; of its nearest parent where it is absent. */
function offsetOf(document: Document, path: readonly (string | number)[]): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === last);
      if (pair && isScalar(pair.key)) return pair.key.range?.[0];
    }
    const node = document.getIn(path.slice(0, length), true) as
      | { range?: [number, number, number] }
      | undefined;
    if (node?.range) return node.range[0];
  }
  return undefined;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error';
