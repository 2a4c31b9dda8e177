import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { abs } from '../../../src/common/rational.js';
import type { HoldReason } from '../../../src/common/words.js';
import { type DecideInput, decide, deviationMet } from '../../../src/rounds/decide.js';

const HALF_PERCENT = { n: 1n, d: 2n };
const T = 1_700_000_000;

/** A feed of 2,000.00000000 that was updated ten seconds ago, heartbeat one minute, threshold half of one percent. */
const input = (
  changes: Partial<DecideInput> & { answer?: bigint; last?: bigint; held?: HoldReason },
): DecideInput => ({
  triggers: { heartbeatSeconds: 60, deviation: HALF_PERCENT },
  price: changes.held ? { held: changes.held } : { answer: changes.answer ?? 200_000_000_000n },
  onChain: { answer: changes.last ?? 200_000_000_000n, round: 7, updatedAt: T - 10 },
  tick: T,
  leadSeconds: 3,
  pending: false,
  ...changes,
});

describe('whether a feed is due', () => {
  const cases: [string, DecideInput, boolean, string][] = [
    [
      'the first round is due at once',
      input({ onChain: { answer: 0n, round: 0, updatedAt: 0 } }),
      true,
      'first_round',
    ],
    ['no change is not due', input({}), false, 'not_due'],
    ['just under the threshold is not due', input({ answer: 200_999_999_999n }), false, 'not_due'],
    ['exactly at the threshold is due', input({ answer: 201_000_000_000n }), true, 'deviation'],
    ['just over the threshold is due', input({ answer: 201_000_000_001n }), true, 'deviation'],
    ['downwards, just under is not due', input({ answer: 199_000_000_001n }), false, 'not_due'],
    ['downwards, exactly at is due', input({ answer: 199_000_000_000n }), true, 'deviation'],
    ['from zero any change is due', input({ last: 0n, answer: 1n }), true, 'deviation'],
    ['from zero no change is not due', input({ last: 0n, answer: 0n }), false, 'not_due'],
    ['to zero is due', input({ answer: 0n }), true, 'deviation'],
    ['negative answers count by their size', input({ last: -1_000n, answer: -1_005n }), true, 'deviation'],
    ['negative answers just under', input({ last: -1_000n, answer: -1_004n }), false, 'not_due'],
    ['a change of sign is due', input({ last: -1n, answer: 1n }), true, 'deviation'],
    ['age one short of heartbeat less lead', input({ tick: T - 10 + 56 }), false, 'not_due'],
    ['age at heartbeat less lead', input({ tick: T - 10 + 57 }), true, 'heartbeat'],
    ['long past the heartbeat', input({ tick: T + 9_999 }), true, 'heartbeat'],
    ['both at once', input({ tick: T + 60, answer: 300_000_000_000n }), true, 'deviation_and_heartbeat'],
    [
      'no price is never due, however late',
      input({ held: 'too_few_sources', tick: T + 9_999 }),
      false,
      'too_few_sources',
    ],
    [
      'no price is not due in the first round either',
      input({ held: 'no_observations', onChain: { answer: 0n, round: 0, updatedAt: 0 } }),
      false,
      'no_observations',
    ],
    [
      'a transaction under way is waited for',
      input({ pending: true, answer: 300_000_000_000n }),
      false,
      'pending',
    ],
    [
      'deviation off leaves the heartbeat',
      input({ triggers: { heartbeatSeconds: 60, deviation: 'off' }, answer: 1n }),
      false,
      'not_due',
    ],
    [
      'deviation off, heartbeat due',
      input({ triggers: { heartbeatSeconds: 60, deviation: 'off' }, tick: T + 60 }),
      true,
      'heartbeat',
    ],
    [
      'minChange not reached holds a deviation back',
      input({
        last: 10n,
        answer: 11n,
        triggers: { heartbeatSeconds: 60, deviation: HALF_PERCENT, minChange: 2n },
      }),
      false,
      'not_due',
    ],
    [
      'minChange reached',
      input({
        last: 10n,
        answer: 12n,
        triggers: { heartbeatSeconds: 60, deviation: HALF_PERCENT, minChange: 2n },
      }),
      true,
      'deviation',
    ],
    [
      'minChange from zero',
      input({
        last: 0n,
        answer: 1n,
        triggers: { heartbeatSeconds: 60, deviation: HALF_PERCENT, minChange: 2n },
      }),
      false,
      'not_due',
    ],
    [
      'an on-chain time ahead of the tick does not underflow',
      input({ onChain: { answer: 200_000_000_000n, round: 7, updatedAt: T + 5 } }),
      false,
      'not_due',
    ],
  ];
  it.each(cases)('%s', (_name, given, due, reason) => {
    expect(decide(given)).toEqual({ due, reason });
  });

  it('agrees with the definition |new − last| × 100 ≥ percent × |last| for all numbers', () => {
    const answer = fc.bigInt({ min: -(2n ** 111n), max: 2n ** 111n });
    fc.assert(
      fc.property(
        answer,
        answer,
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        (next, last, n, d) => {
          const met = deviationMet(next, last, { heartbeatSeconds: 1, deviation: { n, d } });
          const expected = last === 0n ? next !== 0n : d * abs(next - last) * 100n >= n * abs(last);
          expect(met).toBe(expected);
        },
      ),
    );
  });

  it('is as due downwards as upwards', () => {
    const positive = fc.bigInt({ min: 1n, max: 2n ** 60n });
    fc.assert(
      fc.property(positive, positive, (last, change) => {
        const triggers = { heartbeatSeconds: 1, deviation: HALF_PERCENT };
        expect(deviationMet(last + change, last, triggers)).toBe(deviationMet(last - change, last, triggers));
      }),
    );
  });
});
