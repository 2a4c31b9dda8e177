/** Brings up everything that the demo needs: chain, exchanges, configuration, contracts, and then the daemon. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startAnvil } from './anvil.js';
import { type Child, ROOT } from './child.js';
import { deployEnvironment, feedsFile, runEnvironment } from './configuration.js';
import { deploy, requireBuild, startDaemon } from './daemon.js';
import type { Timeline } from './exchanges/replay.js';
import { type ExchangeProcess, startExchanges } from './fleet.js';
import type { Options } from './options.js';
import { freePort } from './ports.js';
import type { Supervisor } from './supervisor.js';
import type { PublishedFeed } from './verify.js';
import type { Places } from './view.js';

/**
 * Quiet and lively minutes in turn, so that both triggers fire within the first minute; two minutes of the demo later
 * BTC peaks at 13,764 USD and falls.
 */
const START_MS = Date.parse('2019-06-26T19:45:00Z');
const METRICS_PORT = 8_000;
const HTTP_PORT = 8_080;

export interface World {
  readonly daemon: Child;
  readonly exchanges: readonly ExchangeProcess[];
  readonly timeline: Timeline;
  readonly feeds: readonly PublishedFeed[];
  readonly httpPort: number;
  readonly places: Places;
}

export interface WorldSettings {
  readonly options: Options;
  readonly supervisor: Supervisor;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
  /** Called with each line of the daemon's log. */
  readonly onDaemonLine: (line: string) => void;
  /** A directory of this run alone. */
  readonly directory: string;
}

/** Makes a directory of this run alone, under `demo/.run`, which git does not see. */
export function createRunDirectory(): string {
  const parent = path.join(ROOT, 'demo', '.run');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(path.join(parent, 'run-'));
  mkdirSync(path.join(directory, 'config'));
  return directory;
}

/** Starts everything in turn. @throws ChildError, DeadlineError or the signal's reason; the supervisor has what started */
export async function createWorld(settings: WorldSettings): Promise<World> {
  const { options, supervisor, signal, note, directory } = settings;
  requireBuild(options.cli);

  note('starting the chain and four exchanges');
  const timeline: Timeline = { epochMs: Date.now(), startMs: START_MS, speed: options.speed };
  const chain = await startAnvil(signal);
  supervisor.adopt(chain.child);
  const exchanges = await startExchanges(
    timeline,
    options.seed,
    (child) =>
      supervisor.adopt(child, ({ signal: by }) => note(`exchange ${child.name} was killed by ${by}`)),
    signal,
  );

  const configDir = path.join(directory, 'config');
  writeFileSync(
    path.join(configDir, 'feeds.yaml'),
    feedsFile(Object.fromEntries(exchanges.map(({ name, url }) => [name, url]))),
  );
  note('deploying the aggregator and its feed proxies');
  const deployment = await deploy(
    options.cli,
    deployEnvironment(chain.rpcUrl, configDir),
    path.join(directory, 'deployment.json'),
    signal,
  );
  const [group] = deployment.groups;
  if (!group) throw new Error('deploy told of no group');
  note(`deployed ${deployment.aggregator} with ${group.feeds.length} feeds`);

  const httpPort = await freePort(HTTP_PORT);
  const metricsPort = await freePort(METRICS_PORT);
  const daemon = startDaemon(
    options.cli,
    runEnvironment({
      rpcUrl: chain.rpcUrl,
      configDir,
      aggregator: deployment.aggregator,
      metricsPort,
      httpPort,
      options,
    }),
    settings.onDaemonLine,
  );
  supervisor.adopt(daemon);
  return {
    daemon,
    exchanges,
    timeline,
    feeds: group.feeds,
    httpPort,
    places: {
      rpcUrl: chain.rpcUrl,
      aggregator: deployment.aggregator,
      metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
      statusUrl: `http://127.0.0.1:${httpPort}/`,
      logFile: path.relative(ROOT, path.join(directory, 'daemon.log')),
    },
  };
}
