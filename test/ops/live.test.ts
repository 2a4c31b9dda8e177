/** Runbooks and dashboards against what runs: every command is executed, every panel returns data, every probe is asked. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANVIL_ADDRESSES, ANVIL_KEYS } from '../support/anvil.js';
import { filled, readDashboards } from './support/dashboards.js';
import { ROOT, render } from './support/kube.js';
import { start, until } from './support/processes.js';
import { metricsIn } from './support/promql.js';
import { readRunbooks } from './support/runbooks.js';
import { type Daemon, type Monitoring, startMonitoring, startWorld, type World } from './support/world.js';

let world: World;
let daemon: Daemon;
let shadow: Daemon;
let monitoring: Monitoring;
let env: Record<string, string>;

beforeAll(async () => {
  world = await startWorld({
    heartbeat: '8s',
    groups: { majors: ['ETH', 'BTC'], minors: ['SOL'] },
    chains: [{ name: 'main', minBalance: '1 ether' }],
    // As it should be: who administers the contract is not who publishes.
    admin: ANVIL_KEYS[3],
    signers: [ANVIL_ADDRESSES[0]],
  });
  const redis = await world.startRedis();
  daemon = await world.startDaemon({ env: { STATE_URL: redis.url } });
  shadow = await world.startDaemon({ args: ['--dry-run'] });
  monitoring = await startMonitoring([daemon.metricsUrl]);
  // Rates need a past: some rounds, and half a minute of scrapes.
  await until(
    async () => {
      const [first] = await monitoring.query('sum(oracle_updates_sent_total)');
      return Number(first?.value[1]) >= 6;
    },
    'six rounds of feeds are scraped',
    90_000,
    500,
  );
  await until(
    async () =>
      (await monitoring.query('oracle:block_seconds')).length > 0 &&
      (await monitoring.query('oracle:transaction_latency_seconds:p95 > 0')).length > 0,
    'the rules have recorded latency and block time',
    60_000,
    500,
  );
  const log = join(world.directory, 'publisher.log');
  writeFileSync(log, daemon.output());
  env = {
    ...(process.env as Record<string, string>),
    ...daemon.env,
    PUBLISHER: daemon.url,
    METRICS: daemon.metricsUrl,
    PROMETHEUS: monitoring.prometheusUrl,
    ALERTMANAGER: monitoring.alertmanagerUrl,
    SHADOW: shadow.url,
    // Two heartbeats.
    SHADOW_MINUTES: '0.3',
    VALIDATE_RPC_URL: world.rpcUrl,
    GROUP: 'majors',
    GROUP_ID: '1',
    LOGS: log,
  };
}, 240_000);
afterAll(async () => {
  await monitoring?.close();
  await world?.close();
});

/** Runs a command without blocking this process, which serves the venues. */
async function execute(command: string, args: readonly string[], more: Record<string, string> = {}) {
  const running = start(command, args, { cwd: ROOT, env: { ...env, ...more } });
  const timer = setTimeout(() => running.child.kill('SIGKILL'), 60_000);
  const status = await running.ended;
  clearTimeout(timer);
  return { status, output: running.output() };
}

const shell = (commands: string, more: Record<string, string> = {}) =>
  execute('bash', ['-euo', 'pipefail', '-c', `. runbooks/shell.sh\n${commands}`], more);

describe('every command of the runbooks', () => {
  const seen = new Set<string>();
  const blocks = readRunbooks()
    .flatMap((runbook) => runbook.blocks)
    .filter(({ kind, commands }) => kind === 'sh' && !seen.has(commands) && seen.add(commands));

  it.each(blocks.map((block) => [`${block.file}:${block.line}`, block] as const))(
    'runs: %s',
    async (_name, { commands }) => {
      const { status, output } = await shell(commands);
      expect(status, `${commands}\n${output}`).toBe(0);
      // A question about a metric that nobody exports is answered with nothing, for ever.
      for (const [, question] of commands.matchAll(/ask '([^']+)'/g))
        for (const metric of metricsIn(question ?? ''))
          expect(metric).toMatch(/^(oracle|blockchain|up$|process_|nodejs_|ALERTS)/);
    },
    90_000,
  );

  it('runs: the proofs of the readiness checklist', async () => {
    const { text } = readRunbooks().find(({ file }) => file === 'readiness.md')!;
    const rows = text.split('\n').filter((line) => /^\| \d+ \|/.test(line));
    expect(rows.length).toBeGreaterThan(15);
    for (const row of rows) {
      const command = /\| `((?:[^`]|\\`)+)`[^|]*\|$|\| `(.+)` \|$/.exec(row.replaceAll('\\|', '¦'));
      const line = (command?.[1] ?? command?.[2])?.replaceAll('¦', '|');
      if (!line) {
        // The last line asks people, not machines.
        expect(row).toContain('incident-response.md');
        continue;
      }
      const { status, output } = await shell(line);
      expect(status, `${line}\n${output}`).toBe(0);
    }
  }, 240_000);
});

describe.each(readDashboards().map((dashboard) => [dashboard.file, dashboard] as const))(
  'dashboard %s',
  (_file, dashboard) => {
    it('gets data for every panel', async () => {
      const empty: string[] = [];
      for (const { title, description, targets } of dashboard.panels) {
        if (description?.includes('Empty where')) continue;
        for (const { expr } of targets) {
          // A filter for what is worth showing hides what is well; without it there is data.
          const expression = filled(expr).replace(/ > 0$/, '');
          await until(
            async () => (await monitoring.query(expression)).length > 0,
            expression,
            20_000,
            500,
          ).catch(() => empty.push(`${title}: ${expression}`));
        }
      }
      expect(empty).toEqual([]);
    }, 240_000);

    it('finds values for its variables', async () => {
      for (const { name, query } of dashboard.templating.list) {
        // Without a cluster there is no namespace.
        if (typeof query !== 'object' || name === 'namespace') continue;
        const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(filled(query.query)) ?? [];
        const values = await monitoring.query(`count by (${label}) (${selector})`);
        expect(values.length, query.query).toBeGreaterThan(0);
        expect(values[0].metric[label ?? '']).toBeTruthy();
      }
    });
  },
);

describe('the probes of the Deployment', () => {
  it('hit paths that answer', async () => {
    const deployment = render('overlays/prod').find(({ kind }) => kind === 'Deployment');
    const { startupProbe, livenessProbe, readinessProbe } = deployment!.spec.template.spec.containers[0];
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      const response = await fetch(`${daemon.url}${httpGet.path}`);
      expect([httpGet.path, response.status]).toEqual([httpGet.path, 200]);
    }
    expect((await fetch(`${daemon.metricsUrl}/metrics`)).headers.get('content-type')).toContain('text/plain');
  });
});

describe('the smoke test', () => {
  const smoke = (more: Record<string, string>) =>
    execute(process.execPath, [join(ROOT, 'scripts/ops/smoke-test.mjs')], { GRAFANA: 'none', ...more });

  it('passes on a stack that works', async () => {
    const { status, output: stdout } = await smoke({ DEADLINE: '20' });
    expect(status, stdout).toBe(0);
    expect(stdout.split('\n').filter((line) => line.startsWith('ok'))).toHaveLength(5);
  });

  it('fails, and says which part, when one is away', async () => {
    const { status, output: stdout } = await smoke({ DEADLINE: '1', ALERTMANAGER: 'http://127.0.0.1:1' });
    expect(status).toBe(1);
    expect(stdout).toContain('FAILED Alertmanager has the watchdog');
  });
});

describe('a publisher that is well', () => {
  it('fires nothing but the watchdog', async () => {
    const firing = await monitoring.query('ALERTS{alertstate="firing"}');
    expect(firing.map(({ metric }) => metric.alertname)).toEqual(['OracleWatchdog']);
  });

  it('exports every metric that the rules ask about', async () => {
    const text = await (await fetch(`${daemon.metricsUrl}/metrics`)).text();
    const rules = (await (await fetch(`${monitoring.prometheusUrl}/api/v1/rules`)).json()) as {
      data: { groups: { rules: { query: string; name: string; lastError?: string }[] }[] };
    };
    const all = rules.data.groups.flatMap((group) => group.rules);
    expect(all.filter(({ lastError }) => lastError)).toEqual([]);
    const asked = new Set(
      all.flatMap(({ query }) => metricsIn(query)).filter((name) => /^(oracle_|blockchain_)/.test(name)),
    );
    expect(asked.size).toBeGreaterThan(20);
    // These have children only where there are peers.
    const many = ['oracle_peer_reports_total', 'oracle_group_signatures', 'oracle_group_threshold'];
    for (const name of asked)
      if (!many.includes(name)) expect(text, name).toMatch(new RegExp(`^${name}[{ ]`, 'm'));
  });
});

describe('the commands that change the chain', () => {
  const last = readRunbooks().flatMap(({ blocks }) => blocks.filter(({ kind }) => kind === 'last'));
  const commands = new Set(last.map((block) => block.commands.trim()));
  const paused = async () => {
    const { groups } = (await daemon.status()) as { groups: { name: string; paused: boolean }[] };
    return groups.find(({ name }) => name === 'majors')?.paused;
  };

  it('are to pause a group and to resume it', () => {
    expect(commands).toEqual(
      new Set(['oracle-publisher pause "$GROUP"', 'oracle-publisher pause "$GROUP" --resume']),
    );
  });

  it('pause the group, and resume it', async () => {
    const admin = { PRIVATE_KEY: ANVIL_KEYS[3], STATE_URL: 'memory:' };
    const pause = await shell('oracle-publisher pause "$GROUP"', admin);
    expect(pause.status, pause.output).toBe(0);
    await until(async () => (await paused()) === true, 'the publisher sees that the group is paused', 30_000);
    const resume = await shell('oracle-publisher pause "$GROUP" --resume', admin);
    expect(resume.status, resume.output).toBe(0);
    await until(async () => (await paused()) === false, 'the publisher sees that the group goes on', 30_000);
  }, 120_000);
});
