/** What is shown, joined from the daemon's status page and the demo's own reading of the chain. */
import { formatScaled } from '../src/common/decimal.js';
import type { Status } from './daemon.js';
import type { RoundData } from './proxies.js';
import type { PublishedFeed } from './verify.js';

/** One feed as texts. */
export interface FeedRow {
  readonly name: string;
  readonly median: string;
  readonly onChain: string;
  /** Deviation in percent of the threshold. */
  readonly deviation: string;
  readonly age: string;
  readonly fresh: string;
  readonly reason: string;
  readonly detail: string;
}

export interface ExchangeRow {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly state: string;
}

export interface View {
  readonly elapsedMs: number;
  readonly recordedMs: number;
  readonly speed: number;
  readonly height: bigint;
  readonly round: number;
  readonly wantedRounds: number | undefined;
  readonly feeds: readonly FeedRow[];
  readonly transaction: string;
  readonly exchanges: readonly ExchangeRow[];
}

/** What never changes while the demo runs. */
export interface Places {
  readonly rpcUrl: string;
  readonly aggregator: string;
  readonly metricsUrl: string;
  readonly statusUrl: string;
  readonly logFile: string;
}

/** A decimal without the zeros at its end, but with two places at least. */
export function trimZeros(text: string): string {
  const match = /^(-?\d+\.\d\d)(\d*?)0*$/.exec(text);
  return match ? `${match[1]}${match[2]}` : text;
}

/** A feed that the status page does not tell of, yet. */
const UNKNOWN = { median: '-', deviation: '-', fresh: '-', reason: '-', detail: '' };

/** Joins what is known of one feed. */
export function feedRow(
  feed: PublishedFeed,
  status: Status | undefined,
  found: RoundData | undefined,
  nowMs: number,
  heartbeatSeconds: number,
): FeedRow {
  const known = status?.feeds.find(({ name }) => name === feed.name);
  const onChain = found ? trimZeros(formatScaled(found.answer, feed.decimals)) : '-';
  const age = found ? `${Math.max(0, Math.floor(nowMs / 1_000) - found.updatedAt)}` : '-';
  return {
    ...UNKNOWN,
    name: feed.name,
    onChain,
    age: `${age} of ${known?.heartbeatSeconds ?? heartbeatSeconds} s`,
    ...(known && {
      median: known.price ? trimZeros(known.price) : '-',
      deviation: known.deviation ? `${(known.deviation.ratio * 100).toFixed(0)} %` : '-',
      fresh: `${known.sources.filter(({ used }) => used).length} of ${known.sources.length}`,
      reason: known.reason,
      detail: known.detail ?? '',
    }),
  };
}

/** The last transaction of the group as a sentence. */
export function transactionText(status: Status | undefined): string {
  const last = status?.groups[0]?.lastTransaction;
  return last ? `${last.hash}, ${last.gasUsed} gas, block ${last.blockNumber}` : 'none yet';
}
