/** The table at the end: what was published, why, for how much, how fast, and whether the chain agrees. */
import type { SaidRound } from './daemon.js';
import type { Verification } from './verify.js';

export interface Summary {
  readonly rounds: readonly SaidRound[];
  readonly elapsedMs: number;
  readonly heartbeatSeconds: number;
  readonly verification: Verification;
  /** How the daemon ended when it was asked to. */
  readonly daemonExit: string;
}

/** Smallest, middle and largest of some numbers; the lower of two middles. */
export function spread<T extends bigint | number>(
  values: readonly T[],
): { readonly min: T; readonly median: T; readonly max: T } | undefined {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const at = (index: number) => sorted[index] as T;
  if (sorted.length === 0) return undefined;
  return { min: at(0), median: at((sorted.length - 1) >> 1), max: at(sorted.length - 1) };
}

/** How many rounds held a reason, and how many answers, in order of first appearance. */
export function countReasons(
  rounds: readonly SaidRound[],
): ReadonlyMap<string, { readonly rounds: number; readonly answers: number }> {
  const counts = new Map<string, { rounds: number; answers: number }>();
  for (const { answers } of rounds) {
    const seen = new Set<string>();
    for (const { answer, reason } of answers) {
      if (answer === undefined) continue;
      const entry = counts.get(reason) ?? { rounds: 0, answers: 0 };
      entry.answers += 1;
      if (!seen.has(reason)) entry.rounds += 1;
      seen.add(reason);
      counts.set(reason, entry);
    }
  }
  return counts;
}

/** Prints an integer with thousands separators. */
export const grouped = (value: bigint | number): string =>
  value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');

const LABEL_WIDTH = 30;
const row = (label: string, text: string): string => `  ${label.padEnd(LABEL_WIDTH)}${text}`;
const times = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Renders the summary. */
export function renderSummary({
  rounds,
  elapsedMs,
  heartbeatSeconds,
  verification,
  daemonExit,
}: Summary): readonly string[] {
  const gas = spread(rounds.map(({ gasUsed }) => gasUsed));
  const latency = spread(rounds.map(({ seconds }) => seconds));
  const gaps = spread(
    rounds.slice(1).map(({ timestamp }, index) => timestamp - (rounds[index]?.timestamp ?? timestamp)),
  );
  const { differences } = verification;
  return [
    'Summary',
    row('rounds', `${rounds.length} in ${Math.round(elapsedMs / 1_000)} s`),
    ...[...countReasons(rounds)].map(([reason, counts]) =>
      row(
        `  by ${reason}`,
        `${times(counts.rounds, 'round').padEnd(10)} ${times(counts.answers, 'answer').padStart(11)}`,
      ),
    ),
    ...(gas
      ? [
          row(
            'gas per round',
            `min ${grouped(gas.min)}, median ${grouped(gas.median)}, max ${grouped(gas.max)}`,
          ),
        ]
      : []),
    ...(latency
      ? [
          row(
            'decision to receipt',
            `min ${latency.min.toFixed(2)} s, median ${latency.median.toFixed(2)} s, max ${latency.max.toFixed(2)} s`,
          ),
        ]
      : []),
    ...(gaps ? [row('between rounds', `at most ${gaps.max} s; the heartbeat is ${heartbeatSeconds} s`)] : []),
    row(
      'answers verified',
      `${verification.getRoundData} through getRoundData, ${verification.latestRoundData} through latestRoundData`,
    ),
    row('the daemon', daemonExit),
    row('differences', differences.length === 0 ? 'none' : `${differences.length}`),
    ...differences.map((difference) => `    ${difference}`),
  ];
}
