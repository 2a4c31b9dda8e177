#!/usr/bin/env node
// Asks Prometheus one question and prints the answer as lines of `value  labels`, highest first.
const [expression] = process.argv.slice(2);
if (!expression || expression === '--help') {
  process.stdout.write(
    "usage: node scripts/ops/ask.mjs 'EXPRESSION'\n\nAsks the Prometheus at $PROMETHEUS (http://127.0.0.1:9090) and prints one line per series.\n",
  );
  process.exit(expression ? 0 : 2);
}
const base = process.env.PROMETHEUS || 'http://127.0.0.1:9090';
try {
  const response = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(expression)}`, {
    signal: AbortSignal.timeout(10_000),
  });
  const { status, error, data } = await response.json();
  if (status !== 'success') throw new Error(error);
  const series = data.resultType === 'vector' ? data.result : [{ metric: {}, value: data.result }];
  const rows = series
    .map(({ metric: { __name__: name, ...labels }, value }) => ({
      value: Number(value[1]),
      text: `${name ?? ''}{${Object.entries(labels)
        .map(([key, text]) => `${key}="${text}"`)
        .join(',')}}`,
    }))
    .sort((a, b) => b.value - a.value);
  for (const { value, text } of rows) process.stdout.write(`${String(value).padEnd(20)} ${text}\n`);
  if (rows.length === 0) process.stdout.write('no series\n');
} catch (error) {
  process.stderr.write(`no answer from Prometheus at ${base}: ${error.cause?.message ?? error.message}\n`);
  process.exit(1);
}
