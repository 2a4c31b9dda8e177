/** The daemon's two ports: metrics on one; health, status page and API on the other. */
import type { Environment } from '../config/types.js';
import type { Status } from '../publisher/status.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type HealthInput, health, livez, readyz } from './health.js';
import { type HttpServer, json, startHttpServer } from './http.js';
import { statusPage } from './page.js';

export interface ServerDeps {
  readonly environment: Environment;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly health: () => HealthInput;
  /** `undefined` until the start-up checks have passed. */
  readonly status: () => Status | undefined;
}

export interface Servers {
  readonly metricsPort: number;
  readonly httpPort: number;
  close(): Promise<void>;
}

/** Starts both servers. @throws Error when a port is taken */
export async function startServers({ environment, metrics, log, ...deps }: ServerDeps): Promise<Servers> {
  const { bindAddress } = environment;
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
