/** The metric names of a PromQL expression, told apart from functions, keywords and labels. */
export function metricsIn(expression: string): string[] {
  const bare = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = bare.match(/[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])/g) ?? [];
  const keywords = new Set([
    'and',
    'or',
    'unless',
    'bool',
    'offset',
    'by',
    'on',
    'without',
    'group_left',
    'group_right',
  ]);
  return [
    ...new Set(names.filter((name) => !keywords.has(name) && !isFunction(bare, name) && !/^\d/.test(name))),
  ].filter((name) => !/^\d*[smhdwy]$/.test(name));
}

const isFunction = (expression: string, name: string): boolean =>
  new RegExp(`(^|[^\\w:])${name}\\s*\\(`).test(expression) &&
  !new RegExp(`(^|[^\\w:])${name}\\s*($|[^\\w:(\\s])`).test(expression);
