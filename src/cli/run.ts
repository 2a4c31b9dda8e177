/** `oracle-publisher run`: the daemon, from the environment to the last flushed line. */
import { Command } from 'commander';
import { createChain } from '../chain/chain.js';
import { loadKeys } from '../chain/keys/load.js';
import { type Key, KeyError } from '../common/key.js';
import { createStopController, systemClock } from '../common/time.js';
import { loadEnvironment, type ServedEnvironment } from '../config/environment.js';
import { type LoadedConfig, loadConfig } from '../config/load.js';
import { ConfigError } from '../config/problem.js';
import type { PublisherConfig } from '../config/types.js';
import type { ChainRuntime } from '../publisher/chain-runtime.js';
import { startServers } from '../server/server.js';
import { openState } from '../state/open.js';
import type { StateStore } from '../state/store.js';
import { createMask, type Logger, type Mask } from '../telemetry/logger.js';
import { createMetrics, type Metrics } from '../telemetry/metrics.js';
import { createDaemon } from './daemon.js';
import { EXIT_FAILED } from './output.js';
import { openTelemetry, type Telemetry } from './telemetry.js';
import { VERSION } from './version.js';

/** Beyond what the transactions under way may take, the process ends even if something still hangs. */
const EXIT_GRACE_MS = 10_000;

export const runCommand = (): Command =>
  new Command('run')
    .description('Publish until stopped (SIGTERM or SIGINT ends cleanly)')
    .option('--dry-run', 'decide and compare, but sign and send nothing')
    .action(async ({ dryRun = false }: { dryRun?: boolean }) => {
      await run(dryRun);
    });

async function run(dryRun: boolean): Promise<void> {
  const { environment, defaults, secrets } = loadEnvironment(process.env);
  const load = () => loadConfig(environment.configDir, defaults, process.env);
  const loaded = load();
  requireAggregators(loaded.config);
  const mask = createMask([...secrets, ...loaded.secrets]);
  const telemetry = await openTelemetry({
    settings: environment,
    level: loaded.logLevel ?? environment.logLevel,
    mask,
    clock: systemClock,
  });
  const { log } = telemetry;
  try {
    await publish({ environment, load, loaded, mask, telemetry, dryRun });
  } catch (err) {
    // What the operator has to correct is printed by the command line itself.
    if (!(err instanceof ConfigError || err instanceof KeyError))
      log.fatal({ event: 'run_failed', err }, 'the daemon could not start or go on');
    throw err;
  } finally {
    await telemetry.close();
    log.info({ event: 'stopped' }, 'stopped');
    log.flush();
  }
}

interface RunInput {
  readonly environment: ServedEnvironment;
  readonly load: () => LoadedConfig;
  readonly loaded: LoadedConfig;
  readonly mask: Mask;
  readonly telemetry: Telemetry;
  readonly dryRun: boolean;
}

async function publish({ environment, load, loaded, mask, telemetry, dryRun }: RunInput): Promise<void> {
  const { log, tracing } = telemetry;
  const { config } = loaded;
  let chains: readonly ChainRuntime[] = [];
  const metrics = createMetrics({ processMetrics: true });
  const clock = systemClock;
  const stop = stopSignal(log, () => Math.max(0, ...chains.map(({ chain }) => chain.settleMs())));
  log.info(
    { event: 'starting', version: VERSION, node: process.version, dryRun, config: config.hash },
    'starting',
  );

  const keys = await readKeys(environment.keys, dryRun);
  const state = await openState({ url: environment.stateUrl, log, clock, metrics });
  chains = createChains(config, keys, state, log, metrics);
  const daemon = createDaemon({
    environment,
    loaded,
    load,
    chains,
    keys,
    state,
    clock,
    log,
    mask,
    metrics,
    tracing,
    dryRun,
    startedAtMs: clock.now(),
  });
  let started = false;
  const servers = await startServers({
    environment,
    metrics,
    log,
    status: () => (started ? daemon.status() : undefined),
    health: () => ({
      nowMs: clock.monotonic(),
      lastIterationMs: started ? daemon.lastIterationMs() : clock.monotonic(),
      started,
      chains: chains.map(({ chain }) => ({
        name: chain.name,
        healthy: daemon.ready(chain.name) && chain.healthy(),
      })),
      stateAvailable: state.available(),
      stopping: stop.aborted,
    }),
  });
  log.info(
    { event: 'listening', metricsPort: servers.metricsPort, httpPort: servers.httpPort },
    `metrics on :${servers.metricsPort}/metrics, health and status on :${servers.httpPort}`,
  );
  try {
    await daemon.start(stop);
    started = true;
    if (!stop.aborted) await daemon.run(stop);
  } finally {
    await state.close();
    await servers.close();
  }
}

function requireAggregators(config: PublisherConfig): void {
  const missing = config.chains.filter(({ aggregator }) => aggregator === undefined);
  if (missing.length === 0) return;
  throw new ConfigError(
    missing.map(({ name }) => ({
      where: 'environment',
      path: 'AGGREGATOR_ADDRESS',
      message: `is missing for chain ${name}; set it to the address that \`oracle-publisher deploy\` printed`,
    })),
  );
}

async function readKeys(settings: Parameters<typeof loadKeys>[0], dryRun: boolean): Promise<Key[]> {
  if (settings.kind === 'none' && !dryRun)
    throw new ConfigError([
      {
        where: 'environment',
        path: 'PRIVATE_KEY',
        message:
          'no key is named; set PRIVATE_KEY, PRIVATE_KEY_FILE, KEYSTORE_FILE, KMS_KEY_ID or WEB3SIGNER_URL',
      },
    ]);
  return settings.kind === 'none' ? [] : loadKeys(settings);
}

const createChains = (
  config: PublisherConfig,
  keys: readonly Key[],
  state: StateStore,
  log: Logger,
  metrics: Metrics,
): ChainRuntime[] =>
  config.chains.map((chainConfig) => ({
    config: chainConfig,
    aggregator: chainConfig.aggregator ?? '0x',
    chain: createChain({
      config: chainConfig,
      keys,
      state,
      clock: systemClock,
      log,
      metrics,
      random: Math.random,
    }),
  }));

/** Aborts at the first SIGTERM or SIGINT; a second one, or the end of the grace, ends the process at once. */
function stopSignal(log: Logger, settleMs: () => number): AbortSignal {
  const controller = createStopController();
  const exit = (why: string) => {
    log.fatal({ event: 'forced_exit' }, why);
    log.flush();
    process.exit(EXIT_FAILED);
  };
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) return exit(`${name} again: leaving at once`);
      log.info(
        { event: 'stopping', signal: name },
        'stopping: no new decisions, the transaction under way may settle',
      );
      controller.abort();
      setTimeout(() => exit('the stop took too long'), settleMs() + EXIT_GRACE_MS).unref();
    });
  return controller.signal;
}
