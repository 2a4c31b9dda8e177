/** Says in the operator's words what a schema found wrong, with the value where it can be no secret. */
import type { z } from 'zod';
import type { Report } from './problem.js';

type Issue = z.core.$ZodIssue;
type Path = readonly (string | number)[];

/** Below these a value can be a secret, and so can anything that looks like a URL. */
const SECRETIVE = new Set(['rpc', 'headers', 'body', 'url', 'baseUrl', 'data', 'subscribe', 'ping']);
const EXPECTED: Readonly<Record<string, string>> = {
  array: 'must be a list',
  object: 'must hold settings, each as `name: value`',
  record: 'must hold settings, each as `name: value`',
  string: 'must be a single value',
};

/**
 * Reports each issue.
 * @param content what the schema read
 * @param prefix where that stands
 */
export function reportIssues(
  issues: readonly Issue[],
  content: unknown,
  report: Report,
  prefix: Path = [],
): void {
  for (const issue of issues) {
    const path = [...prefix, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
    const value = valueAt(content, issue.path);
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys) report([...path, key], 'is not a setting known here; mind the spelling');
    else if (issue.code === 'invalid_union') {
      const fitting = issue.errors.find((branch) => !branch.some(isOfAnotherShape));
      if (fitting) reportIssues(fitting, value, report, path);
      else report(path, 'has not the form that is expected here; see config/README.md', shown(value, path));
    } else report(path, messageOf(issue, value), shown(value, path));
  }
}

const isOfAnotherShape = (issue: Issue): boolean => issue.code === 'invalid_type' && issue.path.length === 0;

function messageOf(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined ? 'is missing' : (EXPECTED[issue.expected] ?? issue.message);
    case 'invalid_value':
      return `must be one of: ${issue.values.join(', ')}`;
    case 'too_small':
      return /^Too small/.test(issue.message) ? `must hold at least ${issue.minimum} entries` : issue.message;
    case 'too_big':
      return /^Too big/.test(issue.message) ? `must hold at most ${issue.maximum} entries` : issue.message;
    default:
      return issue.message;
  }
}

function valueAt(content: unknown, path: readonly PropertyKey[]): unknown {
  let value = content;
  for (const part of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
  return value;
}

const shown = (value: unknown, path: Path): string | undefined =>
  typeof value === 'string' && !value.includes('://') && !path.some((part) => SECRETIVE.has(String(part)))
    ? value
    : undefined;
