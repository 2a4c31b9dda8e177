import { describe, expect, it } from 'vitest';
import type { TransmitOutcome } from '../../../src/chain/types.js';
import type { ChainRuntime } from '../../../src/publisher/chain-runtime.js';
import { traceRound, traceRounds } from '../../../src/publisher/round-trace.js';
import type { GroupPart } from '../../../src/publisher/transmit.js';
import type { RoundTrace } from '../../../src/telemetry/tracing.js';

const ADDRESS = `0x${'12'.repeat(20)}` as const;
const runtime = {
  config: { name: 'main' },
  chain: { id: () => 31_337 },
  aggregator: ADDRESS,
} as unknown as ChainRuntime;
const observation = (source: string, receivedAtMs: number) => ({
  source,
  value: { n: 2_000n, d: 1n },
  observedAtMs: receivedAtMs - 5,
  receivedAtMs,
  timeFrom: 'venue',
});
const partOf = (group: string): GroupPart =>
  ({
    evaluation: {
      group,
      feeds: [
        {
          feed: 'ETH/USD',
          reason: 'deviation',
          price: {
            ok: true,
            answer: 200_000_000_000n,
            used: [observation('a', 900), observation('b', 950)],
            dropped: [{ source: 'c', code: 'stale' }],
          },
          onChain: { answer: 190_000_000_000n, round: 6, updatedAt: 0 },
        },
      ],
      onChain: { threshold: 1 },
    },
    report: { group: 1, round: 7, timestamp: 1 },
    signers: [ADDRESS],
    moments: { startedAtMs: 1_000, decidedAtMs: 1_100 },
  }) as unknown as GroupPart;
const trace = (outcome: TransmitOutcome) =>
  traceRound({ runtime, transmitter: ADDRESS, outcome, part: partOf('majors'), nowMs: 9_000 });
const spans = (from: RoundTrace | undefined) =>
  from?.steps.map(({ name, startMs, endMs }) => `${name} ${startMs} ${endMs}`);

const confirmed: TransmitOutcome = {
  code: 'confirmed',
  hash: '0xaa',
  rounds: [],
  gasUsed: 37_000n,
  effectiveGasPriceWei: 1n,
  blockNumber: 12n,
  seconds: 2,
  timeline: { signedAtMs: 1_200, sentAtMs: 1_300, includedAtMs: 2_500, confirmedAtMs: 3_000 },
};

describe('the trace of a group', () => {
  it('that was confirmed begins with its oldest observation and leaves no gap', () => {
    const made = trace(confirmed);
    expect(spans(made)).toEqual([
      'sources 900 1000',
      'decision 1000 1100',
      'signing 1100 1200',
      'sending 1200 1300',
      'confirmation 1300 3000',
    ]);
    expect(made).not.toHaveProperty('error');
    expect(made?.attributes).toMatchObject({ 'oracle.round': 7, 'oracle.transaction': '0xaa' });
    expect(made?.steps[0]?.events).toMatchObject([
      { name: 'observation', atMs: 900, attributes: { source: 'a', value: '2000', age_ms: 105 } },
      { name: 'observation', atMs: 950 },
      { name: 'dropped', attributes: { source: 'c', code: 'stale' } },
    ]);
    expect(made?.steps.at(-1)?.events).toEqual([{ name: 'included', atMs: 2_500 }]);
  });

  it('that the simulation refused ends in the signing', () => {
    const made = trace({
      code: 'reverted',
      errorName: 'WrongRound',
      errorArgs: [],
      cause: 'someone_faster',
      rounds: [],
    });
    expect(spans(made)?.at(-1)).toBe('signing 1100 9000');
    expect(made?.error).toBe('someone_faster: WrongRound');
  });

  it('that reverted on chain was confirmed as such', () => {
    const { timeline, hash } = confirmed;
    const made = trace({
      code: 'reverted',
      errorName: 'GroupPaused',
      errorArgs: [],
      cause: 'paused',
      rounds: [],
      hash,
      timeline,
    });
    expect(spans(made)?.at(-1)).toBe('confirmation 1300 3000');
    expect(made?.error).toBe('paused: GroupPaused');
  });

  it.each([
    [{}, 'signing 1100 9000'],
    [{ signedAtMs: 1_200 }, 'sending 1200 9000'],
    [{ signedAtMs: 1_200, sentAtMs: 1_300 }, 'confirmation 1300 9000'],
  ])('that failed after %j ends in the step that did not', (timeline, last) => {
    const made = trace({ code: 'failed', cause: 'not_confirmed', detail: 'no receipt', timeline });
    expect(spans(made)?.at(-1)).toBe(last);
    expect(made?.error).toBe('not_confirmed: no receipt');
  });

  it('that had nothing to do any more is none', () => {
    expect(trace({ code: 'withdrawn' })).toBeUndefined();
  });
});

describe('a transaction of several groups', () => {
  const job = { runtime, transmitter: ADDRESS, outcome: confirmed, parts: [partOf('a'), partOf('b')] };

  it('is one trace per group', () => {
    const made: RoundTrace[] = [];
    const tracing = { round: (one: RoundTrace) => `id${made.push(one)}`, close: async () => undefined };
    expect([...traceRounds(tracing, job, 9_000)]).toEqual([
      ['a', 'id1'],
      ['b', 'id2'],
    ]);
  });

  it('costs nothing where no traces are wanted', () => {
    expect(traceRounds(undefined, job, 9_000).size).toBe(0);
  });
});
