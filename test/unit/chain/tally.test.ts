import { describe, expect, it } from 'vitest';
import { type TallyInput, tally } from '../../chaos/tally.js';

const run = (change: Partial<TallyInput>) =>
  tally({
    rounds: [
      { group: 1, round: 1, answer: 1_000n, blockTimestamp: 100 },
      { group: 1, round: 2, answer: 1_010n, blockTimestamp: 120 },
    ],
    periods: [{ group: 1, startedMs: 112_000, endedMs: 121_000 }],
    cancelledMs: [],
    heartbeatSeconds: 30,
    leadSeconds: 10,
    deviationBps: 50n,
    endedAt: 140,
    graceMs: 5_000,
    endedMs: 140_000,
    ...change,
  });

describe('a soak', () => {
  it('without cancels has none that it should not have', () => {
    expect(run({})).toMatchObject({
      due: 2,
      landed: 2,
      duplicated: 0,
      heartbeatsMissed: 0,
      cancelledWhileDue: 0,
    });
  });

  it.each([
    ['before the price moved', 111_000, 0],
    ['as the price moved', 113_000, 0],
    ['while the move was due', 115_000, 1],
    ['as the round landed', 120_500, 0],
    ['after the round', 125_000, 0],
    ['when the heartbeat was due', 148_500, 1],
  ])('with a transaction cancelled %s', (_what, atMs, expected) => {
    expect(run({ cancelledMs: [atMs] }).cancelledWhileDue).toBe(expected);
  });

  it('that a move outlasted counts every cancel since then', () => {
    const periods = [{ group: 1, startedMs: 130_000 }];
    expect(run({ periods, cancelledMs: [120_000, 134_000, 139_000] })).toMatchObject({
      cancelledWhileDue: 2,
      due: 3,
      landed: 2,
    });
  });
});
