/** Opens the state store that `STATE_URL` names. */
import type { Clock } from '../common/time.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createMemoryState } from './memory.js';
import { createRedisState } from './redis.js';
import { StateError, type StateStore } from './store.js';
import { parseStateUrl } from './url.js';

export interface OpenStateDeps {
  /** `memory:` or a Redis URL, see {@link parseStateUrl}. A secret: it may hold a password. */
  readonly url: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/**
 * Opens the store. A Redis that is down is no error: the store exists, its calls fail fast, and it connects when it can.
 * @throws StateError `bad_url`, with what is allowed and without the password
 */
export async function openState({ url, log, clock, metrics }: OpenStateDeps): Promise<StateStore> {
  const parsed = parseStateUrl(url);
  if (!parsed.ok) throw new StateError('bad_url', parsed.problem);
  const { target } = parsed;
  if (target.kind === 'memory') {
    metrics.stateUp.set(1);
    return createMemoryState({ clock });
  }
  try {
    return await createRedisState({ target, log, clock, metrics });
  } catch (error) {
    throw new StateError('bad_url', `STATE_URL: ${error instanceof Error ? error.message : String(error)}`);
  }
}
