import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../../src/prices/json/document.js';
import { compilePath } from '../../../src/prices/json/path.js';

function select(path: string, text: string) {
  const json = readJson(text);
  const compiled = compilePath(path);
  if (!json.ok || !compiled) throw new Error('unreadable');
  return { kind: compiled.kind, found: json.document.select(compiled, 10) };
}

/** The same path, written so that it is not looked up in an index. */
const asQuery = (path: string) => path.replace(' == ', '==');

describe('looking up one entry of a batch', () => {
  it.each([
    ["$[?@.s == 'A'].p", '[{"s":"B","p":1},{"s":"A","p":2.50}]', '2.50'],
    ["$.data.list[?@.s == 'A'].p", '{"data":{"list":[{"s":"A","p":"3"}]}}', '3'],
    ["$[?@[0] == 'tA'][7]", '[["tA",1,2,3,4,5,6,7.70,8]]', '7.70'],
    ["$.d[?@.s == 'A'].q[0].p", '{"d":{"x":{"s":"A","q":[{"p":1}]}}}', '1'],
  ])('%s', (path, text, literal) => {
    expect(select(path, text)).toEqual({
      kind: 'lookup',
      found: [{ kind: expect.any(String), text: literal }],
    });
    expect(select(asQuery(path), text)).toMatchObject({ kind: 'query', found: [{ text: literal }] });
  });

  it.each(["$[?@.s == 'A' && @.t == 'B'].p", "$..[?@.s == 'A'].p", "$[?@.s == 'A']..p", '$[?@.s == "A"].p'])(
    '%s is left to the general way',
    (path) => {
      expect(compilePath(path)?.kind).toBe('query');
    },
  );

  it('finds what the general way finds, whatever the answer looks like', () => {
    const leaf = fc.oneof(
      fc.constantFrom('"A"', '"B"', '1.50', 'null', 'true', '{"value":"A"}', '["A","B"]', '[]'),
      fc.json({ maxDepth: 2 }),
    );
    const entry = fc.oneof(
      leaf,
      fc.dictionary(fc.constantFrom('s', 'p', 'value', '0', '__proto__'), leaf).map(object),
      fc.array(leaf, { maxLength: 3 }).map((items) => `[${items}]`),
    );
    const list = fc.oneof(
      fc.array(entry, { maxLength: 5 }).map((items) => `[${items}]`),
      fc.dictionary(fc.constantFrom('a', 'b', '1', '0'), entry).map(object),
      leaf,
    );
    const path = fc
      .tuple(
        fc.constantFrom('', '.d', '.d.value', '[0]'),
        fc.constantFrom('.s', '[0]', '.value', '.__proto__'),
        fc.constantFrom('', '.p', '[0]', '[1].p', '.value', '.constructor'),
      )
      .map(([to, member, rest]) => `$${to}[?@${member} == 'A']${rest}`);
    fc.assert(
      fc.property(path, list, fc.constantFrom('bare', 'd', 'list'), (text, body, wrap) => {
        const json = wrap === 'bare' ? body : wrap === 'd' ? `{"d":${body}}` : `[${body}]`;
        const [fast, general] = [select(text, json), select(asQuery(text), json)];
        expect([fast.kind, general.kind]).toEqual(['lookup', 'query']);
        expect(fast.found).toEqual(general.found);
      }),
      { numRuns: 1_000 },
    );
  });
});

function object(members: Record<string, string>): string {
  return `{${Object.entries(members).map(([key, text]) => `"${key}":${text}`)}}`;
}
