/** Our side of the comparison: the real HTTP server over a real price book, judged by the publisher's own evaluation. */
import { systemClock } from '../../../src/common/time.js';
import { type ExternalAdapterSettings, loadEnvironment } from '../../../src/config/environment.js';
import type { FeedConfig, GroupConfig } from '../../../src/config/types.js';
import { createPriceBook, type PriceBook } from '../../../src/prices/book.js';
import { evaluateGroup } from '../../../src/publisher/evaluate.js';
import { createGroupState } from '../../../src/publisher/group-state.js';
import { readHeldPrices } from '../../../src/server/held-prices.js';
import { startServers } from '../../../src/server/server.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';

export interface Ours {
  readonly url: string;
  readonly book: PriceBook;
  /** Asks every source once and judges a tick. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

export async function startOurs(
  feeds: readonly FeedConfig[],
  settings?: ExternalAdapterSettings,
): Promise<Ours> {
  const log = createLogger({ level: 'silent' });
  const metrics = createMetrics();
  const group: GroupConfig = {
    name: 'group',
    id: 1,
    chain: 'main',
    wide: true,
    ringBits: 4,
    tickSeconds: 1,
    threshold: 1,
    signers: [],
    feeds,
  };
  const state = createGroupState(group);
  const book = createPriceBook({
    config: { feeds, pollIntervalMs: 1_000 },
    clock: systemClock,
    log,
    metrics,
    random: Math.random,
  });
  const { environment } = loadEnvironment({});
  const servers = await startServers({
    environment: {
      ...environment,
      metricsPort: 0,
      httpPort: 0,
      bindAddress: '127.0.0.1',
      ...(settings ? { externalAdapter: settings } : {}),
    },
    metrics,
    log,
    status: () => ({
      version: 'test',
      startedAt: new Date(0).toISOString(),
      configHash: '',
      dryRun: false,
      chains: [],
      groups: [],
      feeds: [],
      prices: readHeldPrices([state], []),
    }),
    health: () => ({
      nowMs: 0,
      lastIterationMs: 0,
      started: true,
      chains: [],
      stateAvailable: true,
      stopping: false,
    }),
  });
  return {
    url: `http://127.0.0.1:${servers.httpPort}`,
    book,
    async tick() {
      await book.pollOnce(AbortSignal.timeout(10_000));
      const tick = Math.floor(Date.now() / 1_000);
      state.evaluation = evaluateGroup({
        group,
        prices: feeds.map(({ name }) => book.price(name, tick)),
        onChain: {
          group: 1,
          round: 0,
          signedAt: 0,
          threshold: 1,
          signers: 1,
          signersHash: '0x',
          wide: true,
          paused: false,
          feeds: feeds.map(() => ({ answer: 0n, round: 0, updatedAt: 0 })),
          blockNumber: 1n,
          blockTimestamp: tick,
        },
        tick,
        leadSeconds: 1,
        pending: false,
        leader: true,
      });
    },
    close: () => servers.close(),
  };
}
