/** A JSON answer read twice: as ordinary values, for JSONPath and its filters, and as literal text, for its numbers. */
import { JSONPathEnvironment, type JSONPathQuery, type JSONValue } from 'json-p3';
import { isLosslessNumber, parse as parseLossless } from 'lossless-json';

/** A selected value. A number carries its literal text, exactly as the venue wrote it. */
export type Selected =
  | { readonly kind: 'number' | 'string'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  /** An array or an object, with the number of its members. */
  | { readonly kind: 'container'; readonly size: number };

export interface JsonDocument {
  /**
   * The values that a path selects, in the document's order, at most `limit`; none when the path cannot be evaluated
   * (a recursion over something too deep).
   */
  select(path: JsonPath, limit?: number): readonly Selected[];
}

export type JsonResult =
  | { readonly ok: true; readonly document: JsonDocument }
  | { readonly ok: false; readonly detail: string };

// Two are enough to know that a path is ambiguous, which is all that a caller needs to know about many.
const DEFAULT_LIMIT = 2;
// Deeper than any venue's answer by far; the descendant segment (`$..x`) is refused beyond it.
const MAX_DEPTH = 64;

const environment = new JSONPathEnvironment({ maxRecursionDepth: MAX_DEPTH });
/** A compiled JSONPath of RFC 9535. */
export type JsonPath = JSONPathQuery;

/** Compiles a path of RFC 9535. @returns `undefined` when the text is no path; the loader refuses those earlier */
export function compilePath(path: string): JsonPath | undefined {
  try {
    return environment.compile(path);
  } catch {
    return undefined;
  }
}

/**
 * Reads JSON text. Refused: what is no JSON, and an object that gives one key two different values, since readers
 * differ in which of the two they take.
 */
export function readJson(text: string): JsonResult {
  let plain: JSONValue;
  let literal: unknown;
  try {
    plain = JSON.parse(text) as JSONValue;
    literal = parseLossless(text);
  } catch (error) {
    // The parser's message can quote the text at length: only its kind is told.
    const detail = /duplicate key/i.test((error as Error).message) ? 'a key occurs twice' : 'no valid JSON';
    return { ok: false, detail };
  }
  return {
    ok: true,
    document: {
      select(path, limit = DEFAULT_LIMIT) {
        const found: Selected[] = [];
        try {
          for (const node of path.lazyQuery(plain)) {
            found.push(describe(pick(literal, node.location)));
            if (found.length >= limit) break;
          }
        } catch {
          return [];
        }
        return found;
      },
    },
  };
}

/** Follows a location through own properties only, so that a key such as `__proto__` is data like any other. */
function pick(tree: unknown, location: readonly (string | number)[]): unknown {
  let value = tree;
  for (const part of location) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

function describe(value: unknown): Selected {
  if (isLosslessNumber(value)) return { kind: 'number', text: value.value };
  if (typeof value === 'string') return { kind: 'string', text: value };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (typeof value === 'object' && value !== null)
    return { kind: 'container', size: Object.keys(value).length };
  return { kind: 'null' };
}
