import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { environmentVariables, loadEnvironment } from '../../src/config/environment.js';
import { loadConfig } from '../../src/config/load.js';
import { ROOT } from './support/kube.js';
import { freePort, type Running, start, until } from './support/processes.js';
import { startWorld, type World } from './support/world.js';

const condition = z.strictObject({
  condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']),
});
const service = z.strictObject({
  image: z.string(),
  build: z
    .strictObject({
      context: z.string(),
      args: z.record(z.string(), z.string()),
      secrets: z.array(z.string()),
    })
    .optional(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/, 'only on the loopback')).optional(),
  volumes: z.array(z.string()).optional(),
  tmpfs: z.array(z.string()).optional(),
  user: z.string().optional(),
  mem_limit: z.string().optional(),
  stop_grace_period: z.string().optional(),
  restart: z.enum(['no', 'unless-stopped']),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
  healthcheck: z
    .union([
      z.strictObject({ test: z.array(z.string()), interval: z.string(), retries: z.number() }),
      z.strictObject({ disable: z.literal(true) }),
    ])
    .optional(),
  depends_on: z.record(z.string(), condition).optional(),
});
const compose = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), service),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  volumes: z.record(z.string(), z.strictObject({})),
});

const raw = parse(readFileSync(join(ROOT, 'compose.yaml'), 'utf8'), { merge: true });
const file = compose.parse(Object.fromEntries(Object.entries(raw).filter(([key]) => !key.startsWith('x-'))));
const services = Object.entries(file.services);
/** A value with its default filled in, as on a machine that sets nothing. */
const filled = (text: string) => text.replace(/\$\{\w+:-([^}]*)\}/g, '$1');
const environmentOf = (name: string) =>
  Object.fromEntries(
    Object.entries(file.services[name]?.environment ?? {}).map(([key, value]) => [key, filled(value)]),
  );

describe('the compose file', () => {
  it('runs daemon, Redis, chain, Prometheus, Alertmanager and Grafana, each pinned to a version', () => {
    expect(services.map(([name]) => name)).toEqual(
      expect.arrayContaining(['publisher', 'redis', 'chain', 'prometheus', 'alertmanager', 'grafana']),
    );
    for (const [, { image }] of services) expect(image).toMatch(/:v?\d+\.\d+\.\d+/);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(file.services.publisher?.image).toBe(`oracle-publisher:${version}`);
  });

  it('mounts only what is there, and what Prometheus, Alertmanager and Grafana read', () => {
    for (const [name, { volumes = [] }] of services)
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./')) {
          expect(existsSync(join(ROOT, source)), `${name}: ${source}`).toBe(true);
          expect(volume, 'what lies in the repository is read-only').toMatch(/:ro$/);
        } else expect(Object.keys(file.volumes)).toContain(source);
      }
    for (const { file: secret } of Object.values(file.secrets))
      expect(existsSync(join(ROOT, filled(secret)))).toBe(true);
    const mounted = (name: string, path: string) =>
      file.services[name]?.volumes?.some((volume) => volume.split(':')[1] === path);
    const prometheus = parse(readFileSync(join(ROOT, 'k8s/monitoring/prometheus/prometheus.yml'), 'utf8'));
    expect(
      prometheus.rule_files.every((rule: string) =>
        mounted('prometheus', rule.slice(0, rule.lastIndexOf('/'))),
      ),
    ).toBe(true);
    const provider = parse(
      readFileSync(join(ROOT, 'compose/grafana/provisioning/dashboards/oracle-publisher.yaml'), 'utf8'),
    );
    expect(mounted('grafana', provider.providers[0].options.path)).toBe(true);
  });

  it('reaches every part by the name of its service', () => {
    const prometheus = parse(readFileSync(join(ROOT, 'k8s/monitoring/prometheus/prometheus.yml'), 'utf8'));
    const alertmanager = parse(
      readFileSync(join(ROOT, 'k8s/monitoring/alertmanager/alertmanager.yml'), 'utf8'),
    );
    const datasource = parse(
      readFileSync(join(ROOT, 'compose/grafana/provisioning/datasources/prometheus.yaml'), 'utf8'),
    );
    const hosts = [
      ...prometheus.scrape_configs.flatMap(
        (job: { static_configs: { targets: string[] }[] }) => job.static_configs[0]?.targets,
      ),
      ...prometheus.alerting.alertmanagers[0].static_configs[0].targets,
      ...alertmanager.receivers.map(
        (receiver: { webhook_configs: { url: string }[] }) => new URL(receiver.webhook_configs[0]!.url).host,
      ),
      ...datasource.datasources.map(({ url }: { url: string }) => new URL(url).host),
      ...Object.values(environmentOf('publisher'))
        .filter((value) => /^(http|redis):/.test(value))
        .map((value) => new URL(value).host),
    ];
    expect(hosts.length).toBeGreaterThan(6);
    for (const host of hosts) expect(Object.keys(file.services), host).toContain(host.split(':')[0]);
  });

  it.each(['publisher', 'deploy'])(
    'gives %s only variables that it reads, to values that it takes, and feeds that it takes',
    (name) => {
      const env = environmentOf(name);
      const known = new Set(environmentVariables.map((variable) => variable.name));
      for (const key of Object.keys(env)) expect(known).toContain(key);
      const { defaults } = loadEnvironment(env);
      const { config } = loadConfig(join(ROOT, 'compose/config'), defaults, env);
      const seconds = Number.parseInt(file.services.publisher?.stop_grace_period ?? '0', 10);
      for (const chain of config.chains) expect(seconds * 1000).toBeGreaterThan(chain.confirmationDeadlineMs);
    },
  );
});

describe('the local chain of the compose file', () => {
  let world: World;
  let gateway: Running | undefined;
  beforeAll(async () => {
    world = await startWorld();
  }, 120_000);
  afterAll(async () => {
    await gateway?.stop();
    await world?.close();
  });

  it('has the contract at the address that the publisher is told', () => {
    expect(world.aggregator.toLowerCase()).toBe(environmentOf('publisher').AGGREGATOR_ADDRESS?.toLowerCase());
  });

  it('has a gateway that prints pages, and refuses what is none', async () => {
    const port = await freePort();
    gateway = start(process.execPath, [join(ROOT, 'scripts/ops/alert-gateway.mjs')], {
      env: { PATH: process.env.PATH, PORT: String(port) },
    });
    await until(() => gateway?.output().includes('listening'), 'the gateway listens');
    const post = (path: string, body: string) =>
      fetch(`http://127.0.0.1:${port}/${path}`, { method: 'POST', body });
    const alert = {
      status: 'firing',
      labels: { alertname: 'OracleFeedStale' },
      annotations: { summary: 'stale' },
    };
    expect((await post('pager', JSON.stringify({ alerts: [alert] }))).status).toBe(200);
    expect((await post('pager', 'no JSON')).status).toBe(400);
    await until(() => gateway?.output().includes('"alertname":"OracleFeedStale"'), 'the page is printed');
    expect(gateway.output()).toContain('"receiver":"pager"');
    expect(await gateway.stop()).toBe(0);
  });
});

it('the lock file names the optional packages of every platform, so that npm ci takes it', () => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const missing = Object.entries(
    lock.packages as Record<string, { optionalDependencies?: Record<string, string> }>,
  )
    .filter(([path]) => path !== '')
    .flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !lock.packages[`${path}/node_modules/${name}`] && !lock.packages[`node_modules/${name}`],
      ),
    );
  expect(missing).toEqual([]);
});
