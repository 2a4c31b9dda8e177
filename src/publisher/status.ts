/** The daemon's state as one plain object: what `/v1/status`, the status page and `oracle-publisher status` show. */
import { formatRational, formatScaled } from '../common/decimal.js';
import type { Clock } from '../common/time.js';
import { formatPercent } from '../config/schema.js';
import type { FeedConfig } from '../config/types.js';
import type { PriceBook } from '../prices/book.js';
import { deviationRatio } from '../rounds/decide.js';
import type { ChainRuntime } from './chain-runtime.js';
import type { FeedVerdict } from './evaluate.js';
import type { GroupState } from './group-state.js';
import type { Publisher } from './publisher.js';

export interface SourceStatus {
  readonly label: string;
  /** Decimal text of the last observation; null when there is none. */
  readonly value: string | null;
  readonly ageMs: number | null;
  /** Whether the last tick's price used it. */
  readonly used: boolean;
  /** The last poll's result, or why the observation was left out. */
  readonly code: string;
}

export interface FeedStatus {
  readonly name: string;
  readonly group: string;
  readonly decimals: number;
  /** The price at the last tick; null while a guard holds it back. */
  readonly price: string | null;
  readonly onChain: { readonly answer: string; readonly round: number; readonly updatedAt: number } | null;
  readonly deviation: { readonly percent: string; readonly threshold: string; readonly ratio: number } | null;
  readonly ageSeconds: number | null;
  readonly heartbeatSeconds: number;
  readonly reason: string;
  readonly detail: string;
  readonly sources: readonly SourceStatus[];
}

export interface Status {
  readonly version: string;
  readonly startedAt: string;
  readonly configHash: string;
  readonly dryRun: boolean;
  readonly chains: readonly {
    readonly name: string;
    /** Absent until the chain was reached. */
    readonly id: number | null;
    readonly aggregator: string;
    readonly height: string | null;
    readonly healthy: boolean;
    readonly endpoints: readonly {
      readonly endpoint: string;
      readonly healthy: boolean;
      readonly reason?: string;
    }[];
    readonly transmitters: readonly string[];
  }[];
  readonly groups: readonly {
    readonly name: string;
    readonly id: number;
    readonly chain: string;
    readonly round: number | null;
    readonly paused: boolean;
    readonly leader: boolean;
    readonly lastTransaction: {
      readonly hash: string;
      readonly gasUsed: string;
      readonly blockNumber: string;
      readonly round: number;
    } | null;
  }[];
  readonly feeds: readonly FeedStatus[];
}

export interface StatusDeps {
  readonly version: string;
  readonly startedAtMs: number;
  readonly configHash: () => string;
  readonly dryRun: boolean;
  readonly chains: readonly ChainRuntime[];
  readonly ready: (chain: string) => boolean;
  readonly publisher: Publisher;
  readonly book: PriceBook;
  readonly holds: (group: string) => boolean;
  readonly clock: Clock;
}

/** Reads the daemon's state; never waits for anything. */
export function readStatus(deps: StatusDeps): Status {
  const groups = deps.publisher.groups();
  return {
    version: deps.version,
    startedAt: new Date(deps.startedAtMs).toISOString(),
    configHash: deps.configHash(),
    dryRun: deps.dryRun,
    chains: deps.chains.map(({ config, chain, aggregator }) => ({
      name: config.name,
      id: deps.ready(config.name) ? chain.id() : null,
      aggregator,
      height: chain.head()?.number.toString() ?? null,
      healthy: deps.ready(config.name) && chain.healthy(),
      endpoints: chain.endpoints().map(({ endpoint, healthy, reason }) => ({
        endpoint,
        healthy,
        ...(reason === undefined ? {} : { reason }),
      })),
      transmitters: chain.transmitters.map(({ address }) => address),
    })),
    groups: groups.map(({ config, evaluation, lastTransaction }) => ({
      name: config.name,
      id: config.id,
      chain: config.chain,
      round: evaluation?.onChain?.round ?? null,
      paused: evaluation?.onChain?.paused ?? false,
      leader: deps.holds(config.name),
      lastTransaction: lastTransaction
        ? {
            hash: lastTransaction.hash,
            gasUsed: lastTransaction.gasUsed.toString(),
            blockNumber: lastTransaction.blockNumber.toString(),
            round: lastTransaction.round,
          }
        : null,
    })),
    feeds: groups.flatMap((state) =>
      state.config.feeds.map((feed, index) => feedStatus(deps, state, feed, index)),
    ),
  };
}

function feedStatus(
  { book, clock }: StatusDeps,
  state: GroupState,
  feed: FeedConfig,
  index: number,
): FeedStatus {
  const verdict = state.evaluation?.feeds[index];
  const onChain = verdict && verdict.onChain.round > 0 ? verdict.onChain : undefined;
  const nowMs = clock.now();
  const used = new Set(verdict?.price.used.map(({ source }) => source));
  const dropped = new Map(verdict?.price.dropped.map(({ source, code }) => [source, code]));
  return {
    name: feed.name,
    group: state.config.name,
    decimals: feed.decimals,
    price: verdict?.price.ok ? formatScaled(verdict.price.answer, feed.decimals) : null,
    onChain: onChain
      ? {
          answer: formatScaled(onChain.answer, feed.decimals),
          round: onChain.round,
          updatedAt: onChain.updatedAt,
        }
      : null,
    deviation: deviationOf(feed, verdict),
    ageSeconds: onChain ? Math.max(0, Math.floor(nowMs / 1_000) - onChain.updatedAt) : null,
    heartbeatSeconds: feed.heartbeatSeconds,
    reason: verdict?.reason ?? 'chain_unknown',
    detail: verdict && !verdict.price.ok ? verdict.price.detail : '',
    sources: book.sources(feed.name).map(({ label, observation, result }) => ({
      label,
      value: observation ? formatRational(observation.value) : null,
      ageMs: observation ? Math.max(0, nowMs - observation.observedAtMs) : null,
      used: used.has(label),
      code: dropped.get(label) ?? result ?? 'pending',
    })),
  };
}

/** The change from the answer on chain in percent, the threshold, and the one over the other. */
function deviationOf(feed: FeedConfig, verdict: FeedVerdict | undefined): FeedStatus['deviation'] {
  if (!verdict?.price.ok || verdict.onChain.round === 0) return null;
  const ratio = deviationRatio(verdict.price.answer, verdict.onChain.answer, feed.deviation);
  if (!ratio || feed.deviation === 'off') return null;
  const percent = { n: ratio.n * feed.deviation.n, d: ratio.d * feed.deviation.d };
  return {
    percent: formatRational(percent, 4),
    threshold: formatPercent(feed.deviation),
    ratio: Number((ratio.n * 10_000n) / ratio.d) / 10_000,
  };
}
