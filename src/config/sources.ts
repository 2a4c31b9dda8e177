/** Turns a feed's entry for one source (`kraken: XETHZUSD`, or one written out in full) into its complete settings. */
import { compile } from 'json-p3';
import { whole } from '../common/rational.js';
import { type Presets, SOURCE_KINDS } from './presets.js';
import {
  type SourceDefinition,
  type SourceOptions,
  sourceDefinitionSchema,
  sourceOptionsSchema,
} from './schema.js';
import type { SourceBase, SourceConfig } from './types.js';

/** Reports a problem at a path below the source's entry. */
export type Report = (path: readonly (string | number)[], message: string, value?: string) => void;

const DEFAULT_DEADLINE_MS = 4_000;
const DEFAULT_RETRIES = 1;
const DEFAULT_STALE_AFTER_MS = 2 * 3_600_000;
const SYMBOL = /^[A-Za-z0-9._:/-]{1,64}$/;

/**
 * Resolves one entry.
 * @param feedQuote the feed's own quote currency, assumed for sources that are written out without a `quote`
 * @returns `undefined` after reporting what is wrong
 */
export function resolveSource(
  entry: Readonly<Record<string, unknown>>,
  feedQuote: string,
  presets: Presets,
  report: Report,
): SourceConfig | undefined {
  const isKind = (key: string) => (SOURCE_KINDS as readonly string[]).includes(key);
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
    if (!definition) return undefined;
    return build(
      { ...definition, kind: key as SourceConfig['kind'] },
      options,
      key,
      undefined,
      feedQuote,
      report,
    );
  }
  if (typeof value !== 'string' || !SYMBOL.test(value)) {
    report([key], "must be the venue's symbol: letters, digits and . _ : / -", String(value));
    return undefined;
  }
  return build(presets.get(key) as SourceDefinition, options, key, value, feedQuote, report);
}

function parseWith<T>(
  schema: {
    safeParse(
      value: unknown,
    ):
      | { success: true; data: T }
      | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } };
  },
  value: unknown,
  report: Report,
  prefix: readonly string[],
): T | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues)
    report(
      [...prefix, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))],
      issue.message,
    );
  return undefined;
}

function build(
  definition: SourceDefinition,
  options: SourceOptions,
  venue: string,
  symbol: string | undefined,
  feedQuote: string,
  report: Report,
): SourceConfig | undefined {
  const parts = symbolParts(definition, symbol);
  const quote = options.quote ?? quoteOf(definition, symbol, parts, feedQuote);
  if (quote === undefined) {
    report(
      [venue],
      'the quote currency cannot be told from this symbol; add `quote: …` to the source',
      symbol ?? '',
    );
    return undefined;
  }
  const label = options.name ?? (symbol === undefined ? venue : `${venue}:${symbol}`);
  const maxAgeMs = options.maxAge ?? definition.maxAge;
  const minIntervalMs = options.interval ?? definition.interval;
  const base: SourceBase = {
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
  const fill = (text: string) => fillPlaceholders(text, parts);
  const need = <T>(name: keyof SourceDefinition, value: T | undefined): value is T => {
    if (value !== undefined) return true;
    report([venue, name], 'is missing; a source of this kind needs it');
    return false;
  };
  if (!templatesFit(definition, parts, venue, report)) return undefined;
  switch (definition.kind ?? 'http') {
    case 'http': {
      const url = urlOf(definition, parts);
      if (
        !need('url', url) ||
        !need('path', definition.path) ||
        !usableUrl(url, ['http:', 'https:'], venue, report)
      )
        return undefined;
      return {
        ...base,
        ...extraction(definition, fill),
        kind: 'http',
        url,
        path: fill(definition.path),
        method: definition.method ?? 'GET',
        headers: definition.headers ?? {},
        ...(definition.body === undefined ? {} : { body: fill(definition.body) }),
        retries: definition.retries ?? DEFAULT_RETRIES,
      };
    }
    case 'websocket': {
      const url = urlOf(definition, parts);
      if (
        !need('url', url) ||
        !need('path', definition.path) ||
        !usableUrl(url, ['ws:', 'wss:'], venue, report)
      )
        return undefined;
      return {
        ...base,
        ...extraction(definition, fill),
        kind: 'websocket',
        url,
        path: fill(definition.path),
        headers: definition.headers ?? {},
        subscribe: (definition.subscribe ?? []).map(fill),
        ...(definition.filter === undefined ? {} : { filter: fill(definition.filter) }),
        ...(definition.ping === undefined ? {} : { ping: definition.ping }),
        pingIntervalMs: definition.pingInterval ?? 15_000,
        silenceMs: definition.silence ?? 30_000,
      };
    }
    case 'external-adapter': {
      const url = urlOf(definition, parts);
      if (!need('url', url) || !usableUrl(url, ['http:', 'https:'], venue, report)) return undefined;
      return {
        ...base,
        kind: 'external-adapter',
        url,
        headers: definition.headers ?? {},
        data: definition.data ?? {},
      };
    }
    case 'aggregator': {
      const { rpc, chainId, address } = definition;
      if (!need('rpc', rpc) || !need('chainId', chainId) || !need('address', address)) return undefined;
      return {
        ...base,
        kind: 'aggregator',
        rpcUrls: typeof rpc === 'string' ? [rpc] : rpc,
        chainId,
        address,
        ...(definition.decimals === undefined ? {} : { decimals: definition.decimals }),
        staleAfterMs: definition.staleAfter ?? DEFAULT_STALE_AFTER_MS,
      };
    }
    case 'feed': {
      const operation = definition.quotient ? 'quotient' : 'product';
      const inputs = definition.quotient ?? definition.product;
      if (!need('product', inputs)) return undefined;
      return { ...base, kind: 'feed', operation, inputs };
    }
  }
}

const TEMPLATES = ['url', 'path', 'timePath', 'errorPath', 'statusPath', 'filter', 'body'] as const;
const PLACEHOLDER = /\{([a-z]+)(?::(lower|upper))?\}/g;

/** Whether every placeholder of a preset is one that the symbol fills, and every path is RFC 9535. */
function templatesFit(
  definition: SourceDefinition,
  parts: ReadonlyMap<string, string>,
  venue: string,
  report: Report,
): boolean {
  let fits = true;
  const refuse = (setting: string, message: string, value: string) => {
    fits = false;
    report([venue, setting], message, value);
  };
  for (const setting of TEMPLATES) {
    const template = definition[setting];
    if (template === undefined) continue;
    // A body is JSON, in which braces are usual: only paths and URLs must have no others.
    const unknown = [...template.matchAll(PLACEHOLDER)].find(([, name = '']) => !parts.has(name));
    if (unknown && setting !== 'body')
      refuse(
        setting,
        `has a placeholder that this symbol does not fill: ${unknown[0]}`,
        setting === 'url' ? '' : template,
      );
    if (setting === 'url' || setting === 'body') continue;
    try {
      compile(fillPlaceholders(template, parts));
    } catch (error) {
      refuse(
        setting,
        `must be a JSONPath of RFC 9535 (${error instanceof Error ? error.message : 'syntax'})`,
        template,
      );
    }
  }
  return fits;
}

/** The parts of {@link SourceDefinition} that say where value, time and errors stand in an answer. */
function extraction(definition: SourceDefinition, fill: (text: string) => string) {
  const { timePath, timeUnit, errorPath, statusPath, statusOk } = definition;
  return {
    timeUnit: timeUnit ?? ('ms' as const),
    ...(timePath === undefined ? {} : { timePath: fill(timePath) }),
    ...(errorPath === undefined ? {} : { errorPath: fill(errorPath) }),
    ...(statusPath === undefined ? {} : { statusPath: fill(statusPath) }),
    ...(statusOk === undefined ? {} : { statusOk }),
  };
}

/** What a symbol says: itself, and the named groups of the preset's expression. */
function symbolParts(definition: SourceDefinition, symbol: string | undefined): ReadonlyMap<string, string> {
  if (symbol === undefined) return new Map();
  const groups =
    definition.quote === undefined ? undefined : new RegExp(definition.quote, 'i').exec(symbol)?.groups;
  return new Map([['symbol', symbol], ...Object.entries(groups ?? {})]);
}

/** The currency that a symbol is quoted in; a source without a symbol says it, or quotes in the feed's currency. */
function quoteOf(
  definition: SourceDefinition,
  symbol: string | undefined,
  parts: ReadonlyMap<string, string>,
  feedQuote: string,
): string | undefined {
  if (definition.fixedQuote !== undefined) return definition.fixedQuote;
  if (symbol === undefined) return definition.quote ?? feedQuote;
  const quote = parts.get('quote')?.toUpperCase();
  return quote === undefined ? undefined : (definition.aliases?.[quote] ?? quote);
}

/** Fills `{name}`, `{name:lower}` and `{name:upper}`; what is no placeholder stays. */
const fillPlaceholders = (
  text: string,
  parts: ReadonlyMap<string, string>,
  encode = (part: string) => part,
): string =>
  text.replace(PLACEHOLDER, (whole, name: string, letters: string | undefined) => {
    const part = parts.get(name);
    if (part === undefined) return whole;
    return encode(letters === 'lower' ? part.toLowerCase() : letters === 'upper' ? part.toUpperCase() : part);
  });

function urlOf(definition: SourceDefinition, parts: ReadonlyMap<string, string>): string | undefined {
  if (definition.url === undefined) return definition.baseUrl;
  const path = fillPlaceholders(definition.url, parts, encodeURIComponent);
  return /^[a-z]+:\/\//.test(path) ? path : `${(definition.baseUrl ?? '').replace(/\/$/, '')}${path}`;
}

function usableUrl(url: string, protocols: readonly string[], venue: string, report: Report): boolean {
  if (URL.canParse(url) && protocols.includes(new URL(url).protocol)) return true;
  report([venue, 'url'], `must make a URL with ${protocols.join(' or ')} (baseUrl and url together)`);
  return false;
}
