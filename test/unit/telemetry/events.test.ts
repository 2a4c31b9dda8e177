/** Loki and the runbooks search by `event`: every line of the log has one, written out where it is logged. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../../src', import.meta.url));
const LOGS = /(?:^|\.)log(?:\.(?:fatal|error|warn|info|debug|trace)|\[.+\])$/s;

/** Calls of the log whose first argument shows no event, and the events of the others. */
function readCalls(file: string) {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(SRC, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const nameless: string[] = [];
  const events: string[] = [];
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit);
    if (!ts.isCallExpression(node) || !LOGS.test(node.expression.getText(source))) return;
    const [fields] = node.arguments;
    const parts = fields && ts.isObjectLiteralExpression(fields) ? fields.properties : [];
    const event = parts.find((part) => part.name?.getText(source) === 'event');
    // A line that is put together elsewhere: `line`, or `...line`.
    const made =
      fields && (ts.isIdentifier(fields) ? fields : [...parts].find(ts.isSpreadAssignment)?.expression);
    if (event && ts.isPropertyAssignment(event)) events.push(event.initializer.getText(source));
    else if (!event && !(made && ts.isIdentifier(made)))
      nameless.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`);
  };
  visit(source);
  return { nameless, events };
}

const calls = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map(readCalls);

describe('a line of the log', () => {
  it('names its event', () => {
    expect(calls.flatMap(({ events }) => events).length).toBeGreaterThan(40);
    expect(calls.flatMap(({ nameless }) => nameless)).toEqual([]);
  });

  it('has a stable name: words joined by underscores, no values in it', () => {
    for (const text of calls.flatMap(({ events }) => events))
      expect(text).toMatch(/^(?:'[a-z]+(?:_[a-z]+)*'|`\$\{name\}_(?:away|back)`)$/);
  });
});
