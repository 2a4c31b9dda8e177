/** Finding a record: page by page, the newest of its round, and why there is none. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { findRecord, type ReadPage, searchRecords } from '../../../src/cli/explain-records.js';
import { carries, storedAnswers, unpackReport } from '../../../src/cli/explain-report.js';
import { reduce } from '../../../src/common/rational.js';
import type { AuditedRound } from '../../../src/rounds/audit.js';
import { exactText, readExactText } from '../../../src/rounds/audit-price.js';
import { exact } from '../../support/prices/feeds.js';
import { freePort } from '../../support/redis.js';
import { fixture } from './explain-fixture.js';

let record: AuditedRound;
beforeAll(async () => {
  ({ record } = await fixture());
});
const wanted = { feed: 'ETH/USD', round: 7, chain: 'main' };

/** A stream of records, oldest first, as Redis answers it. */
function stream(records: readonly (AuditedRound | string)[]): ReadPage & { pages: number } {
  const entries = records
    .map((one, at) => ({
      id: `${1_000 + at}-0`,
      fields: { round: typeof one === 'string' ? one : JSON.stringify(one) },
    }))
    .reverse();
  const read = async (before: string | undefined, count: number) => {
    read.pages += 1;
    const from = before === undefined ? 0 : entries.findIndex(({ id }) => id === before) + 1;
    return entries.slice(from, from + count);
  };
  read.pages = 0;
  return read;
}
const rounds = (from: number, to: number, over: Partial<AuditedRound> = {}) =>
  Array.from({ length: to - from + 1 }, (_unused, at) => ({ ...record, ...over, round: from + at }));

describe('a record', () => {
  it('is found however far back it lies', async () => {
    const read = stream([...rounds(1, 1_000), ...rounds(1, 1_000, { chain: 'other' })]);
    expect(await searchRecords(read, wanted)).toMatchObject({
      ok: true,
      record: { round: 7, chain: 'main' },
    });
    expect(read.pages).toBe(10);
  });

  it('is the newest of its round: a reorganisation makes a second one', async () => {
    const read = stream([{ ...record, gasUsed: '1' }, { ...record, gasUsed: '2' }, ...rounds(8, 9)]);
    expect(await searchRecords(read, wanted)).toMatchObject({
      ok: true,
      record: { gasUsed: '2' },
      recordedAtMs: 1_001,
    });
  });

  it('of another feed or chain is not it', async () => {
    const read = stream([record]);
    expect(await searchRecords(read, { ...wanted, feed: 'SOL/USD' })).toMatchObject({
      ok: false,
      code: 'absent',
    });
    expect(await searchRecords(read, { ...wanted, chain: 'other' })).toMatchObject({
      ok: false,
      code: 'absent',
    });
    expect(await searchRecords(read, { feed: 'ETH/USD', round: 7 })).toMatchObject({ ok: true });
  });

  it('that the stream has let go is told apart from one that never was', async () => {
    expect(await searchRecords(stream(rounds(8, 30)), wanted)).toMatchObject({ ok: false, code: 'trimmed' });
    expect(await searchRecords(stream([...rounds(1, 6), ...rounds(8, 30)]), wanted)).toMatchObject({
      code: 'absent',
    });
    expect(await searchRecords(stream([]), wanted)).toMatchObject({ ok: false, code: 'absent' });
  });

  it.each<[string, object]>([
    ['packed', { packed: '0xzz' }],
    ['gasUsed', { gasUsed: 'much' }],
    ['signers', { signers: 'all' }],
    ['feeds.0.decimals', { feeds: [{ feed: 'ETH/USD', decimals: 1e9, reason: 'x', used: [], dropped: [] }] }],
    [
      'feeds.0.answer',
      { feeds: [{ feed: 'ETH/USD', decimals: 8, answer: '1.5', reason: 'x', used: [], dropped: [] }] },
    ],
    ['chainId', { chainId: '1' }],
  ])('that is malformed in %s is unreadable, with the place', async (where, over) => {
    expect(await searchRecords(stream([JSON.stringify({ ...record, ...over })]), wanted)).toMatchObject({
      ok: false,
      code: 'unreadable',
      detail: expect.stringContaining(where),
    });
  });

  it('that is no JSON is passed over', async () => {
    expect(await searchRecords(stream([record, '{nope', 'null', '{"feeds":1}']), wanted)).toMatchObject({
      ok: true,
    });
  });

  it('of a store in memory is gone, and of one that is away unknown', async () => {
    expect(await findRecord('memory:', wanted)).toMatchObject({ ok: false, code: 'memory_state' });
    const url = `redis://:secret-password@127.0.0.1:${await freePort()}`;
    const away = await findRecord(url, wanted);
    expect(away).toMatchObject({ ok: false, code: 'store_away' });
    expect(JSON.stringify(away)).not.toContain('secret-password');
  });
});

describe('exact values as text', () => {
  it.each([
    ['0.1', '0.1'],
    ['2000.50', '2000.5'],
    ['-0.00000000000000000000000125', '-0.00000000000000000000000125'],
    ['1e30', `1${'0'.repeat(30)}`],
    ['0', '0'],
  ])('%s is kept as %s', (given, kept) => {
    expect(exactText(exact(given))).toBe(kept);
  });

  it('a fraction without an end is kept as a fraction', () => {
    expect(exactText({ n: 1n, d: 3n })).toBe('1/3');
    expect(exactText({ n: -20n, d: 30n })).toBe('-2/3');
  });

  it('reads back what it wrote, for any fraction', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt({ min: 1n }), (n, d) => {
        expect(readExactText(exactText({ n, d }))).toEqual(reduce({ n, d }));
      }),
    );
    fc.assert(
      fc.property(fc.bigInt(), fc.nat(60), (n, places) => {
        const value = { n, d: 10n ** BigInt(places) };
        expect(exactText(value)).not.toContain('/');
        expect(readExactText(exactText(value))).toEqual(reduce(value));
      }),
    );
  });

  it.each(['', '1e3', '1/0', '.5', '5.', '1/2/3', '0x1', ' 1', '--1', '1.5/2'])('%j is none', (text) => {
    expect(readExactText(text)).toBeUndefined();
  });
});

describe('a packed report', () => {
  const shape = () => ({ signers: record.signers.length, feeds: 2, wide: false });

  it('is taken apart into what was signed', () => {
    const report = unpackReport(record.packed, shape());
    expect(report).toMatchObject({ group: 1, round: 7, timestamp: record.tick });
    expect(report?.places).toMatchObject([
      { kind: 'sender', answers: [200_033_333_333n, undefined] },
      { kind: 'signed', answers: [200_100_000_000n, undefined] },
      { kind: 'listed', address: record.signers[2] },
    ]);
  });

  it('that is cut, too long or of another shape is none', () => {
    for (let length = 0; length < record.packed.length; length += 2)
      expect(unpackReport(`0x${record.packed.slice(2, length)}`, shape())).toBeUndefined();
    expect(unpackReport(`${record.packed}00`, shape())).toBeUndefined();
    expect(unpackReport(record.packed, { ...shape(), signers: 1 })).toBeUndefined();
    expect(unpackReport(record.packed, { ...shape(), wide: true })).toBeUndefined();
  });

  it('stores the lower median of those present, when at least the threshold are', () => {
    const place = (...answers: (bigint | undefined)[]) => ({ kind: 'sender' as const, answers });
    const places = [place(5n, undefined), place(1n, 7n), place(3n, undefined), place(-9n, undefined)];
    expect(storedAnswers(places, 2, 2)).toEqual([1n, undefined]);
    expect(storedAnswers(places.slice(1), 1, 2)).toEqual([1n, 7n]);
  });

  it('is found among others only on a byte’s boundary', () => {
    expect(carries('0x00aabbcc', '0xAABB')).toBe(true);
    expect(carries('0x0aabb0', '0xaabb')).toBe(false);
    expect(carries('0x0aabb0aabb', '0xaabb')).toBe(true);
  });
});
