/** Turns a feed's entry for one source (`kraken: XETHZUSD`, or one written out in full) into its complete settings. */
import type { z } from 'zod';
import { formatDuration } from '../common/duration.js';
import { whole } from '../common/rational.js';
import { reportIssues } from './issues.js';
import {
  completeSource,
  definitionFits,
  isKind,
  isPolled,
  type Kind,
  missingSettings,
  SOURCE_KINDS,
} from './kinds.js';
import type { Presets } from './presets.js';
import type { Report } from './problem.js';
import {
  type SourceDefinition,
  type SourceOptions,
  sourceDefinitionSchema,
  sourceOptionsSchema,
} from './schema.js';
import { type Parts, symbolParts } from './templates.js';
import type { SourceBase, SourceConfig } from './types.js';

/** What a source's feed is a price of, and in what; without `base` that is not checked. */
export interface Pair {
  readonly base?: string;
  readonly quote: string;
}

const DEFAULT_DEADLINE_MS = 4_000;
const SYMBOL = /^[A-Za-z0-9._:/-]{1,64}$/;

/**
 * Resolves one entry.
 * @param pair the feed's own; its quote is assumed for sources that are written out without a `quote`
 * @returns `undefined` after reporting what is wrong
 */
export function resolveSource(
  entry: Readonly<Record<string, unknown>>,
  pair: Pair,
  presets: Presets,
  report: Report,
): SourceConfig | undefined {
  const named = Object.keys(entry).filter((key) => isKind(key) || presets.has(key));
  const [key] = named;
  if (key === undefined || named.length > 1) {
    report(
      [],
      key === undefined
        ? `must name one source: a preset (${[...presets.keys()].join(', ')}) or a kind (${SOURCE_KINDS.join(', ')})`
        : 'names several sources; write each as an entry of its own',
      Object.keys(entry).join(', '),
    );
    return undefined;
  }
  const { [key]: value, ...rest } = entry;
  const options = parseWith(sourceOptionsSchema, rest, report, []);
  if (!options) return undefined;
  if (isKind(key)) {
    const definition = parseWith(sourceDefinitionSchema, value, report, [key]);
    if (!definition || !isWhole(key, definition, report)) return undefined;
    return build({ kind: key, definition, options, venue: key }, pair, report);
  }
  if (typeof value !== 'string' || !SYMBOL.test(value)) {
    report([key], "must be the venue's symbol: letters, digits and . _ : / -", String(value));
    return undefined;
  }
  const definition = presets.get(key) as SourceDefinition;
  return build(
    { kind: definition.kind ?? 'http', definition, options, venue: key, symbol: value },
    pair,
    report,
  );
}

function parseWith<T>(
  schema: z.ZodType<T>,
  value: unknown,
  report: Report,
  prefix: readonly string[],
): T | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  reportIssues(result.error.issues, value, report, prefix);
  return undefined;
}

/** Whether a source that is written out says what its kind needs, and nothing of other kinds. */
function isWhole(kind: Kind, definition: SourceDefinition, report: Report): boolean {
  const below: Report = (path, message, value) => report([kind, ...path], message, value);
  const fits = definitionFits(kind, definition, below);
  if (definition.kind !== undefined && definition.kind !== kind)
    below(['kind'], 'is not the kind that the source is written out as; leave it out', definition.kind);
  const missing = missingSettings(kind, definition);
  for (const name of missing) below([name], `is missing; a source of the kind ${kind} needs it`);
  return fits && missing.length === 0;
}

interface Entry {
  readonly kind: Kind;
  readonly definition: SourceDefinition;
  readonly options: SourceOptions;
  /** The preset's name, or the kind of a source that is written out. */
  readonly venue: string;
  readonly symbol?: string;
}

function build(entry: Entry, pair: Pair, report: Report): SourceConfig | undefined {
  const { kind, definition, options, venue, symbol } = entry;
  const label = options.name ?? (symbol === undefined ? venue : `${venue}:${symbol}`);
  const parts = symbolParts(definition, symbol);
  const quote = options.quote ?? quoteOf(definition, symbol, parts, pair.quote);
  if (quote === undefined) {
    report(
      [venue],
      'the quote currency cannot be told from this symbol; add `quote: …` to the source',
      symbol ?? '',
    );
    return undefined;
  }
  if (options.interval !== undefined && !isPolled(kind))
    report(
      ['interval'],
      `means nothing to a source of the kind ${kind}, which is not polled`,
      formatDuration(options.interval),
    );
  const maxAgeMs = options.maxAge ?? definition.maxAge;
  const minIntervalMs = options.interval ?? definition.interval;
  const common: SourceBase = {
    label,
    venue,
    quote,
    ...(options.convert === undefined ? {} : { convert: options.convert }),
    scale: options.scale ?? whole(1n),
    invert: options.invert ?? false,
    deadlineMs: options.deadline ?? definition.deadline ?? DEFAULT_DEADLINE_MS,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(minIntervalMs === undefined ? {} : { minIntervalMs }),
  };
  return completeSource(kind, definition, common, parts, report);
}

/** The currency that a symbol is quoted in; a source without a symbol says it, or quotes in the feed's currency. */
function quoteOf(
  definition: SourceDefinition,
  symbol: string | undefined,
  parts: Parts,
  feedQuote: string,
): string | undefined {
  if (definition.fixedQuote !== undefined) return definition.fixedQuote;
  if (symbol === undefined) return definition.quote ?? feedQuote;
  const quote = parts.get('quote')?.toUpperCase();
  return quote === undefined ? undefined : (definition.aliases?.[quote] ?? quote);
}
