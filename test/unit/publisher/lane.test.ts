import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { TransmitJob, TransmitOutcome } from '../../../src/chain/types.js';
import { systemClock } from '../../../src/common/time.js';
import { createLane } from '../../../src/publisher/lane.js';
import type { GroupPart } from '../../../src/publisher/transmit.js';

const part = (group: string, id: number, timestamp: number): GroupPart =>
  ({
    evaluation: { group },
    report: { group: id, round: 1, timestamp, wide: false, answers: [] },
    packed: '0x00',
    signers: [],
  }) as unknown as GroupPart;

/** A transmitter whose jobs the test carries out step by step. */
function createWorld(gathered: GroupPart[][]) {
  const settled: { outcome: TransmitOutcome; groups: string[] }[] = [];
  const signed: number[][] = [];
  const jobs: { job: TransmitJob; end: (outcome: TransmitOutcome) => void }[] = [];
  const lane = createLane(
    {
      transmitter: {
        address: '0x01',
        busy: () => false,
        send: (job) => new Promise((end) => jobs.push({ job, end })),
      },
      clock: systemClock,
      log: pino({ level: 'silent' }),
      gather: async () => gathered.shift() ?? [],
      signed: (parts) => void signed.push(parts.map(({ report }) => report.timestamp)),
      settled: async (outcome, parts) => {
        settled.push({ outcome, groups: parts.map(({ evaluation }) => evaluation.group) });
      },
    },
    new AbortController().signal,
  );
  return { lane, jobs, settled, signed };
}
const confirmed = (rounds: { group: number; round: number; timestamp: number }[]): TransmitOutcome => ({
  code: 'confirmed',
  hash: '0x',
  rounds,
  gasUsed: 1n,
  effectiveGasPriceWei: 1n,
  blockNumber: 1n,
  seconds: 1,
  timeline: { signedAtMs: 1, sentAtMs: 2, includedAtMs: 3, confirmedAtMs: 4 },
});

describe('the lane of one key', () => {
  it('has one job under way at the most, however often it is asked', () => {
    const { lane, jobs } = createWorld([]);
    lane.kick();
    lane.kick();
    expect(jobs).toHaveLength(1);
    expect(lane.busy()).toBe(true);
  });

  it('a group that became due meanwhile joins the replacement, and the outcome tells which parts landed', async () => {
    const first = [part('a', 1, 100)];
    const second = [part('a', 1, 115), part('b', 2, 115)];
    const { lane, jobs, settled, signed } = createWorld([first, second]);
    lane.kick();
    const signal = new AbortController().signal;
    await jobs[0]?.job.prepare(signal);
    expect([lane.carries('a'), lane.carries('b')]).toEqual([true, false]);
    const replacement = await jobs[0]?.job.prepare(signal);
    expect(replacement?.rounds).toEqual([
      { group: 1, round: 1, timestamp: 115 },
      { group: 2, round: 1, timestamp: 115 },
    ]);
    expect(lane.carries('b')).toBe(true);
    // What is prepared may be refused for its price; only what is signed is kept a record of.
    expect(signed).toEqual([]);
    replacement?.onSigned?.();
    expect(signed).toEqual([[115, 115]]);
    // The first attempt landed after all.
    jobs[0]?.end(confirmed([{ group: 1, round: 1, timestamp: 100 }]));
    await lane.close();
    expect(settled).toEqual([{ outcome: expect.objectContaining({ code: 'confirmed' }), groups: ['a'] }]);
    expect(lane.carries('a')).toBe(false);
  });

  it('a transaction of an earlier job that lands instead is not taken for what this one has sent', async () => {
    const { lane, jobs, settled } = createWorld([[part('a', 1, 160)]]);
    lane.kick();
    await jobs[0]?.job.prepare(new AbortController().signal);
    jobs[0]?.end(confirmed([{ group: 1, round: 1, timestamp: 100 }]));
    await lane.close();
    expect(settled).toEqual([{ outcome: expect.objectContaining({ code: 'confirmed' }), groups: [] }]);
  });

  it('with nothing due any more the job is told so', async () => {
    const { lane, jobs } = createWorld([[]]);
    lane.kick();
    expect(await jobs[0]?.job.prepare(new AbortController().signal)).toBeUndefined();
    jobs[0]?.end({ code: 'withdrawn' });
    await lane.close();
  });

  it('starts nothing once it is closed', async () => {
    const { lane, jobs } = createWorld([]);
    await lane.close();
    lane.kick();
    expect(jobs).toHaveLength(0);
  });
});
