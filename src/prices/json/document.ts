/** A JSON answer read twice: as ordinary values, for JSONPath and its filters, and as literal text, for its numbers. */
import type { JSONValue } from 'json-p3';
import { isLosslessNumber, parse as parseLossless } from 'lossless-json';
import { child, follow, type JsonPath, type Step } from './path.js';

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
  const indexes = new Map<string, ReadonlyMap<string, readonly unknown[]>>();

  function lookup(path: Extract<JsonPath, { kind: 'lookup' }>): readonly unknown[] {
    const index = indexes.get(path.index) ?? indexBy(follow(literal, path.container), path.member);
    indexes.set(path.index, index);
    return (index.get(path.equals) ?? [])
      .map((found) => follow(found, path.rest))
      .filter((value) => value !== undefined);
  }

  function query(path: Extract<JsonPath, { kind: 'query' }>, limit: number): readonly unknown[] {
    const found: unknown[] = [];
    try {
      for (const node of path.query.lazyQuery(plain)) {
        found.push(follow(literal, node.location));
        if (found.length >= limit) break;
      }
    } catch {
      return [];
    }
    return found;
  }

  return {
    ok: true,
    document: {
      select(path, limit = DEFAULT_LIMIT) {
        const found = path.kind === 'lookup' ? lookup(path) : query(path, limit);
        return found.slice(0, limit).map(describe);
      },
    },
  };
}

/** The children of a list or an object by the text of one of their members. */
function indexBy(container: unknown, member: Step): ReadonlyMap<string, readonly unknown[]> {
  const index = new Map<string, unknown[]>();
  const isContainer = typeof container === 'object' && container !== null && !isLosslessNumber(container);
  if (!isContainer) return index;
  for (const entry of Object.values(container)) {
    const text = child(entry, member);
    if (typeof text !== 'string') continue;
    const known = index.get(text);
    if (known) known.push(entry);
    else index.set(text, [entry]);
  }
  return index;
}

function describe(value: unknown): Selected {
  if (isLosslessNumber(value)) return { kind: 'number', text: value.value };
  if (typeof value === 'string') return { kind: 'string', text: value };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (typeof value === 'object' && value !== null)
    return { kind: 'container', size: Object.keys(value).length };
  return { kind: 'null' };
}
