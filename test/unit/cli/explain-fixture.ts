/** A round of three signers as the audit trail keeps it, and the chain's answers that go with it. */
import { createMemoryKey } from '../../../src/chain/keys/memory.js';
import type { ChainAnswers } from '../../../src/cli/explain-chain.js';
import type { Observation, Price } from '../../../src/common/words.js';
import { encodeAnswers } from '../../../src/reports/lanes.js';
import { packReport } from '../../../src/reports/pack.js';
import { hashSigners, signReport, sortSigners } from '../../../src/reports/signing.js';
import type { AuditedRound } from '../../../src/rounds/audit.js';
import { auditPrice } from '../../../src/rounds/audit-price.js';
import { ANVIL_KEYS } from '../../support/anvil.js';
import { exact } from '../../support/prices/feeds.js';

export const TICK = 1_700_000_000;
export const BLOCK_TIME = TICK + 1;
const AGGREGATOR = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
const CHAIN_ID = 31_337;
const HASH = `0x${'ab'.repeat(32)}` as const;

const seen = (source: string, value: Observation['value'], ageMs = 1_000): Observation => ({
  source,
  value,
  observedAtMs: TICK * 1_000 - ageMs,
  timeFrom: 'venue',
  receivedAtMs: TICK * 1_000 - 200,
});

const RULES = {
  heartbeatSeconds: 3_600,
  deviation: exact('0.5'),
  maxAgeMs: 60_000,
  minSources: 2,
  maxSpread: exact('5'),
  outliers: { factor: exact('5'), floor: exact('1') },
};

/** ETH/USD is the median of 1999, 2000.5 and 6001/3; BTC/USD is held back. */
export async function fixture(): Promise<{ record: AuditedRound; chain: ChainAnswers }> {
  const keys = ANVIL_KEYS.slice(0, 3).map((key) => createMemoryKey(key));
  const signers = sortSigners(keys.map(({ address }) => address));
  const [sender, other] = signers.map((address) => keys.find((key) => key.address === address));
  if (!sender || !other) throw new Error('no keys');
  const price: Price = {
    ok: true,
    feed: 'ETH/USD',
    answer: 200_033_333_333n,
    observedAtMs: TICK * 1_000 - 1_000,
    used: [
      seen('kraken', exact('1999')),
      seen('inverse', { n: 6_001n, d: 3n }),
      seen('bybit', exact('2000.5')),
    ],
    dropped: [
      { source: 'slow', code: 'stale', observation: seen('slow', exact('1990'), 90_000) },
      { source: 'dead', code: 'timeout' },
    ],
  };
  const held: Price = {
    ok: false,
    feed: 'BTC/USD',
    code: 'too_few_sources',
    detail: '1 of 2',
    used: [],
    dropped: [],
  };
  const report = {
    group: 1,
    round: 7,
    timestamp: TICK,
    wide: false,
    answers: [price.answer, undefined],
  };
  const otherReport = { ...report, answers: [200_100_000_000n, undefined] };
  const { signature } = await signReport(other, otherReport, { chainId: CHAIN_ID, aggregator: AGGREGATOR });
  const packed = packReport(report, signers, [
    { signer: sender.address, answers: report.answers },
    { signer: other.address, answers: otherReport.answers, signature },
  ]);
  const before = { answer: 198_000_000_000n, round: 6, updatedAt: TICK - 900 };
  const record: AuditedRound = {
    chain: 'main',
    chainId: CHAIN_ID,
    aggregator: AGGREGATOR,
    group: 'default',
    groupId: 1,
    round: 7,
    tick: TICK,
    wide: false,
    signers,
    threshold: 2,
    feeds: [
      auditPrice(price, 'deviation', 8, { before, rules: RULES }),
      auditPrice(held, 'too_few_sources', 8, { before, rules: RULES }),
    ],
    packed,
    transmitter: sender.address,
    hash: HASH,
    gasUsed: '48123',
    effectiveGasPriceWei: '1000000007',
    blockNumber: '42',
  };
  const header = { round: 9, threshold: 2, ringBits: 4, signersHash: hashSigners(signers) };
  const answer = { answer: price.answer, round: 7n, updatedAt: BigInt(TICK) };
  const chain: ChainAnswers = {
    endpoint: 'node#0',
    chainId: CHAIN_ID,
    receipt: {
      ok: true,
      value: {
        success: true,
        blockNumber: 42n,
        gasUsed: 48_123n,
        from: sender.address,
        to: AGGREGATOR,
        // Two answers: the lower median is the smaller one.
        stored: [
          {
            group: 1,
            round: 7,
            timestamp: TICK,
            sender: sender.address,
            answers: encodeAnswers([price.answer, undefined], false),
          },
        ],
        tripped: [],
      },
    },
    reports: { ok: true, value: packed },
    blockTimestamp: { ok: true, value: BLOCK_TIME },
    headerThen: { ok: true, value: header },
    headerNow: { ok: true, value: header },
    answer: { ok: true, value: answer },
    proxyAnswer: { ok: true, value: answer },
  };
  return { record, chain };
}
