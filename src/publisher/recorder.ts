import { formatScaled } from '../common/decimal.js';
import { type GroupOnChain, HOLD_REASONS } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import type { AuditTrail } from '../rounds/audit.js';
import { deviationRatio } from '../rounds/decide.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics, UpdateError } from '../telemetry/metrics.js';
import type { Evaluation } from './evaluate.js';
import { failedOf, type GroupState } from './group-state.js';

interface Deps {
  readonly audit: AuditTrail;
  readonly log: Logger;
  readonly metrics: Metrics;
}

const isHeld = (reason: string) => (HOLD_REASONS as readonly string[]).includes(reason);

export type Recorder = ReturnType<typeof createRecorder>;

export function createRecorder({ audit, log, metrics }: Deps) {
  return {
    /** Starts all children at zero. */
    declare(groups: readonly GroupConfig[]): void {
      for (const group of groups) {
        metrics.declareGroup(group.name);
        for (const feed of group.feeds) {
          metrics.declareFeed(feed.name);
          metrics.feedHeartbeat.set({ feed: feed.name }, feed.heartbeatSeconds);
        }
      }
    },

    /** After each tick's evaluation: counts, gauges, and lines when a reason changes. */
    evaluated(group: GroupConfig, evaluation: Evaluation, before: Evaluation | undefined): void {
      for (const [index, { feed, reason, price, onChain }] of evaluation.feeds.entries()) {
        metrics.decisions.inc({ feed, reason });
        metrics.feedSourcesFresh.set({ feed }, price.used.length);
        const config = group.feeds[index];
        if (price.ok && config && onChain.round > 0) {
          const ratio = deviationRatio(price.answer, onChain.answer, config.deviation);
          metrics.feedDeviation.set({ feed }, ratio ? Number((ratio.n * 10_000n) / ratio.d) / 10_000 : 0);
        } else metrics.feedDeviation.remove({ feed });
        const last = before?.feeds[index];
        if (last?.reason === reason) continue;
        const detail = price.ok ? '' : price.detail;
        void audit.recordReason(feed, reason, detail, evaluation.tick);
        const line = {
          event: 'reason_changed',
          feed,
          reason,
          from: last?.reason ?? null,
          tick: evaluation.tick,
        };
        if (isHeld(reason)) log.warn({ ...line, detail }, 'the feed is held back');
        else if (last && isHeld(last.reason)) log.info(line, 'the feed has a price again');
        else log.debug(line, 'the reason changed');
      }
    },

    /** After each reading of a group from the chain. */
    observed(group: GroupConfig, onChain: GroupOnChain, chain: string): void {
      for (const [index, feed] of group.feeds.entries()) {
        const held = onChain.feeds[index];
        if (!held || held.round === 0) continue;
        metrics.feedAnswer.set({ feed: feed.name }, Number(formatScaled(held.answer, feed.decimals)));
        metrics.feedLastUpdate.set({ feed: feed.name }, held.updatedAt);
      }
      metrics.groupRound.set({ group: group.name, adapter: chain }, onChain.round);
      metrics.groupThreshold.set({ group: group.name }, onChain.threshold);
    },

    /** How many valid signatures an attempt at a round has. */
    signatures(group: GroupConfig, count: number): void {
      metrics.groupSignatures.set({ group: group.name }, count);
    },

    /** A group whose round cannot be made; counted each time, told when it is news. */
    problem(state: GroupState, error: UpdateError, detail: string): void {
      const group = state.config.name;
      metrics.updateErrors.inc({ group, error });
      log[failedOf(state, error) ? 'error' : 'debug'](
        { event: 'update_impossible', group, error, detail },
        'the group cannot be published; it is tried again every few seconds',
      );
    },

    /** What a dry run would have done. */
    wouldPublish(group: GroupConfig, evaluation: Evaluation): void {
      log.info(
        {
          event: 'would_publish',
          group: group.name,
          round: (evaluation.onChain?.round ?? 0) + 1,
          timestamp: evaluation.tick,
          answers: evaluation.feeds.map(({ feed, price, reason, onChain }) => ({
            feed,
            reason,
            answer: price.ok ? price.answer.toString() : null,
            onChain: onChain.answer.toString(),
          })),
        },
        'dry run: nothing is sent',
      );
    },
  };
}
