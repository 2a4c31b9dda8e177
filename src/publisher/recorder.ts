/** What the publisher tells the world: metrics, log lines and the audit trail, each from one place. */
import { isHex } from 'viem/utils';
import type { TransmitOutcome } from '../chain/types.js';
import { formatScaled } from '../common/decimal.js';
import type { Clock } from '../common/time.js';
import { type Address, type GroupOnChain, HOLD_REASONS } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import { type AuditTrail, auditPrice } from '../rounds/audit.js';
import { deviationRatio } from '../rounds/decide.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics, UpdateError } from '../telemetry/metrics.js';
import type { ChainRuntime } from './chain-runtime.js';
import type { Evaluation } from './evaluate.js';
import { failedOf, type GroupState, putOff, settle } from './group-state.js';
import type { GroupPart } from './transmit.js';

interface Deps {
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

interface Settled {
  readonly runtime: ChainRuntime;
  readonly transmitter: Address;
  readonly outcome: TransmitOutcome;
  readonly parts: readonly GroupPart[];
  readonly states: readonly GroupState[];
  /** Groups that go alone until they land. */
  readonly alone: Set<string>;
  /** Ids of the rounds' traces by group. */
  readonly traceIds: ReadonlyMap<string, string>;
}

const isHeld = (reason: string) => (HOLD_REASONS as readonly string[]).includes(reason);

export function createRecorder({ audit, clock, log, metrics }: Deps) {
  const failed = (state: GroupState, error: UpdateError) =>
    metrics.updateErrors.inc({ group: state.config.name, error });

  const confirmed = async (
    { runtime, transmitter, parts, states, alone, traceIds }: Settled,
    outcome: Extract<TransmitOutcome, { code: 'confirmed' }>,
  ): Promise<void> => {
    for (const [index, part] of parts.entries()) {
      const state = states[index];
      if (!state) continue;
      settle(state);
      alone.delete(state.config.name);
      const { round, timestamp } = part.report;
      state.lastTransaction = {
        hash: outcome.hash,
        gasUsed: outcome.gasUsed,
        blockNumber: outcome.blockNumber,
        round,
      };
      const published = part.evaluation.feeds.filter(({ price }) => price.ok);
      for (const { feed } of published) metrics.updatesSent.inc({ feed });
      log.info(
        {
          event: 'round_confirmed',
          chain: runtime.config.name,
          group: state.config.name,
          round,
          timestamp,
          answers: published.map(({ feed, price, reason }) => ({
            feed,
            answer: price.ok ? price.answer.toString() : '',
            reason,
          })),
          hash: outcome.hash,
          block: outcome.blockNumber.toString(),
          gasUsed: outcome.gasUsed.toString(),
          seconds: outcome.seconds,
          traceId: traceIds.get(state.config.name),
        },
        'a round is on chain',
      );
    }
    await Promise.all(
      parts.map((part, index) => {
        const config = states[index]?.config;
        return config
          ? audit.recordRound({
              chain: runtime.config.name,
              chainId: runtime.chain.id(),
              aggregator: runtime.aggregator,
              group: config.name,
              groupId: config.id,
              round: part.report.round,
              tick: part.report.timestamp,
              wide: config.wide,
              signers: part.signers,
              threshold: part.evaluation.onChain?.threshold ?? config.threshold,
              feeds: part.evaluation.feeds.map(({ price, reason, onChain }, feed) => {
                const rules = config.feeds[feed];
                const context = rules && { before: onChain, rules };
                return auditPrice(price, reason, rules?.decimals ?? 0, context);
              }),
              packed: part.packed,
              transmitter,
              hash: outcome.hash,
              gasUsed: outcome.gasUsed.toString(),
              effectiveGasPriceWei: outcome.effectiveGasPriceWei.toString(),
              blockNumber: outcome.blockNumber.toString(),
            })
          : undefined;
      }),
    );
  };

  const reverted = (
    { states, alone, runtime }: Settled,
    outcome: Extract<TransmitOutcome, { code: 'reverted' }>,
  ): void => {
    const error = outcome.cause === 'other' ? 'reverted' : outcome.cause;
    // Every error of a report names its group first.
    const culprit = outcome.errorArgs[0];
    const named = states.filter(
      ({ config }) => culprit !== undefined && !isHex(culprit) && config.id === Number(culprit),
    );
    if (named.length === 0 && states.length > 1) for (const { config } of states) alone.add(config.name);
    for (const state of named.length > 0 ? named : states) {
      failed(state, error);
      // Someone was faster, or the report came late: the next tick decides afresh. Anything else is not hurried.
      if (error !== 'someone_faster' && error !== 'late')
        putOff(state, clock, outcome.hash === undefined ? 'nothing' : 'gas');
    }
    const line = {
      event: 'update_reverted',
      chain: runtime.config.name,
      groups: states.map(({ config }) => config.name),
      error: outcome.errorName,
      args: outcome.errorArgs,
      cause: outcome.cause,
      ...(outcome.hash === undefined ? {} : { hash: outcome.hash }),
    };
    if (error === 'someone_faster') log.info(line, 'another transmitter was faster');
    else log.error(line, 'the contract refused an update');
  };

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

    /** What became of a job. */
    async settled(input: Settled): Promise<void> {
      const { outcome, states, runtime } = input;
      switch (outcome.code) {
        case 'confirmed':
          return confirmed(input, outcome);
        case 'reverted':
          return reverted(input, outcome);
        case 'withdrawn':
          log.debug({ event: 'update_withdrawn', chain: runtime.config.name }, 'nothing was due any more');
          return;
        case 'failed': {
          let news = states.length === 0;
          for (const state of states) {
            failed(state, outcome.cause);
            putOff(state, clock, 'nothing');
            if (failedOf(state, outcome.cause)) news = true;
          }
          log[news ? 'error' : 'debug'](
            {
              event: 'update_failed',
              chain: runtime.config.name,
              groups: states.map(({ config }) => config.name),
              cause: outcome.cause,
              detail: outcome.detail,
            },
            'an update did not become a round; it is tried again every few seconds',
          );
        }
      }
    },
  };
}
