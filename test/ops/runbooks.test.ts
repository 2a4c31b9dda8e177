import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { ROOT } from './support/kube.js';
import { metricsIn } from './support/promql.js';
import { readRunbooks } from './support/runbooks.js';

const sourcesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(directory, file));

const runbooks = readRunbooks();
const rules = parse(readFileSync(join(ROOT, 'k8s/monitoring/rules/oracle-publisher.rules.yml'), 'utf8'));
const alerts: { alert: string; labels: { severity: string } }[] = rules.groups.flatMap(
  (group: { rules: { alert?: string }[] }) => group.rules.filter(({ alert }) => alert),
);
const byAlert = runbooks.filter(({ file }) => file.startsWith('Oracle'));

describe('the runbooks', () => {
  it('are one per alert, and none without', () => {
    expect(byAlert.map(({ file }) => file.replace('.md', '')).sort()).toEqual(
      alerts.map(({ alert }) => alert).sort(),
    );
  });

  it('are all listed in the table of contents', () => {
    const { links } = runbooks.find(({ file }) => file === 'README.md')!;
    for (const { file } of runbooks) if (file !== 'README.md') expect(links).toContain(file);
  });

  it.each(byAlert.map((runbook) => [runbook.file, runbook] as const))(
    '%s says what to do',
    (file, { text, blocks }) => {
      const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
      expect(headings).toEqual(['Meaning', 'Impact', 'Diagnosis', 'Mitigation']);
      const severity = alerts.find(({ alert }) => `${alert}.md` === file)?.labels.severity;
      expect(text).toContain(`severity ${severity}.`);
      const diagnosis = text.slice(text.indexOf('## Diagnosis'), text.indexOf('## Mitigation'));
      expect(diagnosis).toContain('```sh');
      expect(blocks.length).toBeGreaterThan(0);
    },
  );

  it('link only to what is there', () => {
    const files = new Map(runbooks.map((runbook) => [runbook.file, runbook]));
    for (const { file, links, anchors } of runbooks)
      for (const link of links) {
        const [target = '', anchor] = link.split('#');
        const found = target === '' ? { anchors } : files.get(target);
        expect(found, `${file} links to ${link}`).toBeDefined();
        if (anchor) expect(found?.anchors.has(anchor), `${file} links to ${link}`).toBe(true);
      }
  });

  it('ask only about metrics that the publisher exports or a rule records', () => {
    const exported = createMetrics({ processMetrics: true })
      .registry.getMetricsAsArray()
      .flatMap(({ name }) => [name, `${name}_bucket`]);
    const recorded = rules.groups.flatMap((group: { rules: { record?: string }[] }) =>
      group.rules.flatMap(({ record }) => record ?? []),
    );
    const known = new Set(['up', 'ALERTS', ...exported, ...recorded]);
    const questions = runbooks.flatMap(({ file, text }) =>
      [...text.matchAll(/ask '([^']+)'/g)].map(([, question]) => ({ file, question: question ?? '' })),
    );
    expect(questions.length).toBeGreaterThan(100);
    for (const { file, question } of questions)
      for (const metric of metricsIn(question)) expect(known, `${file}: ${question}`).toContain(metric);
  });

  it('look in the log only for events that the publisher writes', () => {
    const written = new Set(
      sourcesBelow(join(ROOT, 'src')).flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/'([a-z]+(?:_[a-z]+)*)'/g)].map(([, word]) => word),
      ),
    );
    const looked = runbooks.flatMap(({ file, text }) =>
      [...text.matchAll(/^logs (.+)$/gm)].flatMap(([, events]) =>
        (events ?? '').split(' ').map((event) => ({ file, event })),
      ),
    );
    expect(looked.length).toBeGreaterThan(10);
    for (const { file, event } of looked) expect(written.has(event), `${file}: ${event}`).toBe(true);
  });

  it('name only overlays, scripts, metrics, events and settings that exist', () => {
    const source = (path: string) => readFileSync(join(ROOT, path), 'utf8');
    for (const { file, text } of runbooks) {
      for (const [path] of text.matchAll(/\b(k8s|scripts|test|config)\/[\w./-]*\w/g))
        expect(() => readFileSync(join(ROOT, path), 'utf8'), `${file}: ${path}`).not.toThrow(/ENOENT/);
    }
    const schema = source('src/config/schema.ts');
    for (const { file, text } of runbooks)
      for (const [, setting] of text.matchAll(/`fees\.(\w+)`/g))
        expect(schema, `${file}: fees.${setting}`).toContain(`${setting}:`);
  });
});
