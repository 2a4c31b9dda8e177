/** A record against what the chain says. Pure. */
import { formatScaled } from '../common/decimal.js';
import type { Address } from '../common/words.js';
import { decodeAnswers } from '../reports/lanes.js';
import { hashSigners } from '../reports/signing.js';
import type { AuditedRound } from '../rounds/audit.js';
import type { AnswerOnChain, ChainAnswers, GroupHeader, ReceiptOnChain, Told } from './explain-chain.js';
import {
  agrees,
  type Check,
  type CheckCode,
  differs,
  judge,
  type SignerRow,
  unknown,
} from './explain-checks.js';
import { carries, storedAnswers, type UnpackedReport } from './explain-report.js';

const same = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

/** What could not be read is unknown; a transaction that the chain does not have contradicts the record. */
function unread(code: CheckCode, told: Exclude<Told<unknown>, { ok: true }>): Check {
  return told.code === 'missing'
    ? differs(code, 'the chain has no such transaction: reorganised since, or pruned by this endpoint')
    : unknown(code, told.detail);
}

/** All comparisons that need the chain. */
export function checkChain(
  record: AuditedRound,
  index: number,
  report: UnpackedReport | undefined,
  signers: readonly SignerRow[],
  chain: ChainAnswers,
): Check[] {
  const identity = judge(
    'chain_id',
    chain.chainId === record.chainId,
    `${chain.endpoint} is of chain ${chain.chainId}, the record of chain ${record.chainId}`,
  );
  // What another chain says of these addresses says nothing.
  if (identity.result === 'differs') return [identity];
  const stored = chain.receipt.ok
    ? chain.receipt.value.stored.find((one) => one.group === record.groupId && one.round === record.round)
    : undefined;
  const kept = stored ? decodeAnswers(stored.answers, record.wide)[index] : undefined;
  return [
    identity,
    chain.receipt.ok ? checkReceipt(record, chain.receipt.value) : unread('receipt', chain.receipt),
    chain.reports.ok
      ? judge(
          'transaction',
          carries(chain.reports.value, record.packed),
          'the report and its signatures stand in the calldata of the transaction',
        )
      : unread('transaction', chain.reports),
    ...checkSigners(record, report, signers, chain),
    chain.receipt.ok
      ? checkEvent(record, index, report, chain.receipt.value)
      : unknown('event', 'there is no receipt to read it from'),
    ...checkAnswers(record, index, kept, stored !== undefined, chain),
  ];
}

function checkReceipt(record: AuditedRound, receipt: ReceiptOnChain): Check {
  const wrong = [
    receipt.success ? '' : 'it reverted',
    receipt.blockNumber.toString() === record.blockNumber
      ? ''
      : `block ${receipt.blockNumber}, recorded ${record.blockNumber}`,
    receipt.gasUsed.toString() === record.gasUsed ? '' : `gas ${receipt.gasUsed}, recorded ${record.gasUsed}`,
    same(receipt.from, record.transmitter) ? '' : `sent by ${receipt.from}, recorded ${record.transmitter}`,
    same(receipt.to, record.aggregator) ? '' : `sent to ${receipt.to}, recorded ${record.aggregator}`,
  ].filter((problem) => problem !== '');
  return wrong.length === 0
    ? agrees(
        'receipt',
        `succeeded in block ${receipt.blockNumber}, ${receipt.gasUsed} gas, from ${receipt.from}`,
      )
    : differs('receipt', wrong.join('; '));
}

/** The addresses that the contract saw, hashed as it hashes them, against the hash that it keeps. */
function checkSigners(
  record: AuditedRound,
  report: UnpackedReport | undefined,
  signers: readonly SignerRow[],
  { headerThen, headerNow, receipt }: ChainAnswers,
): Check[] {
  if (!report) return [unknown('signer_set', 'the report is not readable')];
  const addresses = signers.flatMap(({ how, address }): Address[] => {
    const seen = how === 'sender' && receipt.ok ? receipt.value.from : address;
    return seen ? [seen] : [];
  });
  const header: GroupHeader | undefined = headerThen.ok
    ? headerThen.value
    : headerNow.ok
      ? headerNow.value
      : undefined;
  if (!header) {
    const why = headerNow.ok ? 'no signer set was read' : headerNow.detail;
    return [unknown('signer_set', why), unknown('threshold', why)];
  }
  const when = headerThen.ok
    ? `at block ${record.blockNumber}`
    : 'now (the endpoint does not keep the state of that block)';
  const hash = addresses.length === report.places.length ? hashSigners(addresses) : undefined;
  const agreed = hash !== undefined && same(hash, header.signersHash);
  const detail = `recovered ${hash ?? 'no whole set'}, the contract keeps ${header.signersHash} ${when}`;
  // A set that was changed since does not contradict a round that the old one signed.
  const set = agreed || headerThen.ok ? judge('signer_set', agreed, detail) : unknown('signer_set', detail);
  const signed = signers.filter(({ how }) => how !== 'did not sign').length;
  return [
    set,
    headerThen.ok
      ? judge(
          'threshold',
          signed >= header.threshold && header.threshold === record.threshold,
          `${signed} of ${signers.length} signed, the contract wants ${header.threshold}, recorded ${record.threshold}`,
        )
      : unknown('threshold', 'the endpoint does not keep the state of that block'),
  ];
}

function checkEvent(
  record: AuditedRound,
  index: number,
  report: UnpackedReport | undefined,
  { stored, tripped }: ReceiptOnChain,
): Check {
  const event = stored.find(({ group, round }) => group === record.groupId && round === record.round);
  if (!event)
    return differs('event', `the transaction stored no round ${record.round} of group ${record.groupId}`);
  if (!report) return unknown('event', 'the report is not readable');
  const decimals = record.feeds[index]?.decimals ?? 0;
  const wanted = storedAnswers(report.places, record.threshold, record.feeds.length)[index];
  const found = decodeAnswers(event.answers, record.wide)[index];
  const broken = tripped.some(
    ({ group, round, feed }) => group === record.groupId && round === record.round && feed === index,
  );
  if (broken && found === undefined)
    return agrees('event', `the contract's breaker kept ${show(wanted, decimals)} out of this round`);
  return judge(
    'event',
    found === wanted && event.timestamp === record.tick && same(event.sender, record.transmitter),
    `stored ${show(found, decimals)} at tick ${event.timestamp}; the lower median of the report is ${show(wanted, decimals)}`,
  );
}

/** The answers that can be read now: of the contract's ring, and of the feed's proxy. */
function checkAnswers(
  record: AuditedRound,
  index: number,
  kept: bigint | undefined,
  isStored: boolean,
  { answer, proxyAnswer, headerNow, blockTimestamp }: ChainAnswers,
): Check[] {
  const decimals = record.feeds[index]?.decimals ?? 0;
  const updatedAt = blockTimestamp.ok ? Math.min(record.tick, blockTimestamp.value) : undefined;
  const judged = (code: 'ring_answer' | 'proxy_answer', told: Told<AnswerOnChain>, name: string): Check => {
    if (!told.ok) return unknown(code, `${name}: ${told.detail}`);
    if (!isStored) return unknown(code, 'what the round stored is not known');
    const { value } = told;
    // A proxy answers 0 at time 0 where the ring holds nothing.
    if (value.round === 0n || value.updatedAt === 0n) {
      if (kept === undefined) return agrees(code, `${name} has no answer in this round, as stored`);
      return isOutside(record.round, headerNow)
        ? unknown(code, `${name} no longer holds the round: it is outside the ring`)
        : differs(code, `${name} has no answer; ${show(kept, decimals)} was stored`);
    }
    const timely = updatedAt === undefined || value.updatedAt === BigInt(updatedAt);
    return judge(
      code,
      value.answer === kept && timely,
      `${name} says ${show(value.answer, decimals)} at ${value.updatedAt}` +
        (value.answer === kept && timely ? '' : `; stored was ${show(kept, decimals)} at ${updatedAt}`),
    );
  };
  return [judged('ring_answer', answer, 'the contract'), judged('proxy_answer', proxyAnswer, 'the proxy')];
}

/** Without a record: what contract and proxy say of the round must at least be the same. */
export function compareAnswers(
  round: number,
  decimals: number,
  { answer, proxyAnswer, headerNow }: ChainAnswers,
): Check[] {
  if (!answer.ok) return [unknown('ring_answer', answer.detail)];
  if (answer.value.round === 0n)
    return [
      unknown(
        'ring_answer',
        isOutside(round, headerNow)
          ? 'the contract no longer holds the round: it is outside the ring'
          : 'the contract has no answer of this feed in this round',
      ),
    ];
  const { value } = answer;
  const said = `${show(value.answer, decimals)} at ${value.updatedAt}`;
  return [
    unknown('ring_answer', `the contract says ${said}; there is no record to compare it with`),
    proxyAnswer.ok
      ? judge(
          'proxy_answer',
          proxyAnswer.value.answer === value.answer && proxyAnswer.value.updatedAt === value.updatedAt,
          `the proxy says ${show(proxyAnswer.value.answer, decimals)}, the contract ${said}`,
        )
      : unknown('proxy_answer', `the proxy: ${proxyAnswer.detail}`),
  ];
}

/** Whether the ring has gone over a round since. */
const isOutside = (round: number, header: Told<GroupHeader>): boolean =>
  header.ok && header.value.round - round >= 2 ** header.value.ringBits;

const show = (value: bigint | undefined, decimals: number): string =>
  value === undefined ? 'no answer' : formatScaled(value, decimals);
