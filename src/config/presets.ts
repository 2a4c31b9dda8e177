/** The presets of exchanges that the package ships (`config/sources`), and the operator's own or changed ones on top. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { type SourceDefinition, sourceDefinitionSchema } from './schema.js';

export type Presets = ReadonlyMap<string, SourceDefinition>;

const SHIPPED = fileURLToPath(new URL('../../config/sources/', import.meta.url));

/** Kinds that a source can be written out with; a preset may not take such a name. */
export const SOURCE_KINDS = ['http', 'websocket', 'external-adapter', 'aggregator', 'feed'] as const;

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
