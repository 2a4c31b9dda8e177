#!/usr/bin/env node
// Writes the plain rule file, promtool's tests and the PrometheusRule from k8s/monitoring/alerts.yaml, their one source.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const SOURCE = join(ROOT, 'k8s/monitoring/alerts.yaml');
const HEADER = '# Generated from alerts.yaml by scripts/ops/generate-rules.mjs; edit that file.\n';
const SECONDS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };

/** Below this, scrapes and evaluations of one second alone would reach a threshold. */
const LEAST_THRESHOLD_SECONDS = 5;

const HELP = `usage: node scripts/ops/generate-rules.mjs [--check] [--out DIR] [--time-scale FACTOR]

Writes the alert rules, their promtool tests and the PrometheusRule from k8s/monitoring/alerts.yaml.

  --check              write nothing; exit 1 when a generated file differs from its source
  --out DIR            write the plain rule file to DIR instead (with --time-scale: for drills)
  --time-scale FACTOR  multiply every duration: pauses, windows, thresholds in seconds (drills use 0.05)
  RUNBOOK_BASE_URL     where the runbooks are served; overrides runbookBaseUrl of the source, for --out
`;

/** \`1m30s\` as seconds. */
function seconds(text) {
  const parts = [...String(text).matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.map((part) => part[0]).join('') !== String(text)) throw new Error(`not a duration: ${text}`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * SECONDS[unit], 0);
}

/** Seconds as a Prometheus duration. Windows never shrink under what one-second scrapes can fill. */
function scaled(text, scale, least) {
  if (scale === 1) return text;
  return `${Math.max(least, Math.ceil(seconds(text) * scale))}s`;
}

/** The rules of the source, thresholds and durations filled in. */
export function buildRules(source, { scale = 1, runbookBaseUrl = source.runbookBaseUrl } = {}) {
  const values = Object.fromEntries(
    Object.entries(source.thresholds).map(([name, value]) => [
      name,
      /^[\d.]+$/.test(value)
        ? Number(value)
        : scale === 1
          ? seconds(value)
          : Math.max(LEAST_THRESHOLD_SECONDS, seconds(value) * scale),
    ]),
  );
  const fill = (text) =>
    text.replace(/<<(\w+)>>/g, (_, name) => {
      if (!(name in values)) throw new Error(`alerts.yaml: no threshold is named ${name}`);
      return String(values[name]);
    });
  const expression = (text) =>
    fill(text)
      .replace(
        /\[(\d+\w+?)(:(\w+))?\]/g,
        (_, range, step) => `[${scaled(range, scale, 10)}${step ? (scale === 1 ? step : ':1s') : ''}]`,
      )
      .replace(/offset (\d+\w+)/g, (_, offset) => `offset ${scaled(offset, scale, 1)}`);
  const base = runbookBaseUrl.replace(/\/$/, '');
  return source.groups.map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) =>
      rule.record
        ? { record: rule.record, expr: expression(rule.expr) }
        : {
            alert: rule.alert,
            expr: expression(rule.expr),
            ...(rule.for === '0s' ? {} : { for: scaled(rule.for, scale, 1) }),
            labels: { severity: rule.severity },
            annotations: {
              summary: fill(rule.summary),
              description: fill(rule.description),
              runbook_url: `${base}/${rule.alert}.md`,
            },
          },
    ),
  }));
}

const firing = (alert, where) =>
  `count(ALERTS{alertname="${alert}",alertstate="firing"${where ? `,${where}` : ''}}) or vector(0)`;
const inputs = (series) => Object.entries(series).map(([name, values]) => ({ series: name, values }));
const expectation = (alert, at, count, where) => ({
  expr: firing(alert, where),
  eval_time: at,
  exp_samples: [{ labels: '{}', value: count }],
});

/**
 * promtool's tests: per alert one that fires (and does not yet fire just before), one that must not, and further cases.
 * Those that span days are evaluated more coarsely, in a file of their own.
 */
export function buildTests(source, ruleFile, coarse) {
  const tests = [];
  for (const { rules } of source.groups)
    for (const { alert, tests: cases } of rules) {
      if (!alert) continue;
      const add = (name, interval, series, expected) => {
        if ((interval !== undefined) !== coarse) return;
        tests.push({
          name: `${alert} ${name}`,
          interval: interval ?? '15s',
          input_series: inputs(series),
          promql_expr_test: expected.map(([at, count, where]) => expectation(alert, at, count, where)),
        });
      };
      const { interval, series, before, fires, never, also = [] } = cases;
      add('fires, and not before', interval, series, [...(before ? [[before, 0]] : []), [fires, 1]]);
      if (never) add('must not fire', interval, never.series, [[never.at, 0]]);
      for (const { name, interval: step, series: input, at, firing: count, where } of also)
        add(`when ${name}`, step, input, [[at, Number(count), where]]);
    }
  return { rule_files: [ruleFile], evaluation_interval: coarse ? '5m' : '15s', tests };
}

export function readSource() {
  // Every scalar a string: \`0x40\` (zero, forty times) is no hexadecimal number here.
  return parse(readFileSync(SOURCE, 'utf8'), { schema: 'failsafe' });
}

const yaml = (value) => HEADER + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

/** All generated files, path to text. */
export function generate(source, runbookBaseUrl) {
  const groups = buildRules(source, { runbookBaseUrl });
  return {
    'k8s/monitoring/rules/oracle-publisher.rules.yml': yaml({ groups }),
    'k8s/monitoring/rules/oracle-publisher.test.yml': yaml(
      buildTests(source, 'oracle-publisher.rules.yml', false),
    ),
    'k8s/monitoring/rules/oracle-publisher.days.test.yml': yaml(
      buildTests(source, 'oracle-publisher.rules.yml', true),
    ),
    'k8s/monitoring/prometheusrule.yaml': yaml({
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { name: 'oracle-publisher', labels: { release: 'prometheus' } },
      spec: { groups },
    }),
  };
}

function main(args) {
  const option = (name) => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  if (args.includes('--help')) return process.stdout.write(HELP);
  const known = new Set(['--check', '--out', '--time-scale', option('--out'), option('--time-scale')]);
  const unknown = args.find((argument) => !known.has(argument));
  if (unknown !== undefined) {
    process.stderr.write(`generate-rules: unknown argument ${unknown}\n\n${HELP}`);
    process.exit(2);
  }
  const source = readSource();
  const runbookBaseUrl = process.env.RUNBOOK_BASE_URL || source.runbookBaseUrl;
  const out = option('--out');
  if (out) {
    mkdirSync(out, { recursive: true });
    const groups = buildRules(source, { runbookBaseUrl, scale: Number(option('--time-scale') ?? 1) });
    writeFileSync(join(out, 'oracle-publisher.rules.yml'), yaml({ groups }));
    return;
  }
  for (const [path, text] of Object.entries(generate(source, runbookBaseUrl))) {
    if (!args.includes('--check')) writeFileSync(join(ROOT, path), text);
    else if (readFileSync(join(ROOT, path), 'utf8') !== text) {
      process.stderr.write(`${path} differs from alerts.yaml: run node scripts/ops/generate-rules.mjs\n`);
      process.exitCode = 1;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
