import { encodeErrorResult } from 'viem';
import { describe, expect, it } from 'vitest';
import { oracleAggregatorAbi as abi } from '../../../src/chain/generated/contracts.js';
import {
  createJournal,
  type JournalEntry,
  type JournalState,
  readJournal,
  withAttempt,
  writeJournal,
} from '../../../src/chain/journal.js';
import { decodeRevert, isAheadOnly, REVERT_NAMES } from '../../../src/chain/revert.js';
import {
  addSpending,
  createLedger,
  type Ledger,
  overBudget,
  runwayDays,
  type Spending,
  spentWithin,
} from '../../../src/chain/spending.js';
import { systemClock } from '../../../src/common/time.js';
import { createMemoryState } from '../../../src/state/memory.js';
import { createLogger } from '../../../src/telemetry/logger.js';

const HOUR = 3_600_000;
const log = createLogger({ level: 'silent' });
const entry: JournalEntry = {
  nonce: 4,
  reason: 'heartbeat',
  firstAtMs: 1,
  lastAtMs: 2,
  headAtLast: 9n,
  attempts: [
    {
      kind: 'transmit',
      hash: '0xab',
      raw: '0x02',
      fees: { type: 'eip1559', maxFeeWei: 5n, maxPriorityFeeWei: 1n },
      gasLimit: 60_000n,
      rounds: [{ group: 1, round: 2, timestamp: 3 }],
    },
  ],
};

describe('the journal', () => {
  it('is read back as it was written', () => {
    const state: JournalState = { revision: 3, next: 4, pending: entry, last: { ...entry, nonce: 3 } };
    expect(readJournal(writeJournal(state))).toEqual(state);
  });

  it.each([
    '',
    '{',
    '[]',
    '{"revision":-1}',
    '{"revision":1,"next":"7"}',
    '{"revision":1,"pending":{"nonce":1}}',
  ])('that is spoilt (%s) counts as none', (text) => {
    expect(readJournal(text)).toBeUndefined();
  });

  it('keeps a bounded number of signatures, the newest', () => {
    let grown = entry;
    const attempt = entry.attempts[0]!;
    for (let index = 0; index < 200; index += 1)
      grown = withAttempt(grown, { ...attempt, hash: `0x${index.toString(16)}` }, index, 0n);
    expect(grown.attempts).toHaveLength(64);
    expect(grown.attempts.at(-1)?.hash).toBe('0xc7');
  });

  it('of the store counts when another replica has written since, that of memory when the store forgot', async () => {
    const store = createMemoryState({ clock: systemClock });
    const mine = createJournal(store, 1, '0xAA', log);
    const theirs = createJournal(store, 1, '0xaa', log);
    await mine.save({ next: 1 });
    await theirs.load();
    await theirs.save({ next: 2 });
    expect(await mine.load()).toMatchObject({ next: 2 });
    await store.delete('journal:1:0xaa');
    expect(await mine.load()).toMatchObject({ next: 2 });
  });

  it('goes by memory while the store is away', async () => {
    const away = () => Promise.reject(new Error('away'));
    const journal = createJournal(
      { ...createMemoryState({ clock: systemClock }), get: away, set: away },
      1,
      '0xaa',
      log,
    );
    await journal.save({ next: 9 });
    expect(await journal.load()).toMatchObject({ next: 9 });
  });
});

describe('spending', () => {
  const at = (hours: number) => hours * HOUR;
  const spent = [1, 2, 3, 26].reduce<Spending>((sum, hours) => addSpending(sum, 100n, at(hours)), []);

  it('counts the last hour and the last day, and forgets what is older', () => {
    expect(spentWithin(spent, HOUR, at(26.5))).toBe(100n);
    expect(spentWithin(spent, 24 * HOUR, at(26.5))).toBe(200n);
    expect(spent.length).toBe(2);
  });

  it('is joined within five minutes', () => {
    expect(addSpending(addSpending([], 1n, 0), 2n, 299_999)).toEqual([[0, 3n]]);
  });

  it('is not forgotten when a key changes hands and comes back', async () => {
    const store = createMemoryState({ clock: systemClock });
    let nowMs = at(1_000);
    const clock = { now: () => nowMs, monotonic: () => nowMs };
    const replica = () => createLedger({ store, chainId: () => 1, addresses: ['0xaa', '0xbb'], clock, log });
    const [first, second] = [replica(), replica()];
    await first.record('0xaa', 1_000n);
    nowMs += at(25);
    await second.record('0xaa', 900n);
    const spentToday = async (ledger: Ledger) => spentWithin(await ledger.load(), at(24), nowMs);
    expect(await spentToday(first)).toBe(900n);
    await first.record('0xaa', 1n);
    for (const ledger of [first, second, replica()]) expect(await spentToday(ledger)).toBe(901n);
  });

  it('is not forgotten when the store loses it', async () => {
    const store = createMemoryState({ clock: systemClock });
    const clock = { now: () => at(1_000), monotonic: () => 0 };
    const ledger = createLedger({ store, chainId: () => 1, addresses: ['0xaa'], clock, log });
    await ledger.record('0xaa', 5n);
    await store.delete('spending:1:0xaa');
    await ledger.record('0xaa', 2n);
    expect(await store.get('spending:1:0xaa')).toContain('"7"');
  });

  it('names the budget that a cost would break', () => {
    const fees = { mode: 'eip1559', maxFeeWei: 1n, maxPriorityFeeWei: 1n } as const;
    expect(overBudget(spent, 100n, fees, at(26))).toBeUndefined();
    expect(overBudget(spent, 100n, { ...fees, budgetPerHourWei: 200n }, at(26))).toBeUndefined();
    expect(overBudget(spent, 101n, { ...fees, budgetPerHourWei: 200n }, at(26))).toMatch(
      /100 wei spent in the last hour/,
    );
    expect(overBudget(spent, 101n, { ...fees, budgetPerDayWei: 300n }, at(26))).toMatch(
      /last day.*budget 300/,
    );
  });

  it('tells how many days a balance lasts', () => {
    expect(runwayDays([], 1_000n, 0)).toBeUndefined();
    expect(runwayDays([[0, 100n]], 1_000n, at(12))).toBe(5);
    expect(runwayDays([[0, 100n]], 1_000n, 60_000)).toBeCloseTo(10 / 24);
  });
});

describe('a revert', () => {
  it.each([
    ['RoundNotNext', [1, 5, 6], 'someone_faster'],
    ['TimestampNotNewer', [1, 5, 6], 'someone_faster'],
    ['ReportTooOld', [1, 5, 6n], 'late'],
    ['ReportAhead', [1, 5, 6n], 'other'],
    ['GroupIsPaused', [1], 'paused'],
    ['ThresholdNotMet', [1, 1n, 2], 'unauthorised'],
    ['GroupUnknown', [1], 'other'],
  ] as const)('%s is told by name, with its values, as %s', (errorName, args, cause) => {
    const data = encodeErrorResult({ abi, errorName, args } as Parameters<typeof encodeErrorResult>[0]);
    const revert = decodeRevert(data);
    expect(revert).toEqual({ errorName, errorArgs: args.map(String), cause });
    expect(isAheadOnly(revert)).toBe(errorName === 'ReportAhead');
    expect(REVERT_NAMES).toContain(errorName);
  });

  it('without data, or with strange data, is unknown', () => {
    for (const data of [undefined, '0x', '0x12', '0xdeadbeef00'] as const)
      expect(decodeRevert(data)).toEqual({ errorName: 'Unknown', errorArgs: [], cause: 'other' });
  });

  it('with a message of Solidity is told by it', () => {
    const data = encodeErrorResult({
      abi: [{ type: 'error', name: 'Error', inputs: [{ name: 'message', type: 'string' }] }],
      args: ['no'],
    });
    expect(decodeRevert(data)).toEqual({ errorName: 'Error', errorArgs: ['no'], cause: 'other' });
  });
});
