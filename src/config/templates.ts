/** Texts of a preset with places for what the symbol says: `{symbol}`, and the named groups of its expression. */
import { compile } from 'json-p3';
import type { Report } from './problem.js';
import type { SourceDefinition } from './schema.js';

/** What fills placeholders, by name. */
export type Parts = ReadonlyMap<string, string>;

const PATHS = ['path', 'timePath', 'errorPath', 'statusPath', 'filter'] as const;
const PLACEHOLDER = /\{([a-z]+)(?::(lower|upper))?\}/g;

/** A preset's expression for symbols, or `undefined` when it is none. */
export function readPattern(text: string): RegExp | undefined {
  try {
    return new RegExp(text, 'i');
  } catch {
    return undefined;
  }
}

/** What a symbol says: itself, and the named groups of the preset's expression. */
export function symbolParts(definition: SourceDefinition, symbol: string | undefined): Parts {
  if (symbol === undefined) return new Map();
  const pattern = definition.quote === undefined ? undefined : readPattern(definition.quote);
  const groups = Object.entries(pattern?.exec(symbol)?.groups ?? {});
  return new Map([['symbol', symbol], ...groups.filter(([, text]) => text !== undefined)]);
}

/** Fills `{name}`, `{name:lower}` and `{name:upper}`; what is no placeholder stays. */
export const fillPlaceholders = (text: string, parts: Parts, encode = (part: string) => part): string =>
  text.replace(PLACEHOLDER, (whole, name: string, letters: string | undefined) => {
    const part = parts.get(name);
    if (part === undefined) return whole;
    return encode(letters === 'lower' ? part.toLowerCase() : letters === 'upper' ? part.toUpperCase() : part);
  });

/** The complete URL: `url` appended to `baseUrl`, unless it has a scheme of its own. */
export function urlOf(definition: SourceDefinition, parts: Parts): string | undefined {
  if (definition.url === undefined) return definition.baseUrl;
  const path = fillPlaceholders(definition.url, parts, encodeURIComponent);
  return /^[a-z]+:\/\//.test(path) ? path : `${(definition.baseUrl ?? '').replace(/\/$/, '')}${path}`;
}

/** Whether every placeholder is one that the symbol fills, and every path is RFC 9535. */
export function templatesFit(
  definition: SourceDefinition,
  parts: Parts,
  venue: string,
  report: Report,
): boolean {
  let fits = true;
  const refuse = (at: readonly (string | number)[], message: string, value?: string) => {
    fits = false;
    report([venue, ...at], message, value);
  };
  const checkPlaceholders = (at: readonly (string | number)[], template: string | undefined, hint = '') => {
    const unknown = [...(template ?? '').matchAll(PLACEHOLDER)].find(([, name = '']) => !parts.has(name));
    if (!unknown) return;
    const known = [...parts.keys()].map((name) => `{${name}}`).join(', ');
    const allowed = known === '' ? 'it has no symbol and takes none' : `${known} are`;
    refuse(at, `has a placeholder that nothing fills (${allowed})${hint}`, unknown[0]);
  };
  // Queries of GraphQL have braces of their own.
  const elseSpace = '; for a brace that is none write a space after it';
  checkPlaceholders(['url'], definition.url);
  checkPlaceholders(['body'], definition.body, elseSpace);
  for (const [index, text] of (definition.subscribe ?? []).entries())
    checkPlaceholders(['subscribe', index], text, elseSpace);
  for (const setting of PATHS) {
    const template = definition[setting];
    if (template === undefined) continue;
    checkPlaceholders([setting], template);
    try {
      compile(fillPlaceholders(template, parts));
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'syntax';
      refuse([setting], `must be a JSONPath of RFC 9535 (${reason})`, template);
    }
  }
  return fits;
}

/** Whether a text has placeholders where none are filled. */
export const hasPlaceholder = (text: string): boolean => text.search(PLACEHOLDER) >= 0;
