/** One look at the world: the daemon's status page and, past the daemon, the chain and the exchanges' processes. */
import { describeExit } from './child.js';
import { readStatus } from './daemon.js';
import { recordedTime } from './exchanges/replay.js';
import type { ExchangeProcess } from './fleet.js';
import type { Options } from './options.js';
import type { Proxies } from './proxies.js';
import { type ExchangeRow, feedRow, transactionText, type View } from './view.js';
import type { World } from './world.js';

/** The exchanges, and whether they live. */
export const exchangeRows = (exchanges: readonly ExchangeProcess[]): readonly ExchangeRow[] =>
  exchanges.map(({ name, url, child }) => {
    const exit = child.exit();
    return { name, url, pid: child.pid, state: exit ? describeExit(exit) : 'running' };
  });

/** Reads everything that is shown, once. @throws when the chain does not answer in time */
export async function look(at: {
  readonly world: World;
  readonly options: Options;
  readonly proxies: Proxies;
  readonly signal: AbortSignal;
  readonly elapsedMs: () => number;
  readonly round: number;
}): Promise<View> {
  const { world, options, proxies, signal, elapsedMs, round } = at;
  const [status, height, ...found] = await Promise.all([
    readStatus(world.httpPort, signal),
    proxies.height(),
    ...world.feeds.map(({ proxy }) => proxies.latest(proxy)),
  ]);
  const nowMs = Date.now();
  return {
    elapsedMs: elapsedMs(),
    recordedMs: recordedTime(world.timeline, nowMs),
    speed: options.speed,
    height,
    round,
    wantedRounds: options.rounds,
    feeds: world.feeds.map((feed, index) =>
      feedRow(feed, status, found[index], nowMs, options.heartbeatSeconds),
    ),
    transaction: transactionText(status),
    exchanges: exchangeRows(world.exchanges),
  };
}
