/** What `explain` finds: an honest record agrees everywhere, and each tampered part is told by the check it belongs to. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ChainAnswers, Told } from '../../../src/cli/explain-chain.js';
import { checkChain, compareAnswers } from '../../../src/cli/explain-chain-checks.js';
import {
  type Check,
  checkDecision,
  checkGuards,
  checkMedian,
  checkReport,
  checkSignatures,
} from '../../../src/cli/explain-checks.js';
import { explanationPage } from '../../../src/cli/explain-page.js';
import { unpackReport } from '../../../src/cli/explain-report.js';
import type { Hex } from '../../../src/common/words.js';
import type { AuditedFeed, AuditedRound } from '../../../src/rounds/audit.js';
import { ANVIL_ADDRESSES } from '../../support/anvil.js';
import { fixture, TICK } from './explain-fixture.js';

let record: AuditedRound;
let chain: ChainAnswers;
beforeEach(async () => {
  ({ record, chain } = await fixture());
});

async function checksOf(of: AuditedRound, answers: ChainAnswers | undefined = chain, index = 0) {
  const feed = of.feeds[index]!;
  const shape = { signers: of.signers.length, feeds: of.feeds.length, wide: of.wide };
  const report = unpackReport(of.packed, shape);
  const signers = report ? await checkSignatures(of, report) : [];
  const checks = [
    checkMedian(feed),
    checkGuards(feed),
    checkDecision(feed, of.tick),
    ...checkReport(of, index, report),
    ...signers.map(({ check }) => check),
    ...(answers ? checkChain(of, index, report, signers, answers) : []),
  ];
  return { checks, signers };
}
const codes = (checks: readonly Check[], result: Check['result']) =>
  [...new Set(checks.filter((check) => check.result === result).map(({ code }) => code))].sort();
const changed = (feed: Partial<AuditedFeed>, index = 0): AuditedRound => ({
  ...record,
  feeds: record.feeds.map((one, at) => (at === index ? { ...one, ...feed } : one)),
});

describe('an honest record', () => {
  it('agrees in everything', async () => {
    const { checks, signers } = await checksOf(record);
    expect(codes(checks, 'differs')).toEqual([]);
    expect(codes(checks, 'unknown')).toEqual([]);
    expect(signers.map(({ how }) => how)).toEqual(['sender', 'signature', 'did not sign']);
  });

  it('of a feed that was held back agrees as well, and says that no median was made', async () => {
    const none = { answer: 0n, round: 0n, updatedAt: 0n };
    const { checks } = await checksOf(
      record,
      { ...chain, answer: { ok: true, value: none }, proxyAnswer: { ok: true, value: none } },
      1,
    );
    expect(codes(checks, 'differs')).toEqual([]);
    expect(codes(checks, 'unknown')).toEqual(['guards', 'median']);
  });
});

describe('a tampered record differs', () => {
  const used = () => record.feeds[0]!.used;
  const flipped = (at: number) =>
    `${record.packed.slice(0, at)}${record.packed[at] === '0' ? '1' : '0'}${record.packed.slice(at + 1)}` as Hex;

  it.each<[string, () => AuditedRound, string[]]>([
    [
      'an observation',
      () => changed({ used: used().map((one, at) => (at === 1 ? { ...one, value: '2000.4' } : one)) }),
      ['median'],
    ],
    ['an observation taken away', () => changed({ used: used().slice(0, 1) }), ['guards', 'median']],
    [
      'an observation that is no number',
      () => changed({ used: [{ ...used()[0]!, value: '1e3' }] }),
      ['guards', 'median'],
    ],
    ['the answer', () => changed({ answer: '200000000000' }), ['median', 'report_answer']],
    ['the answer taken away', () => changed({ answer: undefined as never }), ['decision', 'report_answer']],
    ['the reason', () => changed({ reason: 'heartbeat' }), ['decision']],
    ['a reason that says the opposite', () => changed({ reason: 'companion' }), ['decision']],
    ['a reason that makes no round', () => changed({ reason: 'not_due' }), ['decision']],
    [
      'what the chain held',
      () => changed({ before: { answer: '200000000000', round: 6, updatedAt: TICK - 900 } }),
      ['decision'],
    ],
    ['the tick', () => ({ ...record, tick: TICK + 1 }), ['event', 'report', 'ring_answer', 'proxy_answer']],
    ['a signature', () => ({ ...record, packed: flipped(80) }), ['signature', 'signer_set', 'transaction']],
    ['the number of signers', () => ({ ...record, signers: record.signers.slice(1) }), ['report']],
    [
      'a signer',
      () => ({ ...record, signers: [...record.signers.slice(0, 2), ANVIL_ADDRESSES[3]] }),
      ['signature'],
    ],
    ['the threshold', () => ({ ...record, threshold: 1 }), ['threshold']],
    ['the sender', () => ({ ...record, transmitter: ANVIL_ADDRESSES[3] }), ['event', 'receipt', 'signature']],
    ['the gas', () => ({ ...record, gasUsed: '1' }), ['receipt']],
    ['the block', () => ({ ...record, blockNumber: '41' }), ['receipt']],
    ['the chain', () => ({ ...record, chainId: 1 }), ['chain_id', 'signature']],
  ])('%s', async (_what, tampered, expected) => {
    const { checks } = await checksOf(tampered());
    expect(codes(checks, 'differs')).toEqual(expect.arrayContaining(expected));
  });

  it('in its transaction, when the chain has none of that hash', async () => {
    const missing = { ok: false, code: 'missing', detail: 'no such thing' } as const;
    const { checks } = await checksOf(record, { ...chain, receipt: missing, reports: missing });
    expect(codes(checks, 'differs')).toEqual(['receipt', 'transaction']);
  });
});

describe('what the chain says otherwise', () => {
  it('an answer that is not what was stored differs', async () => {
    const other = { ok: true, value: { answer: 1n, round: 7n, updatedAt: BigInt(TICK) } } as const;
    expect(codes((await checksOf(record, { ...chain, answer: other })).checks, 'differs')).toEqual([
      'ring_answer',
    ]);
    expect(codes((await checksOf(record, { ...chain, proxyAnswer: other })).checks, 'differs')).toEqual([
      'proxy_answer',
    ]);
  });

  it('a signer set that is another one differs', async () => {
    const header = { round: 9, threshold: 2, ringBits: 4, signersHash: ANVIL_ADDRESSES[3] };
    const { checks } = await checksOf(record, { ...chain, headerThen: { ok: true, value: header } });
    expect(codes(checks, 'differs')).toEqual(['signer_set']);
  });

  it('an answer that the breaker kept out agrees', async () => {
    const receipt = chain.receipt.ok ? chain.receipt.value : undefined;
    const stored = receipt!.stored.map((one) => ({
      ...one,
      answers: '0x8000000000000080000000000000' as const,
    }));
    const none = { ok: true, value: { answer: 0n, round: 0n, updatedAt: 0n } } as const;
    const broken = { ...receipt!, stored, tripped: [{ group: 1, round: 7, feed: 0 }] };
    const { checks } = await checksOf(record, {
      ...chain,
      receipt: { ok: true, value: broken },
      answer: none,
      proxyAnswer: none,
    });
    expect(codes(checks, 'differs')).toEqual([]);
  });
});

describe('what could not be verified is said', () => {
  const away: Told<never> = { ok: false, code: 'away', detail: 'ECONNREFUSED' };

  it('a round that the ring no longer holds', async () => {
    const gone = { ok: true, value: { answer: 0n, round: 0n, updatedAt: 0n } } as const;
    const header = { round: 23, threshold: 2, ringBits: 4, signersHash: '0x' as const };
    const { checks } = await checksOf(record, {
      ...chain,
      answer: gone,
      proxyAnswer: gone,
      headerNow: { ok: true, value: header },
    });
    expect(codes(checks, 'unknown')).toEqual(['proxy_answer', 'ring_answer']);
    expect(checks.find(({ code }) => code === 'ring_answer')?.detail).toContain('outside the ring');
    expect(codes(checks, 'differs')).toEqual([]);
  });

  it('a round that the ring should still hold differs', async () => {
    const gone = { ok: true, value: { answer: 0n, round: 0n, updatedAt: 0n } } as const;
    expect(codes((await checksOf(record, { ...chain, answer: gone })).checks, 'differs')).toEqual([
      'ring_answer',
    ]);
  });

  it('an endpoint that keeps no old state: the set of today is used, and a changed one proves nothing', async () => {
    const same = await checksOf(record, { ...chain, headerThen: away });
    expect(codes(same.checks, 'differs')).toEqual([]);
    expect(codes(same.checks, 'unknown')).toEqual(['threshold']);
    const rotated = { round: 9, threshold: 2, ringBits: 4, signersHash: ANVIL_ADDRESSES[3] };
    const later = await checksOf(record, {
      ...chain,
      headerThen: away,
      headerNow: { ok: true, value: rotated },
    });
    expect(codes(later.checks, 'unknown')).toEqual(['signer_set', 'threshold']);
    expect(codes(later.checks, 'differs')).toEqual([]);
  });

  it('an endpoint that went away in between', async () => {
    const { checks } = await checksOf(record, {
      ...chain,
      receipt: away,
      reports: away,
      blockTimestamp: away,
      headerThen: away,
      headerNow: away,
      answer: away,
      proxyAnswer: away,
    });
    expect(codes(checks, 'differs')).toEqual([]);
    expect(codes(checks, 'unknown')).toEqual([
      'event',
      'proxy_answer',
      'receipt',
      'ring_answer',
      'signer_set',
      'threshold',
      'transaction',
    ]);
  });

  it('an older record, without rules and what the chain held', async () => {
    const { before: _before, rules: _rules, ...older } = record.feeds[0]!;
    const { checks } = await checksOf({ ...record, feeds: [older, record.feeds[1]!] });
    expect(codes(checks, 'unknown')).toEqual(['decision', 'guards']);
    expect(codes(checks, 'differs')).toEqual([]);
  });

  it('without a record: contract and proxy are held against each other', () => {
    expect(codes(compareAnswers(7, 8, chain), 'agrees')).toEqual(['proxy_answer']);
    const other = { ok: true, value: { answer: 1n, round: 7n, updatedAt: BigInt(TICK) } } as const;
    expect(codes(compareAnswers(7, 8, { ...chain, proxyAnswer: other }), 'differs')).toEqual([
      'proxy_answer',
    ]);
    expect(codes(compareAnswers(7, 8, { ...chain, answer: away }), 'unknown')).toEqual(['ring_answer']);
  });
});

describe('the decision', () => {
  const feed = (over: Partial<AuditedFeed>): AuditedFeed => ({ ...record.feeds[0]!, ...over });
  const was = (answer: string, age: number, round = 6) => ({ answer, round, updatedAt: TICK - age });

  it.each<[string, AuditedFeed['reason'], ReturnType<typeof was>]>([
    ['the first round', 'first_round', was('0', 0, 0)],
    ['a deviation', 'deviation', was('198000000000', 10)],
    ['a heartbeat', 'heartbeat', was('200033333333', 3_500)],
    ['both', 'deviation_and_heartbeat', was('198000000000', 3_600)],
    ['a companion', 'companion', was('200033333332', 10)],
  ])('%s follows', (_what, reason, held) => {
    expect(checkDecision(feed({ reason, before: held }), TICK).result).toBe('agrees');
  });

  it('a heartbeat that came before half of its time differs', () => {
    expect(
      checkDecision(feed({ reason: 'heartbeat', before: was('200033333333', 1_799) }), TICK).result,
    ).toBe('differs');
  });

  it('of a closed market repeats the answer before', () => {
    const repeated = feed({ used: [], answer: '198000000000' });
    expect(checkMedian(repeated).result).toBe('agrees');
    expect(checkMedian({ ...repeated, answer: '198000000001' }).result).toBe('differs');
  });
});

describe('the page', () => {
  it('can be followed from the sources to the verdict', async () => {
    const { checks, signers } = await checksOf(record);
    const page = explanationPage({ feed: 'ETH/USD', round: 7, chain: 'main', record, signers, checks });
    for (const line of [
      /^ETH\/USD, round 7, chain main$/m,
      /^answer {7}2000\.33333333$/m,
      /^decided .* because: deviation$/m,
      /^on chain {5}1980\.00000000 of round 6, 900 s old$/m,
      /^inverse +6001\/3 \(2000\.333333333333333333…\) +1\.0 s +venue +\+0 % +used$/m,
      /^slow +1990 +90\.0 s .*dropped: stale$/m,
      /^dead +- .*dropped: timeout$/m,
      /^1 +0x[0-9a-fA-F]{40} +signature +ok$/m,
      /^gas {10}48123 at 1000000007 wei$/m,
      /^ok +median +3 observations make 2000\.33333333, the answer is 2000\.33333333$/m,
      /^Everything that could be checked agrees \(\d+ checks\)\.$/m,
    ])
      expect(page).toMatch(line);
  });

  it('says first what differs, and what could not be verified', async () => {
    const { checks, signers } = await checksOf({ ...record, gasUsed: '1' }, undefined);
    const all: Check[] = [
      ...checks,
      { code: 'receipt', result: 'differs', detail: 'gas' },
      { code: 'ring_answer', result: 'unknown', detail: 'away' },
    ];
    const page = explanationPage({ feed: 'ETH/USD', round: 7, chain: 'main', record, signers, checks: all });
    expect(page).toMatch(/^DIFFERS: receipt\./m);
    expect(page).toMatch(/^Could not be verified: ring_answer\.$/m);
  });

  it('without a record says why', () => {
    const page = explanationPage({
      feed: 'ETH/USD',
      round: 7,
      chain: 'main',
      noRecord: 'trimmed: so',
      signers: [],
      checks: [],
    });
    expect(page).toContain('There is no record: trimmed: so');
    expect(page).toContain('Nothing could be checked.');
  });
});
