/** What of a record can be checked by itself: the median, the guards, the decision, the report and its signatures. Pure. */
import { formatRational, formatScaled } from '../common/decimal.js';
import { compare, multiply, type Rational, toScaled } from '../common/rational.js';
import { type Address, HOLD_REASONS, type Report } from '../common/words.js';
import { distance, median, percentOf, sorted } from '../prices/median.js';
import { recoverSigner } from '../reports/signing.js';
import type { AuditedFeed, AuditedRound } from '../rounds/audit.js';
import { readExactText } from '../rounds/audit-price.js';
import { deviationMet, deviationRatio } from '../rounds/decide.js';
import type { UnpackedReport } from './explain-report.js';

export type CheckCode =
  | 'record'
  | 'median'
  | 'guards'
  | 'decision'
  | 'report'
  | 'report_answer'
  | 'signature'
  | 'chain_id'
  | 'transaction'
  | 'receipt'
  | 'signer_set'
  | 'threshold'
  | 'event'
  | 'ring_answer'
  | 'proxy_answer';

export interface Check {
  readonly code: CheckCode;
  /** `unknown`: it could not be checked; the detail says why. */
  readonly result: 'agrees' | 'differs' | 'unknown';
  readonly detail: string;
}

export const agrees = (code: CheckCode, detail: string): Check => ({ code, result: 'agrees', detail });
export const differs = (code: CheckCode, detail: string): Check => ({ code, result: 'differs', detail });
export const unknown = (code: CheckCode, detail: string): Check => ({ code, result: 'unknown', detail });
export const judge = (code: CheckCode, good: boolean, detail: string): Check =>
  good ? agrees(code, detail) : differs(code, detail);

/** Makes the median out of the observations again and compares it with the answer. */
export function checkMedian(feed: AuditedFeed): Check {
  const { answer, used, decimals, before } = feed;
  if (answer === undefined) return unknown('median', 'the feed was held back and has no answer');
  const show = (value: bigint) => formatScaled(value, decimals);
  if (used.length === 0)
    return before
      ? judge(
          'median',
          before.answer === answer,
          `the market was closed: ${show(BigInt(answer))} repeats the answer before`,
        )
      : unknown('median', 'the record holds no observations');
  const values = valuesOf(feed);
  const middle = values && median(values);
  if (!middle) return differs('median', 'an observation is no number');
  const again = toScaled(middle, decimals);
  return judge(
    'median',
    again.toString() === answer,
    `${used.length} observations make ${show(again)}, the answer is ${show(BigInt(answer))}`,
  );
}

/** Whether the guards that need nothing but the record would pass the observations again. */
export function checkGuards(feed: AuditedFeed): Check {
  const { answer, rules, used } = feed;
  if (answer === undefined || used.length === 0) return unknown('guards', 'no median was made');
  if (!rules) return unknown('guards', 'the record does not keep the rules');
  const values = sorted(valuesOf(feed) ?? []);
  const [low, high, middle] = [values[0], values.at(-1), median(values)];
  const most = readExactText(rules.maxSpread);
  if (!low || !high || !middle || !most) return differs('guards', 'an observation or a rule is no number');
  const enough = used.length >= rules.minSources;
  const near = compare(distance(high, low), percentOf(most, middle)) <= 0;
  return judge(
    'guards',
    enough && near,
    `${used.length} of at least ${rules.minSources} sources; from ${formatRational(low)} to ${formatRational(high)}, ` +
      `${near ? 'within' : 'wider than'} ${rules.maxSpread} %`,
  );
}

/** Whether the reason follows from the answer, what the chain held, and the triggers. */
export function checkDecision(feed: AuditedFeed, tick: number): Check {
  const { answer, reason, before, rules } = feed;
  if (answer === undefined)
    return judge(
      'decision',
      (HOLD_REASONS as readonly string[]).includes(reason),
      `held back: ${reason}${feed.detail ? `, ${feed.detail}` : ''}`,
    );
  if (!before || !rules)
    return unknown('decision', `${reason}; the record does not keep what it was measured against`);
  if (before.round === 0)
    return judge('decision', reason === 'first_round', `${reason}: there was no answer before`);
  const deviation: Rational | 'off' | undefined =
    rules.deviation === 'off' ? 'off' : readExactText(rules.deviation);
  if (deviation === undefined) return differs('decision', 'the threshold is no number');
  const triggers = {
    heartbeatSeconds: rules.heartbeatSeconds,
    deviation,
    ...(rules.minChange === undefined ? {} : { minChange: BigInt(rules.minChange) }),
  };
  const last = BigInt(before.answer);
  const met = deviationMet(BigInt(answer), last, triggers);
  const age = tick - before.updatedAt;
  // The lead, which the record does not keep, is half of the heartbeat at the most.
  const late = 2 * age >= rules.heartbeatSeconds;
  const follows: Readonly<Record<string, boolean>> = {
    deviation: met,
    heartbeat: !met && late,
    deviation_and_heartbeat: met && late,
    companion: !met,
  };
  const ratio = deviationRatio(BigInt(answer), last, deviation);
  const change =
    ratio && deviation !== 'off'
      ? `changed by ${formatRational(multiply(ratio, deviation), 4)} % of a threshold of ${rules.deviation} %`
      : `deviation is ${deviation === 'off' ? 'off' : 'measured from zero'}`;
  return judge(
    'decision',
    follows[reason] ?? false,
    `${reason}: ${change}, age ${age} s of a heartbeat of ${rules.heartbeatSeconds} s`,
  );
}

/** Whether the report says what the record says. */
export function checkReport(
  record: AuditedRound,
  index: number,
  report: UnpackedReport | undefined,
): Check[] {
  if (!report)
    return [differs('report', 'the bytes are no report of so many signers and feeds as the record names')];
  const { groupId, round, tick, wide } = record;
  const same = report.group === groupId && report.round === round && report.timestamp === tick;
  const feed = record.feeds[index];
  const wanted = feed?.answer;
  const given = report.places.flatMap((place) => (place.kind === 'listed' ? [] : [place.answers[index]]));
  const shown = given.map((one) => (one === undefined ? 'none' : formatScaled(one, feed?.decimals ?? 0)));
  return [
    judge(
      'report',
      same,
      `group ${report.group}, round ${report.round}, tick ${report.timestamp}, ${wide ? 'wide' : 'narrow'}` +
        (same ? '' : `; the record says group ${groupId}, round ${round}, tick ${tick}`),
    ),
    judge(
      'report_answer',
      given.some((one) => one?.toString() === wanted),
      `signers reported ${shown.join(', ') || 'nothing'}; this replica's answer was ${
        wanted === undefined ? 'none' : formatScaled(BigInt(wanted), feed?.decimals ?? 0)
      }`,
    ),
  ];
}

/** One place of the signer set, as the page shows it. */
export interface SignerRow {
  readonly place: number;
  /** Who it turned out to be; absent when nothing can be recovered. */
  readonly address?: Address;
  readonly how: 'signature' | 'sender' | 'did not sign';
  readonly check: Check;
}

/** Recovers each signature and compares it with the place's signer in the record. */
export async function checkSignatures(
  record: AuditedRound,
  report: UnpackedReport,
): Promise<readonly SignerRow[]> {
  const { chainId, aggregator, signers, transmitter, wide } = record;
  return Promise.all(
    report.places.map(async (place, index): Promise<SignerRow> => {
      const wanted = signers[index];
      const compared = (address: Address | undefined, what: string): Check =>
        judge(
          'signature',
          address !== undefined && address.toLowerCase() === wanted?.toLowerCase(),
          `place ${index}: ${what} ${address ?? 'nobody'}${
            address?.toLowerCase() === wanted?.toLowerCase() ? '' : `; the record names ${wanted}`
          }`,
        );
      if (place.kind === 'listed')
        return {
          place: index,
          address: place.address,
          how: 'did not sign',
          check: compared(place.address, 'listed without a signature,'),
        };
      if (place.kind === 'sender')
        return {
          place: index,
          address: transmitter,
          how: 'sender',
          check: compared(transmitter, 'sent the transaction itself,'),
        };
      const signed: Report = {
        group: report.group,
        round: report.round,
        timestamp: report.timestamp,
        wide,
        answers: place.answers,
      };
      const address = await recoverSigner(signed, place.signature, { chainId, aggregator });
      return {
        place: index,
        ...(address ? { address } : {}),
        how: 'signature',
        check: compared(address, 'the signature is of'),
      };
    }),
  );
}

function valuesOf({ used }: AuditedFeed): Rational[] | undefined {
  const values = used.flatMap(({ value }) => readExactText(value) ?? []);
  return values.length === used.length ? values : undefined;
}
