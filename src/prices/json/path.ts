/**
 * Compiled JSONPath of RFC 9535. The one form that batch answers need, `$.list[?@.symbol == 'X'].price`, is looked up in
 * an index of the answer: a general filter walks thousands of entries anew for each feed that reads from them.
 */
import { JSONPathEnvironment, type JSONPathQuery } from 'json-p3';
import { isLosslessNumber } from 'lossless-json';

/** A step to one child: a member's name or an element's place. */
export type Step = string | number;

export type JsonPath =
  | { readonly kind: 'query'; readonly query: JSONPathQuery }
  | {
      readonly kind: 'lookup';
      /** To the list or object whose children are looked through. */
      readonly container: readonly Step[];
      /** The child's member that is compared. */
      readonly member: Step;
      readonly equals: string;
      /** From the child that was found to the value. */
      readonly rest: readonly Step[];
      /** Equal for paths that can share an index. */
      readonly index: string;
    };

// Deeper than any venue's answer by far; the descendant segment (`$..x`) is refused beyond it.
const MAX_DEPTH = 64;
const environment = new JSONPathEnvironment({ maxRecursionDepth: MAX_DEPTH });

const STEP = String.raw`(?:\.[A-Za-z_][A-Za-z0-9_]*|\[\d{1,9}\])`;
const LOOKUP = new RegExp(String.raw`^\$(${STEP}*)\[\?@(${STEP}) == '([^'\\]*)'\](${STEP}*)$`);

/** Compiles a path. @returns `undefined` when the text is no path; the loader refuses those earlier */
export function compilePath(path: string): JsonPath | undefined {
  let query: JSONPathQuery;
  try {
    query = environment.compile(path);
  } catch {
    return undefined;
  }
  const lookup = LOOKUP.exec(path);
  if (!lookup) return { kind: 'query', query };
  const [, container = '', compared = '', equals = '', rest = ''] = lookup;
  const [member] = steps(compared);
  if (member === undefined) return { kind: 'query', query };
  const index = `${container}|${compared}`;
  return { kind: 'lookup', container: steps(container), member, equals, rest: steps(rest), index };
}

function steps(text: string): readonly Step[] {
  return [...text.matchAll(/\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]/g)].map(
    ([, name, place]) => name ?? Number(place),
  );
}

/** The child that a step leads to: names lead into objects, places into lists, both to own members only. */
export function child(value: unknown, step: Step): unknown {
  if (typeof value !== 'object' || value === null || isLosslessNumber(value)) return undefined;
  if (Array.isArray(value) !== (typeof step === 'number') || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<Step, unknown>)[step];
}

/** Follows steps; `undefined` where one leads nowhere, which no JSON value is. */
export function follow(value: unknown, path: readonly Step[]): unknown {
  let at = value;
  for (const step of path) at = child(at, step);
  return at;
}
