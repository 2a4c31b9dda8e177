/** The daemon's two ports: metrics on one; health, status page and API on the other. */
import { systemClock } from '../common/time.js';
import type { ServedEnvironment } from '../config/environment.js';
import type { Status } from '../publisher/status.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createExternalAdapter } from './external-adapter.js';
import { type HealthInput, health, livez, readyz } from './health.js';
import type { HeldPrice } from './held-prices.js';
import { type HttpServer, json, startHttpServer } from './http.js';
import { statusPage } from './page.js';

export interface ServerDeps {
  readonly environment: ServedEnvironment;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly health: () => HealthInput;
  /** `undefined` until the start-up checks have passed. */
  readonly status: () => (Status & { readonly prices: readonly HeldPrice[] }) | undefined;
}

export interface Servers {
  readonly metricsPort: number;
  readonly httpPort: number;
  close(): Promise<void>;
}

/** Starts both servers. @throws Error when a port is taken */
export async function startServers({ environment, metrics, log, ...deps }: ServerDeps): Promise<Servers> {
  const { bindAddress } = environment;
  const externalAdapter = createExternalAdapter({
    settings: environment.externalAdapter,
    holdings: () => {
      const status = deps.status();
      return status && { startedAtMs: Date.parse(status.startedAt), prices: status.prices };
    },
    clock: systemClock,
  });
  const notStarted = () => json({ error: 'starting' }, 503);
  const metricsServer = await startHttpServer({
    routes: {
      'GET /metrics': async () => ({
        status: 200,
        type: metrics.registry.contentType,
        body: await metrics.registry.metrics(),
      }),
    },
    port: environment.metricsPort,
    bindAddress,
    portSetting: 'METRICS_PORT',
    log,
  });
  let httpServer: HttpServer;
  try {
    httpServer = await startHttpServer({
      routes: {
        'GET /health': () => health(deps.health()),
        'GET /livez': () => livez(deps.health()),
        'GET /readyz': () => readyz(deps.health()),
        'GET /v1/status': () => {
          const status = deps.status();
          return status ? json(status) : notStarted();
        },
        'GET /': () => {
          const status = deps.status();
          return status
            ? { status: 200, type: 'text/html; charset=utf-8', body: statusPage(status) }
            : notStarted();
        },
        'POST /': externalAdapter,
      },
      port: environment.httpPort,
      bindAddress,
      portSetting: 'HTTP_PORT',
      log,
    });
  } catch (error) {
    await metricsServer.close();
    throw error;
  }
  return {
    metricsPort: metricsServer.port,
    httpPort: httpServer.port,
    close: async () => {
      await Promise.all([metricsServer.close(), httpServer.close()]);
    },
  };
}
