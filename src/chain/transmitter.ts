/** One transmitter key as the publisher sees it: a job in, one outcome with a closed code out. */

import { parseTransaction } from 'viem/utils';
import type { Clock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics, TransactionStatus } from '../telemetry/metrics.js';
import { paidPerGas } from './fees.js';
import { decodeRevert, OUT_OF_GAS, type Revert } from './revert.js';
import { isRevert } from './rpc/endpoint.js';
import type { RpcPool } from './rpc/pool.js';
import { data, toQuantity } from './rpc/shapes.js';
import type { Sender, SendOutcome } from './sender.js';
import type { TransmitOutcome, Transmitter } from './types.js';

export interface TransmitterDeps {
  readonly name: string;
  readonly address: Address;
  readonly aggregator: Address;
  readonly sender: Sender;
  readonly pool: RpcPool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Told the measured seconds from each decision to its inclusion. */
  readonly onIncluded: (seconds: number) => void;
}

type Landed = Extract<SendOutcome, { code: 'landed' }>;

/** Creates the transmitter of one key. */
export function createTransmitter(deps: TransmitterDeps): Transmitter {
  const { name, sender, clock, log, metrics } = deps;
  const count = (operation: 'transmit' | 'cancel', status: TransactionStatus) =>
    metrics.transactions.inc({ adapter: name, operation, status });

  async function landed(outcome: Landed, decidedAtMs: number, signal: AbortSignal): Promise<TransmitOutcome> {
    const { attempt, receipt, timeline } = outcome;
    const seconds = (clock.monotonic() - decidedAtMs) / 1_000;
    count(attempt.kind, receipt.success ? 'confirmed' : 'reverted');
    metrics.transactionSeconds.observe({ adapter: name, operation: attempt.kind }, seconds);
    if (attempt.kind === 'cancel') return { code: 'withdrawn' };
    const { hash, gasUsed, blockNumber } = receipt;
    const { rounds } = attempt;
    if (!receipt.success) {
      const revert = await nameRevert(outcome, signal);
      metrics.contractReverts.inc({ adapter: name, error: revert.errorName });
      return { code: 'reverted', ...revert, rounds, hash, gasUsed, timeline };
    }
    deps.onIncluded((outcome.seenAtMs - decidedAtMs) / 1_000);
    const effectiveGasPriceWei = paidPerGas(attempt.fees, receipt.effectiveGasPriceWei);
    return { code: 'confirmed', hash, rounds, gasUsed, effectiveGasPriceWei, blockNumber, seconds, timeline };
  }

  /** Runs what landed again, after its block and before it, to learn the error that the receipt does not tell. */
  async function nameRevert({ attempt, receipt }: Landed, signal: AbortSignal): Promise<Revert> {
    const { data: input } = parseTransaction(attempt.raw);
    const call = { from: deps.address, to: deps.aggregator, data: input ?? '0x' };
    for (const block of [receipt.blockNumber, receipt.blockNumber - 1n]) {
      const reply = await deps.pool.read('eth_call', [call, toQuantity(block)], data, signal);
      if (!reply.ok && isRevert(reply.failure)) return decodeRevert(reply.failure.rpcData);
    }
    return receipt.gasUsed >= attempt.gasLimit ? OUT_OF_GAS : decodeRevert(undefined);
  }

  async function conclude(
    outcome: SendOutcome,
    decidedAtMs: number,
    signal: AbortSignal,
  ): Promise<TransmitOutcome> {
    switch (outcome.code) {
      case 'landed':
        return landed(outcome, decidedAtMs, signal);
      case 'withdrawn':
        count('transmit', 'withdrawn');
        return outcome;
      case 'refused':
        count('transmit', 'failed');
        metrics.contractReverts.inc({ adapter: name, error: outcome.revert.errorName });
        return { code: 'reverted', ...outcome.revert, rounds: outcome.rounds };
      case 'failed':
        count('transmit', 'failed');
        return {
          code: 'failed',
          cause: outcome.cause,
          detail: outcome.detail,
          ...(outcome.timeline ? { timeline: outcome.timeline } : {}),
        };
    }
  }

  return {
    address: deps.address,
    busy: sender.busy,
    async send(job, signal) {
      const request = {
        reason: job.reason,
        async prepare(inner: AbortSignal) {
          const prepared = await job.prepare(inner);
          return prepared && { to: deps.aggregator, ...prepared };
        },
      };
      const outcome = await conclude(await sender.send(request, signal), job.decidedAtMs, signal);
      const { code } = outcome;
      // The publisher tells the operator of each outcome that is news.
      log.debug(
        {
          event: 'transmit_ended',
          chain: name,
          transmitter: deps.address,
          reason: job.reason,
          code,
          ...('hash' in outcome ? { hash: outcome.hash } : {}),
          ...('cause' in outcome ? { cause: outcome.cause } : {}),
          ...('errorName' in outcome ? { error: outcome.errorName, args: outcome.errorArgs } : {}),
          ...('detail' in outcome ? { detail: outcome.detail } : {}),
          ...('seconds' in outcome ? { seconds: outcome.seconds, gasUsed: String(outcome.gasUsed) } : {}),
        },
        'transmit ended',
      );
      return outcome;
    },
  };
}
