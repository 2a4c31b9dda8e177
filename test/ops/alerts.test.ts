import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { ROOT } from './support/kube.js';
import { metricsIn } from './support/promql.js';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}
interface PromtoolTest {
  readonly name: string;
  readonly interval: string;
  readonly input_series: { series: string; values: string }[];
  readonly promql_expr_test: { expr: string; eval_time: string; exp_samples: { value: number }[] }[];
}

const RULES = join(ROOT, 'k8s/monitoring/rules');
const ruleFile = join(RULES, 'oracle-publisher.rules.yml');
const testFiles = readdirSync(RULES).filter((name) => name.endsWith('.test.yml'));
const rules: Rule[] = parse(readFileSync(ruleFile, 'utf8')).groups.flatMap(
  (group: { rules: Rule[] }) => group.rules,
);
const alerts = rules.filter((rule) => rule.alert !== undefined);
const promtoolTests: PromtoolTest[] = testFiles.flatMap(
  (name) => parse(readFileSync(join(RULES, name), 'utf8')).tests,
);

describe('the rules', () => {
  it('are generated from alerts.yaml, and not edited since', () => {
    execFileSync('node', [join(ROOT, 'scripts/ops/generate-rules.mjs'), '--check'], {
      env: { ...process.env, RUNBOOK_BASE_URL: '' },
    });
  });

  it('link to where the runbooks are served: the one line of the source, or RUNBOOK_BASE_URL for rules written elsewhere', () => {
    const { runbookBaseUrl } = parse(readFileSync(join(ROOT, 'k8s/monitoring/alerts.yaml'), 'utf8'));
    for (const { alert, annotations } of alerts)
      expect(annotations?.runbook_url).toBe(`${runbookBaseUrl}/${alert}.md`);
    const directory = mkdtempSync(join(tmpdir(), 'oracle-rules-'));
    execFileSync('node', [join(ROOT, 'scripts/ops/generate-rules.mjs'), '--out', directory], {
      env: { ...process.env, RUNBOOK_BASE_URL: 'https://pages.test/oracle/' },
    });
    const written = readFileSync(join(directory, 'oracle-publisher.rules.yml'), 'utf8');
    expect(written).toContain('runbook_url: https://pages.test/oracle/OracleFeedStale.md');
    expect(written).not.toContain(runbookBaseUrl);
  });

  it('are valid for Prometheus', () => {
    expect(execFileSync('promtool', ['check', 'rules', ruleFile], { encoding: 'utf8' })).toContain('SUCCESS');
  });

  it.each(testFiles)(
    'fire when they must, not before, and never beside it: %s',
    (name) => {
      const result = spawnSync('promtool', ['test', 'rules', name], { cwd: RULES, encoding: 'utf8' });
      expect(result.stdout + result.stderr).toContain('SUCCESS');
      expect(result.status).toBe(0);
    },
    240_000,
  );

  it('page for nothing that no drill has caused', () => {
    const drills = ['drills', 'drills-fleet'].map((name) =>
      readFileSync(join(ROOT, `test/ops/${name}.test.ts`), 'utf8'),
    );
    const pages = alerts.filter(({ labels }) => labels?.severity === 'critical');
    expect(pages.length).toBeGreaterThan(10);
    for (const { alert } of pages) expect(drills.join('')).toContain(`'${alert}'`);
  });

  it('read only metrics that the publisher exports, Prometheus makes itself, or a rule records', () => {
    const exported = createMetrics({ processMetrics: true })
      .registry.getMetricsAsArray()
      .flatMap(({ name }) => [name, `${name}_bucket`, `${name}_count`, `${name}_sum`]);
    const known = new Set([...exported, 'up', ...rules.flatMap(({ record }) => record ?? [])]);
    for (const { expr } of rules) for (const metric of metricsIn(expr)) expect(known, expr).toContain(metric);
  });

  it('watch every fixed metric of the field', () => {
    const read = new Set(rules.flatMap(({ expr }) => metricsIn(expr)));
    expect([...read]).toEqual(
      expect.arrayContaining([
        'oracle_updates_sent_total',
        'oracle_update_errors_total',
        'blockchain_transactions_total',
        'blockchain_transaction_duration_seconds_bucket',
        'blockchain_rpc_errors_total',
        'blockchain_adapter_health',
      ]),
    );
  });
});

describe.each(alerts.map((rule) => [rule.alert as string, rule] as const))('%s', (name, rule) => {
  it('has a severity, says what it means, and links its runbook, which links back', () => {
    expect(['critical', 'warning', 'none']).toContain(rule.labels?.severity);
    expect(rule.annotations?.summary?.length).toBeGreaterThan(10);
    expect(rule.annotations?.description?.length).toBeGreaterThan(30);
    expect(rule.annotations?.runbook_url?.endsWith(`/${name}.md`)).toBe(true);
    const runbook = join(ROOT, 'runbooks', `${name}.md`);
    expect(existsSync(runbook), runbook).toBe(true);
    expect(readFileSync(runbook, 'utf8')).toContain(`\`${name}\``);
  });

  it('has a test that fires it, one just before, and one that must not', () => {
    const fires = promtoolTests.find((test) => test.name === `${name} fires, and not before`);
    expect(fires?.promql_expr_test.at(-1)?.exp_samples[0]?.value).toBe(1);
    // The watchdog has neither: it fires always, from the first moment on.
    if (name === 'OracleWatchdog') return expect(rule.expr).toBe('vector(1)');
    expect(fires?.promql_expr_test.map(({ exp_samples: [sample] }) => sample?.value)).toEqual([0, 1]);
    const never = promtoolTests.find((test) => test.name === `${name} must not fire`);
    expect(never?.promql_expr_test.map(({ exp_samples: [sample] }) => sample?.value)).toEqual([0]);
  });
});

describe('two environments in one Prometheus', () => {
  /** The series of a test, all of them of one namespace (or of its own, where it tells several apart). */
  const within = (namespace: string, { input_series }: PromtoolTest) =>
    input_series.map(({ series, values }) => {
      const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? [];
      const others = labels.split(/,(?=\w+=)/).filter((label) => label && !label.startsWith('namespace='));
      const own = /namespace="(\w+)"/.exec(labels)?.[1] ?? '';
      return { series: `${name}{${[...others, `namespace="${namespace}${own}"`].join(',')}}`, values };
    });
  const named = (name: string) => promtoolTests.find((test) => test.name === name);

  it.each(testFiles)(
    'each alert fires for the one that is ill, and for the other it does not: %s',
    (file) => {
      const content = parse(readFileSync(join(RULES, file), 'utf8'));
      const ill: PromtoolTest[] = content.tests.filter(
        ({ name }: PromtoolTest) => name.endsWith(' fires, and not before') && !name.includes('Watchdog'),
      );
      const tests = ill.map((test) => {
        const alert = test.name.split(' ')[0];
        const { eval_time } = test.promql_expr_test.at(-1)!;
        const firing = (namespace: string, value: number) => ({
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing",namespace=~"${namespace}.*"}) or vector(0)`,
          eval_time,
          exp_samples: [{ labels: '{}', value }],
        });
        return {
          ...test,
          input_series: [...within('ill', test), ...within('well', named(`${alert} must not fire`)!)],
          promql_expr_test: [firing('ill', 1), firing('well', 0)],
        };
      });
      const directory = mkdtempSync(join(tmpdir(), 'oracle-rules-'));
      cpSync(ruleFile, join(directory, 'oracle-publisher.rules.yml'));
      writeFileSync(join(directory, file), stringify({ ...content, tests }));
      const result = spawnSync('promtool', ['test', 'rules', file], { cwd: directory, encoding: 'utf8' });
      expect(result.stdout + result.stderr).toContain('SUCCESS');
    },
    240_000,
  );
});

describe('what a person on call reads', () => {
  it('is whole: every template of every alert fills in', () => {
    // promtool prints the alerts it got when they are not those expected; so each is asked for with none expected.
    const directory = mkdtempSync(join(tmpdir(), 'oracle-rules-'));
    cpSync(ruleFile, join(directory, 'oracle-publisher.rules.yml'));
    const printed = testFiles
      .map((file) => {
        const content = parse(readFileSync(join(RULES, file), 'utf8'));
        content.tests = content.tests
          .filter((test: PromtoolTest) => test.name.endsWith('fires, and not before'))
          .map(({ promql_expr_test, ...test }: PromtoolTest) => ({
            ...test,
            alert_rule_test: [
              {
                eval_time: promql_expr_test.at(-1)?.eval_time,
                alertname: test.name.split(' ')[0],
                exp_alerts: [],
              },
            ],
          }));
        writeFileSync(join(directory, file), stringify(content));
        return spawnSync('promtool', ['test', 'rules', join(directory, file)], { encoding: 'utf8' });
      })
      .map(({ stdout, stderr }) => stdout + stderr)
      .join('\n');
    for (const { alert } of alerts) expect(printed).toContain(`alertname="${alert}"`);
    expect(printed).toContain('summary="ETH/USD is stale on chain"');
    expect(printed).not.toMatch(/<no value>|%!|<error|error expanding/);
  }, 240_000);
});

describe('Alertmanager', () => {
  const config = join(ROOT, 'k8s/monitoring/alertmanager/alertmanager.yml');
  const route = (...labels: string[]) =>
    execFileSync('amtool', ['config', 'routes', 'test', `--config.file=${config}`, ...labels], {
      encoding: 'utf8',
    }).trim();

  it('takes the configuration', () => {
    expect(execFileSync('amtool', ['check-config', config], { encoding: 'utf8' })).toContain('SUCCESS');
  });

  it.each(alerts.map((rule) => [rule.alert as string, rule.labels?.severity as string] as const))(
    'sends %s (%s) where it belongs',
    (alert, severity) => {
      const receiver = { critical: 'pager', warning: 'tickets', none: 'deadman' }[severity];
      expect(route(`alertname=${alert}`, `severity=${severity}`)).toBe(receiver);
    },
  );

  it('silences only alerts that exist, and no page', () => {
    const { inhibit_rules } = parse(readFileSync(config, 'utf8'));
    const named = (matchers: string[]) =>
      matchers.flatMap((matcher) => (/"(.+)"/.exec(matcher)?.[1] ?? '').split('|'));
    expect(inhibit_rules.length).toBeGreaterThan(0);
    for (const { source_matchers, target_matchers } of inhibit_rules) {
      for (const name of named(source_matchers)) expect(alerts.map(({ alert }) => alert)).toContain(name);
      for (const name of named(target_matchers))
        expect(alerts.find(({ alert }) => alert === name)?.labels?.severity, name).toBe('warning');
    }
  });
});

describe('Prometheus', () => {
  it('takes the configuration, and its job is the one that the rules ask for', () => {
    const directory = mkdtempSync(join(tmpdir(), 'oracle-prometheus-'));
    const text = readFileSync(join(ROOT, 'k8s/monitoring/prometheus/prometheus.yml'), 'utf8').replace(
      '/etc/prometheus/rules/oracle-publisher.rules.yml',
      ruleFile,
    );
    writeFileSync(join(directory, 'prometheus.yml'), text);
    expect(
      execFileSync('promtool', ['check', 'config', join(directory, 'prometheus.yml')], { encoding: 'utf8' }),
    ).toContain('SUCCESS');
    const jobs = parse(text).scrape_configs.map(({ job_name }: { job_name: string }) => job_name);
    for (const { expr } of rules)
      for (const [, job] of expr.matchAll(/job="([^"]+)"/g)) expect(jobs).toContain(job);
  });
});
