/** A small production of real parts on this machine: anvil, venues, Redis, daemons, Prometheus, Alertmanager, a pager. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type Anvil, ANVIL_KEYS as KEYS, startAnvil } from '../../support/anvil.js';
import { ROOT } from './kube.js';
import { freePort, type Running, start, until } from './processes.js';

const CLI = join(ROOT, 'dist/cli/main.js');
const VENUES = ['alpha', 'beta', 'gamma'] as const;
export type Venue = (typeof VENUES)[number];

export interface World {
  readonly directory: string;
  readonly rpcUrl: string;
  readonly anvil: Anvil;
  readonly aggregator: string;
  readonly configDir: string;
  readonly venues: Venues;
  /** Calls the chain's node. */
  readonly rpc: (method: string, params?: unknown[]) => Promise<unknown>;
  readonly startDaemon: (options?: DaemonOptions) => Promise<Daemon>;
  readonly startRedis: () => Promise<RedisServer>;
  readonly close: () => Promise<void>;
}

export interface DaemonOptions {
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
  /** Not to be awaited: the daemon is expected not to become ready. */
  readonly unready?: boolean;
}

export interface Daemon extends Running {
  readonly url: string;
  readonly metricsUrl: string;
  readonly env: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: the status as JSON; each test reads what it is about.
  readonly status: () => Promise<any>;
  readonly metric: (name: string, labels?: Record<string, string>) => Promise<number | undefined>;
}

export interface Venues {
  readonly url: string;
  /** Price that a venue tells for a base currency. */
  set(base: string, price: string, venue?: Venue): void;
  /** Lets a venue fail with this status until it is set to 200 again. */
  fail(status: number, ...venues: Venue[]): void;
  close(): Promise<void>;
}

export async function startVenues(prices: Record<string, string>): Promise<Venues> {
  const told = new Map<string, string>();
  const statuses = new Map<string, number>();
  const set = (base: string, price: string, only?: Venue) => {
    for (const venue of only ? [only] : VENUES) told.set(`${venue}/${base}`, price);
  };
  for (const [base, price] of Object.entries(prices)) set(base, price);
  const server = createServer((request, response) => {
    const [, venue = '', base = ''] = new URL(request.url ?? '/', 'http://venue').pathname.split('/');
    const price = told.get(`${venue}/${base}`);
    const status = statuses.get(venue) ?? (price === undefined ? 404 : 200);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(status === 200 ? `{"price":"${price}"}` : '{"error":"out of order"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set,
    fail: (status, ...venues) => {
      for (const venue of venues.length > 0 ? venues : VENUES) statuses.set(venue, status);
    },
    close: () => closeServer(server),
  };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** A feeds file over the venues of this machine. */
export const feedsFile = (url: string, groups: Record<string, readonly string[]>): string =>
  stringify({
    poll: '250ms',
    sources: Object.fromEntries(
      VENUES.map((venue) => [
        venue,
        { kind: 'http', url: `${url}/${venue}/{symbol}`, path: '$.price', fixedQuote: 'USD' },
      ]),
    ),
    groups: Object.entries(groups).map(([name, bases], index) => ({
      name,
      id: index + 1,
      history: 8,
      maxAge: '3s',
      minSources: 2,
      feeds: bases.map((base) => ({
        name: `${base}/USD`,
        sources: VENUES.map((venue) => ({ [venue]: base })),
      })),
    })),
  });

export interface WorldOptions {
  readonly heartbeat?: string;
  readonly groups?: Record<string, readonly string[]>;
  /** How many of the keys make the pool. */
  readonly keys?: number;
  /** Of the configuration's `chains`, as YAML would have them. */
  readonly chains?: unknown;
  /** Of each group: the signers, where they are not the pool. */
  readonly signers?: readonly string[];
  /** Who deploys and so becomes admin and guardian; the first key of the pool unless given, then `signers` are too. */
  readonly admin?: string;
}

/** Starts chain and venues and deploys the contract. Daemons are started by the test. */
export async function startWorld({
  heartbeat = '10s',
  groups = { majors: ['ETH', 'BTC'] },
  keys = 1,
  chains,
  signers,
  admin,
}: WorldOptions = {}): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'oracle-ops-'));
  const anvil = await startAnvil({ blockTime: 1, args: ['--slots-in-an-epoch', '1'] });
  const rpcUrl = anvil.url;

  const venues = await startVenues({ ETH: '3000', BTC: '60000', SOL: '150', LTC: '80' });
  const configDir = join(directory, 'config');
  mkdirSync(configDir);
  const settings = parse(feedsFile(venues.url, groups));
  if (signers) for (const group of settings.groups) Object.assign(group, { signers, threshold: 1 });
  writeFileSync(join(configDir, 'feeds.yaml'), stringify({ ...settings, ...(chains ? { chains } : {}) }));
  const common = {
    RPC_URL: rpcUrl,
    PRIVATE_KEY: KEYS.slice(0, keys).join(','),
    CONFIG_DIR: configDir,
    HEARTBEAT: heartbeat,
    DEVIATION_THRESHOLD: '0.5',
    BIND_ADDRESS: '127.0.0.1',
  };
  const deployment = join(directory, 'deployment.json');
  execFileSync(process.execPath, [CLI, 'deploy', '--out', deployment, '--no-prewarm'], {
    env: { PATH: process.env.PATH, ...common, ...(admin ? { PRIVATE_KEY: admin } : {}) },
    encoding: 'utf8',
  });
  const { aggregator } = JSON.parse(readFileSync(deployment, 'utf8'));

  const running: Running[] = [];
  return {
    directory,
    rpcUrl,
    anvil,
    aggregator,
    configDir,
    venues,
    rpc: anvil.rpc,
    async startDaemon({ env = {}, args = [], unready = false } = {}) {
      const [http, metrics] = [await freePort(), await freePort()];
      const full: Record<string, string> = {
        ...common,
        AGGREGATOR_ADDRESS: aggregator,
        HTTP_PORT: String(http),
        METRICS_PORT: String(metrics),
        ...env,
      };
      const daemon = start(process.execPath, [CLI, 'run', ...args], {
        env: { PATH: process.env.PATH ?? '', ...full },
      });
      running.push(daemon);
      const url = `http://127.0.0.1:${full.HTTP_PORT}`;
      const metricsUrl = `http://127.0.0.1:${full.METRICS_PORT}`;
      if (!unready)
        await until(
          async () => (await fetch(`${url}/readyz`)).ok,
          () => `the daemon is ready; it said ${daemon.output().slice(-1500)}`,
          30_000,
        );
      return {
        ...daemon,
        url,
        metricsUrl,
        env: full,
        status: async () => (await fetch(`${url}/v1/status`)).json(),
        metric: async (name, labels = {}) =>
          readMetric(await (await fetch(`${metricsUrl}/metrics`)).text(), name, labels),
      };
    },
    async startRedis() {
      const redis = await startRedis(directory);
      running.push(redis.process);
      return redis;
    },
    async close() {
      await Promise.all(running.map((each) => each.stop(5_000)));
      await anvil.stop();
      await venues.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface RedisServer {
  readonly url: string;
  readonly process: Running;
  readonly directory: string;
}

/** Starts a Redis with persistence, its data in a new directory below `parent`. */
export async function startRedis(parent: string): Promise<RedisServer> {
  const port = await freePort();
  const directory = mkdtempSync(join(parent, 'redis-'));
  const redis = start('redis-server', [
    ...['--port', String(port), '--dir', directory, '--appendonly', 'yes', '--save', ''],
    ...['--maxmemory-policy', 'noeviction', '--bind', '127.0.0.1'],
  ]);
  await until(() => redis.output().includes('Ready to accept connections'), 'Redis is ready');
  return { url: `redis://127.0.0.1:${port}`, process: redis, directory };
}

/** The value of a series in the text format; the first one whose labels match. */
export function readMetric(text: string, name: string, labels: Record<string, string>): number | undefined {
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !/^[{ ]/.test(line.slice(name.length))) continue;
    if (Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)))
      return Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return undefined;
}

export interface Page {
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly alert: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly at: number;
}

export interface Monitoring {
  readonly prometheusUrl: string;
  readonly alertmanagerUrl: string;
  readonly pages: () => readonly Page[];
  /** Waits for a page that comes after `since` (milliseconds). */
  readonly page: (alert: string, status: Page['status'], since: number, timeoutMs?: number) => Promise<Page>;
  // biome-ignore lint/suspicious/noExplicitAny: a result vector of Prometheus.
  readonly query: (expression: string) => Promise<any[]>;
  readonly close: () => Promise<void>;
}

/**
 * Starts Prometheus with the project's rules, Alertmanager with the project's routes, and the pager behind them. Time in
 * the rules runs faster by `timeScale`; scraping and grouping are quick.
 */
export async function startMonitoring(targets: readonly string[], timeScale = 1): Promise<Monitoring> {
  const directory = mkdtempSync(join(tmpdir(), 'oracle-monitoring-'));
  const pages: Page[] = [];
  const pager = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { alerts } = JSON.parse(body) as {
        alerts: {
          status: Page['status'];
          labels: Record<string, string>;
          annotations: Record<string, string>;
        }[];
      };
      for (const { status, labels, annotations } of alerts)
        pages.push({
          receiver: (request.url ?? '').slice(1),
          status,
          alert: labels.alertname ?? '',
          labels,
          annotations,
          at: Date.now(),
        });
      response.end();
    });
  });
  await new Promise<void>((resolve) => pager.listen(0, '127.0.0.1', resolve));
  const gateway = `http://127.0.0.1:${(pager.address() as AddressInfo).port}`;

  execFileSync(process.execPath, [
    join(ROOT, 'scripts/ops/generate-rules.mjs'),
    ...['--out', directory, '--time-scale', String(timeScale)],
  ]);
  const [prometheusPort, alertmanagerPort, clusterPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
  ];

  const routes = readFileSync(join(ROOT, 'k8s/monitoring/alertmanager/alertmanager.yml'), 'utf8')
    .replaceAll('http://alert-gateway:9095', gateway)
    .replace(/group_wait: \d+s/g, 'group_wait: 0s')
    .replace(/group_interval: \d+m/g, 'group_interval: 1s');
  writeFileSync(join(directory, 'alertmanager.yml'), routes);
  const settings = parse(readFileSync(join(ROOT, 'k8s/monitoring/prometheus/prometheus.yml'), 'utf8'));
  writeFileSync(
    join(directory, 'prometheus.yml'),
    stringify({
      ...settings,
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [join(directory, 'oracle-publisher.rules.yml')],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }] },
      scrape_configs: settings.scrape_configs.map((job: object) => ({
        ...job,
        static_configs: [{ targets: targets.map((target) => target.replace('http://', '')) }],
      })),
    }),
  );
  const alertmanager = start('prometheus-alertmanager', [
    `--config.file=${join(directory, 'alertmanager.yml')}`,
    `--storage.path=${join(directory, 'alertmanager')}`,
    `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
    `--cluster.listen-address=127.0.0.1:${clusterPort}`,
    '--cluster.settle-timeout=0s',
  ]);
  const prometheus = start('prometheus', [
    `--config.file=${join(directory, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(directory, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
    '--query.lookback-delta=10s',
    '--rules.alert.resend-delay=1s',
  ]);
  const prometheusUrl = `http://127.0.0.1:${prometheusPort}`;
  await until(
    async () => (await fetch(`${prometheusUrl}/-/ready`)).ok,
    () => `Prometheus is ready; it said ${prometheus.output().slice(-1500)}`,
    30_000,
  );
  const said = () =>
    pages.map(({ alert, status, receiver }) => `${alert} ${status} at ${receiver}`).join(', ');
  return {
    prometheusUrl,
    alertmanagerUrl: `http://127.0.0.1:${alertmanagerPort}`,
    pages: () => pages,
    page: (alert, status, since, timeoutMs = 90_000) =>
      until(
        () => pages.find((page) => page.alert === alert && page.status === status && page.at >= since),
        () => `${alert} ${status} at the pager; came: ${said() || 'nothing'}`,
        timeoutMs,
      ) as Promise<Page>,
    async query(expression) {
      const response = await fetch(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data, error } = (await response.json()) as { data?: { result: unknown[] }; error?: string };
      if (!data) throw new Error(error);
      return data.result;
    },
    async close() {
      await Promise.all([prometheus.stop(3_000), alertmanager.stop(3_000)]);
      await closeServer(pager);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}
