import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { type Dashboard, filled, readDashboards } from './support/dashboards.js';
import { ROOT } from './support/kube.js';
import { metricsIn } from './support/promql.js';

const dashboards = readDashboards();
const rules = parse(readFileSync(join(ROOT, 'k8s/monitoring/rules/oracle-publisher.rules.yml'), 'utf8'));
const known = new Set<string>([
  'up',
  'ALERTS',
  ...createMetrics({ processMetrics: true })
    .registry.getMetricsAsArray()
    .flatMap(({ name }) => [name, `${name}_bucket`, `${name}_count`]),
  ...rules.groups.flatMap((group: { rules: { record?: string }[] }) =>
    group.rules.flatMap(({ record }) => record ?? []),
  ),
]);

describe('the dashboards', () => {
  it('are generated from their source, and not edited since', () => {
    execFileSync('node', [join(ROOT, 'scripts/ops/generate-dashboards.mjs'), '--check']);
  });

  it('are six, and all in the ConfigMap that Grafana picks up', () => {
    const { configMapGenerator } = parse(
      readFileSync(join(ROOT, 'k8s/monitoring/kustomization.yaml'), 'utf8'),
    );
    const files = readdirSync(join(ROOT, 'k8s/monitoring/dashboards'));
    expect(files).toHaveLength(6);
    expect(configMapGenerator[0].files.map((file: string) => file.replace('dashboards/', '')).sort()).toEqual(
      files.sort(),
    );
  });
});

describe.each(dashboards.map((dashboard) => [dashboard.file, dashboard] as const))(
  '%s',
  (_file, dashboard: Dashboard) => {
    it('has variables for chain, group and feed', () => {
      const names = dashboard.templating.list.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['datasource', 'namespace', 'chain', 'group', 'feed']));
      for (const { query } of dashboard.templating.list)
        if (typeof query === 'object')
          for (const metric of metricsIn(query.query.replace(/^label_values\((.*), \w+\)$/, '$1')))
            expect(known).toContain(metric);
    });

    it('gives every panel a unit, a description and a place of its own', () => {
      const cells = new Set<string>();
      for (const { title, description, fieldConfig, targets, gridPos } of dashboard.panels) {
        expect(title.length).toBeGreaterThan(2);
        expect(description?.length, title).toBeGreaterThan(20);
        expect(fieldConfig.defaults.unit, title).toBeTruthy();
        expect(targets.length, title).toBeGreaterThan(0);
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(cells.has(`${x},${y}`), `${title} lies over another panel`).toBe(false);
            cells.add(`${x},${y}`);
          }
      }
    });

    it('asks only expressions that type-check, about metrics that exist', () => {
      const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      for (const expression of expressions)
        for (const metric of metricsIn(filled(expression))) expect(known, expression).toContain(metric);
      const file = join(mkdtempSync(join(tmpdir(), 'oracle-dashboard-')), 'rules.yml');
      const asRules = expressions.map((expression, index) => ({
        record: `panel:${index}`,
        expr: filled(expression),
      }));
      writeFileSync(file, stringify({ groups: [{ name: 'panels', rules: asRules }] }));
      expect(execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8' })).toContain(
        `SUCCESS: ${expressions.length} rules found`,
      );
    });
  },
);

describe('the overview', () => {
  const expressionOf = (panel: string) => {
    const { panels } = dashboards.find(({ file }) => file === 'overview.json')!;
    return filled(panels.find(({ title }) => title === panel)!.targets[0]!.expr);
  };
  const at = '{namespace="prod",feed="ETH/USD"';
  /** Replica a has lost the chain; b sees the rounds, if there are any. */
  const views = (seen: string, closed: string) => ({
    [`oracle_feed_last_update_timestamp_seconds${at},instance="a"}`]: '0x80',
    [`oracle_feed_last_update_timestamp_seconds${at},instance="b"}`]: seen,
    [`oracle_feed_answer${at},instance="a"}`]: '5x80',
    [`oracle_feed_answer${at},instance="b"}`]: '3x80',
    [`oracle_feed_heartbeat_seconds${at},instance="b"}`]: '60x80',
    [`oracle_decisions_total${at},reason="market_closed",instance="b"}`]: closed,
  });

  it('counts a feed as late, and shows its answer, as the replica sees it that reads the chain; not at the weekend', () => {
    const directory = mkdtempSync(join(tmpdir(), 'oracle-dashboard-'));
    const rows: [Record<string, string>, string, number][] = [
      [views('0+15x80', '0x80'), 'Feeds past their heartbeat', 0],
      [views('0+15x80', '0x80'), 'Answer', 3],
      [views('0x80', '0x80'), 'Feeds past their heartbeat', 1],
      [views('0x80', '0+15x80'), 'Feeds past their heartbeat', 0],
    ];
    const tests = rows.map(([series, panel, value]) => ({
      interval: '15s',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        { expr: `sum(${expressionOf(panel)})`, eval_time: '12m', exp_samples: [{ labels: '{}', value }] },
      ],
    }));
    const rule_files = [join(ROOT, 'k8s/monitoring/rules/oracle-publisher.rules.yml')];
    const file = join(directory, 'overview.test.yml');
    writeFileSync(file, stringify({ rule_files, evaluation_interval: '15s', tests }));
    expect(execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })).toContain('SUCCESS');
  });
});

describe('the dashboard of the replicas', () => {
  it('shows every metric that the replicas export of themselves and their leases', () => {
    const { panels } = dashboards.find(({ file }) => file === 'replicas.json')!;
    const asked = new Set(panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsIn(expr))));
    const own = createMetrics()
      .registry.getMetricsAsArray()
      .map(({ name }) => name)
      .filter((name) => /^oracle_(lease_|replica|group_leader|groups_|transmitter_keys_)/.test(name));
    expect(own.length).toBeGreaterThan(7);
    for (const name of own) expect([...asked].map((each) => each.replace(/_bucket$/, ''))).toContain(name);
  });
});
