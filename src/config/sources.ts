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
import { inverseOf, isSameCurrency, type Unit, unitOfFeeds, unitOfSymbol } from './units.js';

/** What a source's feed is a price of, and in what; without `base` that is not checked. */
export interface Pair {
  readonly base?: string;
  readonly quote: string;
}

const DEFAULT_DEADLINE_MS = 4_000;
const PAIR = /^[^/]+\/[^/]+$/;
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
  const told = tellUnit(entry, parts, pair);
  const quote = options.quote ?? told.quote;
  if (quote === undefined) {
    report(
      [venue],
      'the quote currency cannot be told from this symbol; add `quote: …` to the source',
      symbol ?? '',
    );
    return undefined;
  }
  const base = options.base ?? told.base;
  if (base !== undefined && pair.base !== undefined && !isSameCurrency(base, pair.base))
    report(
      options.base === undefined ? [] : ['base'],
      `is a price of ${base}, the feed is one of ${pair.base}; ${
        kind === 'feed'
          ? 'mind its inputs, and whether they are multiplied or divided'
          : `if the two are meant to be one, add \`base: ${pair.base}\` to the source`
      }`,
      options.base ?? label,
    );
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
    quote: isSameCurrency(quote, pair.quote) ? pair.quote : quote,
    ...(options.convert === undefined ? {} : { convert: options.convert }),
    scale: options.scale ?? whole(1n),
    invert: options.invert ?? false,
    deadlineMs: options.deadline ?? definition.deadline ?? DEFAULT_DEADLINE_MS,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(minIntervalMs === undefined ? {} : { minIntervalMs }),
  };
  return completeSource(kind, definition, common, parts, report);
}

/** What the source itself tells of its unit; one without a symbol and without inputs says its quote, or has the feed's. */
function tellUnit({ kind, definition, options, symbol }: Entry, parts: Parts, pair: Pair): Unit {
  const { product, quotient } = definition;
  const inputs = quotient ?? product;
  if (kind === 'feed' && inputs?.every((name) => PAIR.test(name))) {
    const unit = unitOfFeeds(quotient ? 'quotient' : 'product', inputs);
    const { base, quote } = options.invert && unit.quote !== undefined ? inverseOf(unit) : unit;
    return { base, quote: definition.fixedQuote ?? definition.quote ?? quote ?? pair.quote };
  }
  if (symbol === undefined) return { quote: definition.fixedQuote ?? definition.quote ?? pair.quote };
  const unit = unitOfSymbol(definition, parts);
  return options.invert ? inverseOf(unit) : unit;
}
