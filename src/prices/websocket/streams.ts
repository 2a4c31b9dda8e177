/** All streams: one connection per address, started and stopped as the configuration changes. */
import type { Logger } from '../../telemetry/logger.js';
import { type Connection, createConnection, type StreamDeps } from './connection.js';
import type { StreamPlan } from './plan.js';

export interface Streams {
  /** Streams until the signal aborts; returns when all connections are closed. */
  run(signal: AbortSignal): Promise<void>;
  /** Takes one reading of each source; when the streams run already, their readings are as new as can be. */
  once(signal: AbortSignal): Promise<void>;
  apply(plans: readonly StreamPlan[]): void;
}

interface Held {
  readonly connection: Connection;
  readonly stop: AbortController;
}

/** Creates the streams without a connection. */
export function createStreams(deps: StreamDeps & { readonly log: Logger }): Streams {
  const held = new Map<string, Held>();
  const running = new Set<Promise<void>>();
  let runSignal: AbortSignal | undefined;

  function start({ connection, stop }: Held, signal: AbortSignal): void {
    const work = connection
      .run(AbortSignal.any([signal, stop.signal]))
      // Only a bug comes here; the message may hold the address.
      .catch((error: unknown) =>
        deps.log.error({ event: 'stream_failed', error: (error as Error).name }, 'a stream ended'),
      )
      .finally(() => running.delete(work));
    running.add(work);
  }

  return {
    async run(signal) {
      runSignal = signal;
      for (const one of held.values()) start(one, signal);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      runSignal = undefined;
      await Promise.all(running);
    },
    async once(signal) {
      if (runSignal) return;
      await Promise.all([...held.values()].map(({ connection }) => connection.once(signal)));
    },
    apply(plans) {
      const wanted = new Map(plans.map((plan) => [plan.key, plan]));
      for (const [key, { stop }] of held) {
        if (wanted.has(key)) continue;
        stop.abort();
        held.delete(key);
      }
      for (const [key, plan] of wanted) {
        const known = held.get(key);
        if (known) known.connection.update(plan);
        else {
          const one = { connection: createConnection(plan, deps), stop: new AbortController() };
          held.set(key, one);
          if (runSignal) start(one, runSignal);
        }
      }
    },
  };
}
