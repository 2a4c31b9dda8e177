/** The probes. Liveness speaks of the loop only; readiness of configuration, signer and at least one endpoint. */
import { json, type Reply } from './http.js';

export interface HealthInput {
  /** `Clock.monotonic()` of now and of the loop's last finished iteration. */
  readonly nowMs: number;
  readonly lastIterationMs: number;
  /** Whether the start-up checks have passed. */
  readonly started: boolean;
  readonly chains: readonly { readonly name: string; readonly healthy: boolean }[];
  readonly stateAvailable: boolean;
  readonly stopping: boolean;
}

/** The loop iterates once a second; this long without one means that it hangs. */
const LOOP_STALLED_MS = 30_000;

/** 200 while the loop turns. An endpoint or Redis that is away is no reason to be restarted. */
export function livez({ nowMs, lastIterationMs }: HealthInput): Reply {
  const seconds = Math.floor((nowMs - lastIterationMs) / 1_000);
  return nowMs - lastIterationMs < LOOP_STALLED_MS
    ? json({ status: 'ok' })
    : json({ status: 'failed', problems: [`the loop has not finished an iteration for ${seconds} s`] }, 503);
}

/** 200 once started and while each chain has an endpoint. */
export function readyz(input: HealthInput): Reply {
  const problems = [
    ...(input.started ? [] : ['the start-up checks have not passed yet']),
    ...(input.stopping ? ['the process is stopping'] : []),
    ...(input.started
      ? input.chains
          .filter(({ healthy }) => !healthy)
          .map(({ name }) => `chain ${name} has no healthy endpoint`)
      : []),
  ];
  return problems.length === 0 ? json({ status: 'ok' }) : json({ status: 'failed', problems }, 503);
}

/** Everything at once, for people: always says what is degraded, 503 when liveness or readiness fails. */
export function health(input: HealthInput): Reply {
  const parts = [livez(input), readyz(input)];
  const problems = parts.flatMap(({ body }) => (JSON.parse(body) as { problems?: string[] }).problems ?? []);
  const degraded = input.stateAvailable ? [] : ['the state store is away'];
  const status = problems.length > 0 ? 'failed' : degraded.length > 0 ? 'degraded' : 'ok';
  return json({ status, problems, degraded }, problems.length > 0 ? 503 : 200);
}
