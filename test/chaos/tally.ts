/** Judges a run of the daemon by what stands on chain and by what was sent, and by nothing that the daemon says. Pure. */

export interface StoredRound {
  readonly group: number;
  readonly round: number;
  readonly answer: bigint;
  /** Unix seconds of its block. */
  readonly blockTimestamp: number;
}

/** A stretch of time in which the price lay beyond the threshold of the answer on chain. */
export interface DuePeriod {
  readonly group: number;
  readonly startedMs: number;
  /** When a round brought the answer back; absent: never. */
  readonly endedMs?: number;
}

/** A move is seen by the daemon, and a round by the observer, with this much delay at most. */
const SEEN_AFTER_MS = 2_000;
const NOTED_AFTER_MS = 1_000;
/** The daemon's least lead: an answer so near its heartbeat is due. */
const LEAST_LEAD_SECONDS = 2;

export interface TallyInput {
  readonly rounds: readonly StoredRound[];
  /** Unix milliseconds at which a transaction was cancelled, that is replaced by a transfer of nothing. */
  readonly cancelledMs: readonly number[];
  readonly periods: readonly DuePeriod[];
  readonly heartbeatSeconds: number;
  /** Rounds younger than the heartbeat by more than this were not due by time. */
  readonly leadSeconds: number;
  /** Percent times 100: 50 is half a percent. */
  readonly deviationBps: bigint;
  /** Unix seconds: the last block. */
  readonly endedAt: number;
  /** A move that was there for less than this when the run ended may still be under way. */
  readonly graceMs: number;
  readonly endedMs: number;
}

export interface Tally {
  readonly due: number;
  readonly landed: number;
  /** Rounds stored twice, or stored though neither deviation nor heartbeat asked for them. */
  readonly duplicated: number;
  readonly heartbeatsMissed: number;
  /** Cancels while a round was due: a fresh report should have taken the place of the old one. */
  readonly cancelledWhileDue: number;
  readonly oldestSeconds: number;
  readonly slowestMs: number;
}

/** Counts. `landed` is every round on chain; `due` adds the moves that no round answered. */
export function tally(input: TallyInput): Tally {
  const { rounds, heartbeatSeconds, leadSeconds, deviationBps } = input;
  let duplicated = 0;
  let heartbeatsMissed = 0;
  let oldestSeconds = 0;
  for (const group of new Set(rounds.map((round) => round.group))) {
    const own = rounds.filter((round) => round.group === group);
    own.forEach((round, index) => {
      const before = own[index - 1];
      if (!before) return;
      const age = round.blockTimestamp - before.blockTimestamp;
      oldestSeconds = Math.max(oldestSeconds, age);
      if (age > heartbeatSeconds) heartbeatsMissed += 1;
      const move = round.answer > before.answer ? round.answer - before.answer : before.answer - round.answer;
      const deviated = move * 10_000n >= deviationBps * before.answer;
      const aged = age >= heartbeatSeconds - leadSeconds;
      if (round.round !== before.round + 1 || (!deviated && !aged)) duplicated += 1;
    });
    const last = own.at(-1);
    const age = last ? input.endedAt - last.blockTimestamp : Number.POSITIVE_INFINITY;
    oldestSeconds = Math.max(oldestSeconds, age);
    if (age > heartbeatSeconds) heartbeatsMissed += 1;
  }
  const lengthOf = ({ startedMs, endedMs = input.endedMs }: DuePeriod) => endedMs - startedMs;
  const unanswered = input.periods.filter(
    (period) => period.endedMs === undefined && lengthOf(period) > input.graceMs,
  );
  return {
    due: rounds.length + unanswered.length,
    landed: rounds.length,
    duplicated,
    heartbeatsMissed,
    cancelledWhileDue: input.cancelledMs.filter((atMs) => wasDue(input, atMs)).length,
    oldestSeconds,
    slowestMs: Math.max(0, ...input.periods.map(lengthOf)),
  };
}

/** Whether some group's round was due, by deviation or heartbeat, for long enough to be known. */
function wasDue({ rounds, periods, heartbeatSeconds }: TallyInput, atMs: number): boolean {
  const moved = periods.some(
    ({ startedMs, endedMs = Number.POSITIVE_INFINITY }) =>
      startedMs + SEEN_AFTER_MS <= atMs && atMs <= endedMs - NOTED_AFTER_MS,
  );
  const aged = [...new Set(rounds.map(({ group }) => group))].some((group) => {
    const times = rounds.filter((round) => round.group === group).map((round) => round.blockTimestamp);
    const last = Math.max(...times.filter((timestamp) => timestamp * 1_000 <= atMs));
    return Number.isFinite(last) && atMs / 1_000 - last >= heartbeatSeconds - LEAST_LEAD_SECONDS;
  });
  return moved || aged;
}
