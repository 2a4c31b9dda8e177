/** The presets of exchanges that the package ships (`config/sources`), and the operator's own or changed ones on top. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { definitionFits, isKind, missingSettings } from './kinds.js';
import type { Placed, Reporter } from './place.js';
import type { Report } from './problem.js';
import {
  type FileInput,
  type SourceDefinition,
  sourceDefinitionSchema,
  sourceOptionsSchema,
} from './schema.js';
import { readPattern } from './templates.js';

export type Presets = ReadonlyMap<string, SourceDefinition>;

const SHIPPED = fileURLToPath(new URL('../../config/sources/', import.meta.url));

let shipped: Presets | undefined;

/** Reads the shipped presets, once per process: they are part of the program. */
export function shippedPresets(): Presets {
  shipped ??= new Map(
    readdirSync(SHIPPED)
      .filter((file) => file.endsWith('.yaml'))
      .sort()
      .flatMap((file) => Object.entries(readShipped(join(SHIPPED, file)))),
  );
  return shipped;
}

function readShipped(path: string): Record<string, SourceDefinition> {
  const content: unknown = parse(readFileSync(path, 'utf8'), { schema: 'failsafe' });
  const result = z.record(z.string(), sourceDefinitionSchema).safeParse(content);
  if (result.success) return result.data;
  throw new Error(`the shipped preset ${path} is broken: ${z.prettifyError(result.error)}`);
}

/** Lays the operator's definitions over the shipped ones, setting by setting, so that `baseUrl` alone can be changed. */
export function mergePresets(base: Presets, own: Readonly<Record<string, SourceDefinition>>): Presets {
  const merged = new Map(base);
  for (const [name, definition] of Object.entries(own)) {
    const set = Object.fromEntries(Object.entries(definition).filter(([, value]) => value !== undefined));
    merged.set(name, { ...merged.get(name), ...set } as SourceDefinition);
  }
  return merged;
}

/** The shipped presets with those of all files laid over them; what can never work is reported where it stands. */
export function collectPresets(files: readonly Placed<FileInput>[], reporter: Reporter): Presets {
  const own = files.flatMap(({ value, place }) =>
    Object.keys(value.sources ?? {}).map((name) => ({ name, place: { ...place, path: ['sources', name] } })),
  );
  const presets = files.reduce(
    (merged, { value }) => mergePresets(merged, (value.sources ?? {}) as Record<string, SourceDefinition>),
    shippedPresets(),
  );
  for (const [index, { name, place }] of own.entries()) {
    const definition = presets.get(name);
    if (definition && own.findIndex((other) => other.name === name) === index)
      checkPreset(name, definition, reporter(place));
  }
  return presets;
}

function checkPreset(name: string, definition: SourceDefinition, report: Report): void {
  if (isKind(name) || Object.hasOwn(sourceOptionsSchema.shape, name))
    report([], 'is a word of its own in a source; give the preset another name', name);
  const kind = definition.kind ?? 'http';
  definitionFits(kind, definition, report);
  const missing = missingSettings(kind, definition);
  if (missing.length > 0)
    report(
      [],
      `is no shipped preset (mind the spelling), and lacks what one of your own needs: ${missing.join(', ')}`,
      name,
    );
  if (definition.quote !== undefined && !readPattern(definition.quote))
    report(
      ['quote'],
      "must be a regular expression with a group named quote, such as '(?<quote>USDT|USD)$'",
      definition.quote,
    );
}
