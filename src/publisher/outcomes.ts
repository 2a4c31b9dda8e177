/** What became of a transaction: metrics, the log line and the audit record of each of its rounds. */
import { isHex } from 'viem/utils';
import type { ReportedRound, TransmitOutcome } from '../chain/types.js';
import type { Clock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { AuditTrail, DraftedRound, LandedReceipt } from '../rounds/audit.js';
import { auditPrice } from '../rounds/audit-price.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics, UpdateError } from '../telemetry/metrics.js';
import type { ChainRuntime } from './chain-runtime.js';
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

type LandedTransaction = Pick<
  Extract<TransmitOutcome, { code: 'confirmed' }>,
  'hash' | 'gasUsed' | 'effectiveGasPriceWei' | 'blockNumber'
>;

const receiptOf = (landed: LandedTransaction): LandedReceipt => ({
  hash: landed.hash,
  gasUsed: landed.gasUsed.toString(),
  effectiveGasPriceWei: landed.effectiveGasPriceWei.toString(),
  blockNumber: landed.blockNumber.toString(),
});

interface LandedLate {
  readonly runtime: ChainRuntime;
  readonly transmitter: Address;
  readonly state: GroupState;
  readonly reported: ReportedRound;
  readonly receipt: LandedTransaction;
  readonly alone: Set<string>;
}

export type Outcomes = ReturnType<typeof createOutcomes>;

export function createOutcomes({ audit, clock, log, metrics }: Deps) {
  const failed = (state: GroupState, error: UpdateError) =>
    metrics.updateErrors.inc({ group: state.config.name, error });

  const draftOf = (
    runtime: ChainRuntime,
    transmitter: Address,
    part: GroupPart,
    { config }: GroupState,
  ): DraftedRound => ({
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
  });

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
        const state = states[index];
        return (
          state && audit.recordRound({ ...draftOf(runtime, transmitter, part, state), ...receiptOf(outcome) })
        );
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
    // A revert that was paid for is always told.
    let news = outcome.hash !== undefined;
    for (const state of named.length > 0 ? named : states) {
      failed(state, error);
      if (failedOf(state, outcome.errorName)) news = true;
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
    else log[news ? 'error' : 'debug'](line, 'the contract refused an update');
  };

  return {
    /** A round that is signed and about to be sent; not waited for. */
    signed(runtime: ChainRuntime, transmitter: Address, part: GroupPart, state: GroupState): void {
      void audit.draft(draftOf(runtime, transmitter, part, state));
    },

    /** A round that an earlier process, or an earlier job of this one, sent: found landed by the key's next job. */
    async landedLate(input: LandedLate): Promise<void> {
      const { runtime, transmitter, state, reported, receipt, alone } = input;
      settle(state);
      alone.delete(state.config.name);
      const { round, timestamp } = reported;
      const { hash, gasUsed, blockNumber } = receipt;
      state.lastTransaction = { hash, gasUsed, blockNumber, round };
      const draft = await audit.recordLate(
        {
          chainId: runtime.chain.id(),
          aggregator: runtime.aggregator,
          groupId: state.config.id,
          round,
          tick: timestamp,
        },
        receiptOf(receipt),
      );
      const published = draft?.feeds.filter(({ answer }) => answer !== undefined) ?? [];
      for (const { feed } of published) metrics.updatesSent.inc({ feed });
      log.info(
        {
          event: 'round_confirmed',
          chain: runtime.config.name,
          group: state.config.name,
          round,
          timestamp,
          answers: published.map(({ feed, answer, reason }) => ({ feed, answer, reason })),
          hash,
          block: blockNumber.toString(),
          gasUsed: gasUsed.toString(),
          late: true,
          transmitter,
          ...(draft ? {} : { audit: 'none was kept' }),
        },
        'a round that was sent earlier is on chain',
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
