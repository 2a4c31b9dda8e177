/** The page that `explain` prints: a round from its sources to its block, and what was checked. Pure. */
import { formatRational, formatScaled } from '../common/decimal.js';
import { subtract } from '../common/rational.js';
import type { AuditedFeed, AuditedRound } from '../rounds/audit.js';
import { readExactText } from '../rounds/audit-price.js';
import type { Check, SignerRow } from './explain-checks.js';
import { formatTable } from './output.js';

/** All that is said of a round. */
export interface Explanation {
  readonly feed: string;
  readonly round: number;
  readonly chain: string;
  readonly record?: AuditedRound;
  /** Unix milliseconds. */
  readonly recordedAtMs?: number;
  /** Why there is no record. */
  readonly noRecord?: string;
  readonly signers: readonly SignerRow[];
  readonly checks: readonly Check[];
}

const MARKS: Readonly<Record<Check['result'], string>> = { agrees: 'ok', differs: 'DIFFERS', unknown: '?' };
const time = (ms: number): string => new Date(ms).toISOString();

/** Renders an explanation as text. */
export function explanationPage(explanation: Explanation): string {
  const { feed, round, chain, record, checks, signers } = explanation;
  const lines: string[] = [`${feed}, round ${round}, chain ${chain}`, ''];
  const audited = record?.feeds.find((found) => found.feed === feed);
  if (!record || !audited) lines.push(`There is no record: ${explanation.noRecord ?? 'unknown why'}`, '');
  else {
    const answer =
      audited.answer === undefined ? 'no answer' : formatScaled(BigInt(audited.answer), audited.decimals);
    lines.push(
      `answer       ${answer}`,
      `decided      ${time(record.tick * 1_000)} (tick ${record.tick}), because: ${audited.reason}`,
      ...(audited.detail ? [`held back    ${audited.detail}`] : []),
      ...beforeLines(audited, record.tick),
      '',
      'Sources',
      sourcesTable(audited, record.tick),
      '',
      'Report',
      `group        ${record.group} (${record.groupId}), round ${record.round}, ${record.feeds.length} feeds, ${record.wide ? 'wide' : 'narrow'} answers`,
      `contract     ${record.aggregator} on chain ${record.chainId}`,
      `bytes        ${record.packed}`,
      '',
      'Signers',
      signersTable(signers),
      '',
      'Transaction',
      `hash         ${record.hash}`,
      `from         ${record.transmitter}`,
      `block        ${record.blockNumber}`,
      `gas          ${record.gasUsed}${record.effectiveGasPriceWei === undefined ? '' : ` at ${record.effectiveGasPriceWei} wei`}`,
      '',
    );
  }
  lines.push(
    'Checks',
    formatTable(checks.map(({ code, result, detail }) => [MARKS[result], code, detail])),
    '',
    verdict(checks),
  );
  return lines.join('\n');
}

/** One sentence for what agrees, one for what differs, one for each thing that could not be checked. */
function verdict(checks: readonly Check[]): string {
  const of = (result: Check['result']) => checks.filter((check) => check.result === result);
  const namesOf = (result: Check['result']) => [...new Set(of(result).map(({ code }) => code))].join(', ');
  const differing = namesOf('differs');
  const open = namesOf('unknown');
  return [
    differing !== ''
      ? `DIFFERS: ${differing}. The record and what was computed or read do not agree.`
      : of('agrees').length > 0
        ? `Everything that could be checked agrees (${of('agrees').length} checks).`
        : 'Nothing could be checked.',
    ...(open === '' ? [] : [`Could not be verified: ${open}.`]),
  ].join('\n');
}

function beforeLines({ before, decimals, rules }: AuditedFeed, tick: number): string[] {
  if (!before) return [];
  const held =
    before.round === 0
      ? 'no answer'
      : `${formatScaled(BigInt(before.answer), decimals)} of round ${before.round}, ${tick - before.updatedAt} s old`;
  const triggers = rules
    ? [
        `rules        heartbeat ${rules.heartbeatSeconds} s, deviation ${rules.deviation}${rules.deviation === 'off' ? '' : ' %'}, ` +
          `at least ${rules.minSources} sources, spread at most ${rules.maxSpread} %`,
      ]
    : [];
  return [`on chain     ${held}`, ...triggers];
}

function sourcesTable(feed: AuditedFeed, tick: number): string {
  const rows = [
    ...feed.used.map((one) => ({ ...one, verdict: 'used' })),
    ...feed.dropped.map((one) => ({ ...one, verdict: `dropped: ${one.code ?? 'without a reason'}` })),
  ].map((one) =>
    'value' in one
      ? [
          one.source,
          shown(one.value),
          `${((tick * 1_000 - one.observedAtMs) / 1_000).toFixed(1)} s`,
          one.timeFrom,
          fromAnswer(one.value, feed),
          one.verdict,
        ]
      : [one.source, '-', '-', '-', '-', one.verdict],
  );
  return rows.length === 0
    ? '(none)'
    : formatTable([['source', 'value', 'age', 'time of', 'from answer', 'verdict'], ...rows]);
}

/** The exact text; a fraction with its decimal beginning, for the eye. */
function shown(text: string): string {
  const value = readExactText(text);
  return text.includes('/') && value ? `${text} (${formatRational(value)}…)` : text;
}

/** Percent above or below the answer. */
function fromAnswer(text: string, { answer, decimals }: AuditedFeed): string {
  const value = readExactText(text);
  if (!value || answer === undefined || BigInt(answer) === 0n) return '-';
  const base = { n: BigInt(answer), d: 10n ** BigInt(decimals) };
  const difference = subtract(value, base);
  const size = base.n < 0n ? -base.n : base.n;
  const percent = { n: difference.n * 100n * base.d, d: difference.d * size };
  return `${percent.n > 0n ? '+' : ''}${formatRational(percent, 4)} %`;
}

const signersTable = (signers: readonly SignerRow[]): string =>
  signers.length === 0
    ? '(the report is not readable)'
    : formatTable([
        ['place', 'address', 'how', ''],
        ...signers.map(({ place, address, how, check }) => [
          String(place),
          address ?? '-',
          how,
          MARKS[check.result],
        ]),
      ]);
