/** Rendering the manifests, and checking them against the API's types with unknown fields refused. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');

// biome-ignore lint/suspicious/noExplicitAny: a manifest's fields are what the test is about to look at.
export type Manifest = Record<string, any> & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
  };
};

const has = (command: string, args: string[], pattern: RegExp): boolean => {
  try {
    return pattern.test(
      execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return false;
  }
};

/** What `kubectl kustomize` prints for a directory under `k8s/`. */
export function renderText(directory: string): string {
  const path = join(ROOT, 'k8s', directory);
  const [command, args] = has('kubectl', ['version', '--client'], /Kustomize Version: v([4-9]|[1-9]\d)/)
    ? ['kubectl', ['kustomize', path]]
    : ['kustomize', ['build', path]];
  return execFileSync(command as string, args as string[], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

export const render = (directory: string): Manifest[] => parseManifests(renderText(directory));

/** Module that holds the type of an API version's kinds. */
const moduleOf = (apiVersion: string): string =>
  apiVersion.startsWith('monitoring.coreos.com/')
    ? `@kubernetes-models/prometheus-operator/${apiVersion}`
    : `kubernetes-models/${apiVersion}`;

/**
 * Types every manifest as the API's own interface, where TypeScript refuses a field that the interface does not have,
 * and runs the model's validator for patterns, formats and required fields.
 * @returns what is wrong, one line each
 */
export function schemaProblems(manifests: readonly Manifest[]): string[] {
  const file = join(ROOT, 'test/ops/rendered-manifests.ts');
  const lines = manifests.map(
    (manifest, index) =>
      `import type { I${manifest.kind} as K${index} } from '${moduleOf(manifest.apiVersion)}/${manifest.kind}';\n` +
      `export const m${index}: K${index} = ${JSON.stringify(manifest)};`,
  );
  const text = lines.join('\n');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    target: ts.ScriptTarget.ES2022,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022)
      : getSourceFile.call(host, name, ...rest);
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  host.readFile = (name) => (name === file ? text : readFile.call(host, name));
  const program = ts.createProgram([file], options, host);
  const typed = ts
    .getPreEmitDiagnostics(program)
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, ' '));

  const require = createRequire(file);
  const validated = manifests.flatMap((manifest) => {
    try {
      const Model = require(`${moduleOf(manifest.apiVersion)}/${manifest.kind}`)[manifest.kind];
      new Model(manifest).validate();
      return [];
    } catch (error) {
      return [`${manifest.kind} ${manifest.metadata?.name}: ${(error as Error).message}`];
    }
  });
  return [...typed, ...validated];
}
