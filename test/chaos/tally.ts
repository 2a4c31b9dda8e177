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

export interface TallyInput {
  readonly rounds: readonly StoredRound[];
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
    oldestSeconds,
    slowestMs: Math.max(0, ...input.periods.map(lengthOf)),
  };
}
