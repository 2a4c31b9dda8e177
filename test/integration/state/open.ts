/** What the state's tests share: a store with its metrics and the lines that it logged. */
import { type Clock, systemClock } from '../../../src/common/time.js';
import { openState } from '../../../src/state/open.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export async function openForTest(url: string, clock: Clock = systemClock) {
  const lines: LogLine[] = [];
  const metrics = createMetrics();
  const log = createLogger({
    level: 'debug',
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) },
  });
  const store = await openState({ url, log, clock, metrics });
  return {
    store,
    metrics,
    lines,
    /** Lines of a level and above debug, by their message. */
    logged: (message: string) => lines.filter((line) => line.message === message),
    up: async () => (await metrics.stateUp.get()).values[0]?.value,
  };
}

/** The code that a call failed with, and how long it took. */
export async function failure(call: () => Promise<unknown>): Promise<{ code: string; tookMs: number }> {
  const startMs = performance.now();
  try {
    await call();
  } catch (error) {
    return { code: (error as { code?: string }).code ?? String(error), tookMs: performance.now() - startMs };
  }
  return { code: 'none', tookMs: performance.now() - startMs };
}
