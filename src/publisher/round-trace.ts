/** A settled job as traces, one per group's round: what the sources gave, what was decided, what became of it. */
import type { Timeline } from '../chain/timeline.js';
import type { TransmitOutcome } from '../chain/types.js';
import { formatRational } from '../common/decimal.js';
import type { Address } from '../common/words.js';
import {
  ROUND_STEPS,
  type RoundEvent,
  type RoundStep,
  type RoundTrace,
  type Tracing,
} from '../telemetry/tracing.js';
import type { ChainRuntime } from './chain-runtime.js';
import type { GroupPart } from './transmit.js';

/** A job that has settled, with the parts of its transaction. */
interface SettledJob {
  readonly runtime: ChainRuntime;
  readonly transmitter: Address;
  readonly outcome: TransmitOutcome;
  readonly parts: readonly GroupPart[];
}

/** Hands a settled job to the tracing. @returns the traces' ids by group, none without tracing */
export function traceRounds(
  tracing: Tracing | undefined,
  { parts, ...job }: SettledJob,
  nowMs: number,
): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  if (!tracing) return ids;
  for (const part of parts) {
    const trace = traceRound({ ...job, part, nowMs });
    const id = trace && tracing.round(trace);
    if (id !== undefined) ids.set(part.evaluation.group, id);
  }
  return ids;
}

type Input = Omit<SettledJob, 'parts'> & {
  readonly part: GroupPart;
  /** Unix milliseconds: where what was begun and not done ends. */
  readonly nowMs: number;
};

/** One group's round as a trace. @returns `undefined` when nothing was to be done any more */
export function traceRound(input: Input): RoundTrace | undefined {
  const { runtime, transmitter, outcome, part } = input;
  if (outcome.code === 'withdrawn') return undefined;
  const { config, chain, aggregator } = runtime;
  const error = errorOf(outcome);
  return {
    attributes: {
      'oracle.chain': config.name,
      'oracle.chain_id': chain.id(),
      'oracle.aggregator': aggregator,
      'oracle.group': part.evaluation.group,
      'oracle.round': part.report.round,
      'oracle.tick': part.report.timestamp,
      'oracle.feeds': part.evaluation.feeds.map(({ feed }) => feed),
      'oracle.transmitter': transmitter,
      'oracle.outcome': outcome.code,
      ...('hash' in outcome ? { 'oracle.transaction': outcome.hash } : {}),
    },
    steps: stepsOf(input),
    ...(error === undefined ? {} : { error }),
  };
}

function errorOf(outcome: TransmitOutcome): string | undefined {
  if (outcome.code === 'failed') return `${outcome.cause}: ${outcome.detail}`;
  return outcome.code === 'reverted' ? `${outcome.cause}: ${outcome.errorName}` : undefined;
}

/** Each step ends where the next begins; the steps end with the last one that was begun. */
function stepsOf({ outcome, part, nowMs }: Input): RoundStep[] {
  const timeline: Partial<Timeline> = 'timeline' in outcome ? (outcome.timeline ?? {}) : {};
  const { startedAtMs, decidedAtMs } = part.moments;
  const received = part.evaluation.feeds.flatMap(({ price }) =>
    price.used.map(({ receivedAtMs }) => receivedAtMs),
  );
  const ends = [startedAtMs, decidedAtMs, timeline.signedAtMs, timeline.sentAtMs, timeline.confirmedAtMs];
  const details = detailsOf(part, outcome, timeline);
  const steps: RoundStep[] = [];
  let startMs = Math.min(startedAtMs, ...received);
  for (const [index, name] of ROUND_STEPS.entries()) {
    const endMs = ends[index];
    steps.push({ name, startMs, endMs: endMs ?? nowMs, ...details[name] });
    if (endMs === undefined) break;
    startMs = endMs;
  }
  return steps;
}

type Details = Pick<RoundStep, 'attributes' | 'events'>;

function detailsOf(
  { evaluation, signers, moments }: GroupPart,
  outcome: TransmitOutcome,
  timeline: Partial<Timeline>,
): Record<RoundStep['name'], Details> {
  const { feeds, onChain } = evaluation;
  const observations = feeds.flatMap(({ feed, price }): RoundEvent[] => [
    ...price.used.map(({ source, value, receivedAtMs, observedAtMs, timeFrom }) => ({
      name: 'observation',
      atMs: receivedAtMs,
      attributes: {
        feed,
        source,
        value: formatRational(value),
        age_ms: moments.startedAtMs - observedAtMs,
        time_from: timeFrom,
      },
    })),
    ...price.dropped.map(({ source, code }) => ({
      name: 'dropped',
      atMs: moments.startedAtMs,
      attributes: { feed, source, code },
    })),
  ]);
  return {
    sources: {
      attributes: {
        'oracle.observations.used': feeds.reduce((sum, { price }) => sum + price.used.length, 0),
        'oracle.observations.dropped': feeds.reduce((sum, { price }) => sum + price.dropped.length, 0),
      },
      events: observations,
    },
    decision: {
      attributes: { 'oracle.reasons': [...new Set(feeds.map(({ reason }) => reason))] },
      events: feeds.map(({ feed, reason, price, onChain: held }) => ({
        name: 'verdict',
        atMs: moments.decidedAtMs,
        attributes: {
          feed,
          reason,
          answer: price.ok ? price.answer.toString() : price.code,
          on_chain: held.answer.toString(),
        },
      })),
    },
    signing: {
      attributes: { 'oracle.signers': signers.length, 'oracle.threshold': onChain?.threshold ?? 0 },
    },
    sending: {},
    confirmation: {
      ...(outcome.code === 'confirmed'
        ? {
            attributes: {
              'oracle.block': Number(outcome.blockNumber),
              'oracle.gas_used': Number(outcome.gasUsed),
              'oracle.seconds': outcome.seconds,
            },
          }
        : {}),
      ...(timeline.includedAtMs === undefined
        ? {}
        : { events: [{ name: 'included', atMs: timeline.includedAtMs }] }),
    },
  };
}
