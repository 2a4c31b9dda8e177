/** The live half of `check-config`: what each source says now, next to the median. */

import { readAggregator } from '../chain/feed-reader.js';
import { formatRational } from '../common/decimal.js';
import { abs, subtract } from '../common/rational.js';
import { systemClock } from '../common/time.js';
import type { Observation, Price } from '../common/words.js';
import type { Environment, FeedConfig, PublisherConfig } from '../config/types.js';
import { createPriceBook } from '../prices/book.js';
import { createLogger, createMask } from '../telemetry/logger.js';
import { createMetrics } from '../telemetry/metrics.js';
import { checkChains } from './check-chains.js';
import { EXIT_FAILED, formatTable, print } from './output.js';

const LIVE_DEADLINE_MS = 30_000;

/** Asks every source and chain once and prints a table; sets exit code 1 when a feed would have no price. */
export async function checkLive(
  config: PublisherConfig,
  environment: Environment,
  secrets: readonly string[],
): Promise<void> {
  const log = createLogger({ level: 'fatal', mask: createMask(secrets) });
  const metrics = createMetrics();
  const feeds = [...config.groups.flatMap((group) => group.feeds), ...config.conversions];
  const book = createPriceBook({
    config: { feeds, pollIntervalMs: config.pollIntervalMs },
    clock: systemClock,
    log,
    metrics,
    random: Math.random,
    readAggregator,
  });
  await book.pollOnce(AbortSignal.timeout(LIVE_DEADLINE_MS));
  const tick = Math.floor(systemClock.now() / 1_000);
  print('');
  const rows = feeds.flatMap((feed) => feedRows(feed, tick, book));
  print(formatTable([['feed', 'source', 'value', 'latency', 'from median', 'age', 'verdict'], ...rows]));
  if (feeds.some((feed) => !book.price(feed.name, tick).ok)) process.exitCode = EXIT_FAILED;
  await checkChains(config, environment, log);
}

function feedRows(feed: FeedConfig, tick: number, book: ReturnType<typeof createPriceBook>): string[][] {
  const price = book.price(feed.name, tick);
  // Converted into the feed's quote currency, unlike the source's own last observation.
  const used = new Map(price.used.map((observation) => [observation.source, observation]));
  const dropped = new Map(price.dropped.map(({ source, code }) => [source, code]));
  const rows = book
    .sources(feed.name)
    .map((source) => [
      feed.name,
      source.label,
      source.observation ? formatRational(source.observation.value, feed.decimals) : '-',
      source.latencyMs === undefined ? '-' : `${Math.round(source.latencyMs)} ms`,
      fromMedian(price.ok ? used.get(source.label) : undefined, price, feed.decimals),
      source.observation
        ? `${Math.round((systemClock.now() - source.observation.observedAtMs) / 1_000)} s`
        : '-',
      used.has(source.label)
        ? 'used'
        : [dropped.get(source.label) ?? source.result ?? 'no answer', source.detail]
            .filter(Boolean)
            .join(': '),
    ]);
  const median = price.ok
    ? formatRational({ n: price.answer, d: 10n ** BigInt(feed.decimals) }, feed.decimals)
    : '-';
  return [
    ...rows,
    [feed.name, '= median', median, '', '', '', price.ok ? 'price' : `${price.code}: ${price.detail}`],
  ];
}

/** Percent above or below the median; nothing for a source that was not used. */
function fromMedian(observation: Observation | undefined, price: Price, decimals: number): string {
  if (!observation || !price.ok || price.answer === 0n) return '-';
  const median = { n: price.answer, d: 10n ** BigInt(decimals) };
  const difference = subtract(observation.value, median);
  const percent = { n: difference.n * 100n * median.d, d: difference.d * abs(price.answer) };
  return `${percent.n > 0n ? '+' : ''}${formatRational(percent, 4)} %`;
}
