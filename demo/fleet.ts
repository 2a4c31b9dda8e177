/** The exchange servers, one process each, so that the user can kill one of them and watch what happens. */
import { type Child, startReady } from './child.js';
import type { Timeline } from './exchanges/replay.js';
import { VENUES } from './exchanges/venues.js';

export interface ExchangeProcess {
  readonly name: string;
  readonly url: string;
  readonly child: Child;
}

const START_TIMEOUT_MS = 60_000;

function listening(line: string): string | undefined {
  try {
    const { event, url } = JSON.parse(line) as { event?: unknown; url?: unknown };
    return event === 'listening' && typeof url === 'string' ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Starts all exchanges. Their processes end with the demo's own, even when it is killed.
 * @param adopt told of each process that started, so that it is stopped whatever happens to the others
 */
export async function startExchanges(
  timeline: Timeline,
  seed: number,
  adopt: (child: Child) => void,
  signal: AbortSignal,
): Promise<readonly ExchangeProcess[]> {
  const { epochMs, startMs, speed } = timeline;
  const started = await Promise.allSettled(
    VENUES.map(async ({ name }) => {
      const { child, value } = await startReady(
        {
          name,
          args: [
            ...['--import', 'tsx', 'demo/exchanges/serve.ts', name],
            ...[epochMs, startMs, speed, seed].map(String),
          ],
          timeoutMs: START_TIMEOUT_MS,
        },
        listening,
        signal,
      );
      adopt(child);
      return { name, url: value, child };
    }),
  );
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
