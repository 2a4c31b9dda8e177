/** What the daemon tells the outside: its log, and where they are set, traces and error reports. */
import { hostname } from 'node:os';
import type { Clock } from '../common/time.js';
import type { TelemetrySettings } from '../config/telemetry-settings.js';
import type { LogLevel } from '../config/types.js';
import { type ErrorReports, openErrorReports } from '../telemetry/error-reports.js';
import { createLogger, type Logger, type Mask } from '../telemetry/logger.js';
import { openTracing, type Tracing } from '../telemetry/tracing.js';
import { EXIT_FAILED } from './output.js';
import { VERSION } from './version.js';

export interface Telemetry {
  readonly log: Logger;
  readonly tracing: Tracing | undefined;
  /** Sends what is queued, each within its bound, and ends. */
  close(): Promise<void>;
}

export interface TelemetryDeps {
  readonly settings: TelemetrySettings;
  readonly level: LogLevel;
  readonly mask: Mask;
  readonly clock: Clock;
}

/** After a crash the process ends at this point even if its last report was not taken. */
const CRASH_MS = 4_000;

/** Opens the log and what follows it; libraries are loaded only for what is set. */
export async function openTelemetry({ settings, level, mask, clock }: TelemetryDeps): Promise<Telemetry> {
  let reports: ErrorReports | undefined;
  const log = createLogger({ level, mask, onLine: (line) => reports?.take(line) });
  const instance = process.env.POD_NAME ?? hostname();
  const { tracing: traces, errorReports } = settings;
  reports =
    errorReports &&
    (await openErrorReports({
      ...errorReports,
      release: `oracle-publisher@${VERSION}`,
      instance,
      clock,
      log,
    }));
  const tracing = traces && (await openTracing({ ...traces, serviceVersion: VERSION, instance, mask, log }));
  endOnCrash(log, async () => reports?.close());
  return {
    log,
    tracing,
    async close() {
      await Promise.all([tracing?.close(), reports?.close()]);
    },
  };
}

/** What nobody caught is logged as an event like any other and reported; then the process ends, as Node would end it. */
function endOnCrash(log: Logger, report: () => Promise<void>): void {
  let crashed = false;
  process.on('uncaughtException', (err, origin) => {
    const event = origin === 'unhandledRejection' ? 'unhandled_rejection' : 'uncaught_exception';
    log.fatal({ event, err }, 'a bug: nobody caught this error, the process ends');
    log.flush();
    if (crashed) process.exit(EXIT_FAILED);
    crashed = true;
    setTimeout(() => process.exit(EXIT_FAILED), CRASH_MS);
    void report().finally(() => process.exit(EXIT_FAILED));
  });
}
