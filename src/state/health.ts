/** Whether the store answers: one log line when it is lost, one when it is back, and the metric between them. */
import type { Clock } from '../common/time.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { WRITE_REFUSALS } from './redis-errors.js';
import { STATE_ERROR_CODES, type StateError, type StateErrorCode } from './store.js';

export interface Health {
  /** Why the store is away, or `undefined` while it answers. */
  readonly down: () => StateErrorCode | undefined;
  /** A call or a connection failed. What the caller did wrong itself does not count. */
  failed(error: StateError): void;
  /** A call was answered; a store that refused writes is back only when a write was. */
  answered(kind: 'read' | 'write'): void;
}

export interface HealthDeps {
  /** The store for the log, without user and password. */
  readonly label: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export function createHealth({ label, log, clock, metrics }: HealthDeps): Health {
  let state: { code: StateErrorCode; sinceMs: number } | 'unknown' | 'up' = 'unknown';
  metrics.stateUp.set(0);
  for (const code of STATE_ERROR_CODES) metrics.stateErrors.inc({ code }, 0);
  return {
    down: () => (state === 'up' ? undefined : state === 'unknown' ? 'not_connected' : state.code),
    failed: (error) => {
      const { code } = error;
      if (code === 'bad_request' || code === 'closed') return;
      metrics.stateErrors.inc({ code });
      if (typeof state === 'object') {
        // A refusal says more than the broken connections around it.
        if (!WRITE_REFUSALS.has(state.code) || WRITE_REFUSALS.has(code)) state.code = code;
        return;
      }
      state = { code, sinceMs: clock.monotonic() };
      metrics.stateUp.set(0);
      log.error(
        { event: 'state_away', store: label, code, detail: error.message },
        'state store is away; carrying on without it',
      );
    },
    answered: (kind) => {
      if (state === 'up') return;
      if (typeof state === 'object' && kind === 'read' && WRITE_REFUSALS.has(state.code)) return;
      const awayMs = typeof state === 'object' ? Math.round(clock.monotonic() - state.sinceMs) : undefined;
      state = 'up';
      metrics.stateUp.set(1);
      log.info(
        { event: 'state_up', store: label, ...(awayMs === undefined ? {} : { awayMs }) },
        awayMs === undefined ? 'state store answers' : 'state store is back',
      );
    },
  };
}
