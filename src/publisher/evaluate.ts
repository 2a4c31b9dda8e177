/** Evaluates a whole group at a tick: one verdict per feed, and whether the group is due. Pure. */

import type { DecisionReason, FeedOnChain, GroupOnChain, Price } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import { fitsLane } from '../reports/lanes.js';
import { decide } from '../rounds/decide.js';

/** One feed's part of an evaluation. */
export interface FeedVerdict {
  readonly feed: string;
  readonly reason: DecisionReason;
  readonly price: Price;
  readonly onChain: FeedOnChain;
}

export interface Evaluation {
  readonly group: string;
  readonly tick: number;
  /** Whether a round is to be made. */
  readonly due: boolean;
  readonly feeds: readonly FeedVerdict[];
  readonly onChain: GroupOnChain | undefined;
}

export interface EvaluateInput {
  readonly group: GroupConfig;
  /** In the order of the group's feeds. */
  readonly prices: readonly Price[];
  readonly onChain: GroupOnChain | undefined;
  /** Unix seconds. */
  readonly tick: number;
  /** Seconds from decision to inclusion, measured. */
  readonly leadSeconds: number;
  /** Whether a transaction that carries this group is under way. */
  readonly pending: boolean;
  /** Whether this replica may publish the group. */
  readonly leader: boolean;
}

const NEVER: FeedOnChain = { answer: 0n, round: 0, updatedAt: 0 };

/**
 * Gives each feed its one reason. When one feed is due, the others that have a price travel with it as companions. A
 * report must be newer than the signed time on chain, so at a tick that is not, nothing is due yet.
 */
export function evaluateGroup(input: EvaluateInput): Evaluation {
  const { group, onChain, tick, pending, leader } = input;
  const feeds = group.feeds.map((feed, index): FeedVerdict & { due: boolean } => {
    const price = laneChecked(input.prices[index], feed.name, group.wide);
    const held = onChain?.feeds[index] ?? NEVER;
    const verdict = decide({
      triggers: feed,
      price: price.ok ? { answer: price.answer } : { held: price.code },
      onChain: held,
      tick,
      leadSeconds: leadOf(input.leadSeconds, feed.heartbeatSeconds),
      pending,
    });
    return { feed: feed.name, reason: verdict.reason, price, onChain: held, due: verdict.due };
  });
  const blocked = blockedReason(input);
  const due = blocked === undefined && tick > (onChain?.signedAt ?? 0) && feeds.some((feed) => feed.due);
  return {
    group: group.name,
    tick,
    due,
    onChain,
    feeds: feeds.map(({ due: feedDue, ...feed }) => {
      if (feedDue && blocked !== undefined) return { ...feed, reason: blocked };
      const companion = due && !feedDue && feed.reason === 'not_due';
      return companion ? { ...feed, reason: 'companion' } : feed;
    }),
  };

  function blockedReason({ onChain: held }: EvaluateInput): DecisionReason | undefined {
    if (held === undefined) return 'chain_unknown';
    if (held.paused) return 'paused';
    return leader ? undefined : 'not_leader';
  }
}

/** A lead of half the heartbeat at the most: a slow chain must not turn a heartbeat into every tick. */
const leadOf = (leadSeconds: number, heartbeatSeconds: number): number =>
  Math.min(Math.ceil(leadSeconds), Math.floor(heartbeatSeconds / 2));

function laneChecked(price: Price | undefined, feed: string, wide: boolean): Price {
  if (price === undefined)
    return { ok: false, feed, code: 'no_observations', detail: 'not polled yet', used: [], dropped: [] };
  if (!price.ok || fitsLane(price.answer, wide)) return price;
  return {
    ok: false,
    feed,
    code: 'out_of_range',
    detail: `${price.answer} does not fit the ${wide ? 112 : 56} bits of an answer`,
    used: price.used,
    dropped: price.dropped,
  };
}
