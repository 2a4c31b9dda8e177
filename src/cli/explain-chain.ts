/** What the chain says of a round: transaction, receipt, signer set and answers, all from one endpoint, each read with a deadline. */
import {
  decodeEventLog,
  decodeFunctionData,
  decodeFunctionResult,
  encodeFunctionData,
  isAddressEqual,
  slice,
} from 'viem/utils';
import { oracleAggregatorAbi as abi, feedProxyAbi } from '../chain/generated/contracts.js';
import { createEndpoint, type Endpoint } from '../chain/rpc/endpoint.js';
import { data, quantity, ShapeError, smallQuantity, toQuantity } from '../chain/rpc/shapes.js';
import { systemClock } from '../common/time.js';
import type { Address, Hex } from '../common/words.js';

/** A reading, or why there is none; `missing` says that the chain was asked and has no such thing. */
export type Told<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: 'away' | 'missing' | 'refused'; readonly detail: string };

/** One answer of a feed in one round. */
export interface AnswerOnChain {
  readonly answer: bigint;
  /** 0: the ring does not hold the round, or the feed had no answer in it. */
  readonly round: bigint;
  readonly updatedAt: bigint;
}

export interface ReceiptOnChain {
  readonly success: boolean;
  readonly blockNumber: bigint;
  readonly gasUsed: bigint;
  readonly from: Address;
  readonly to: Address | undefined;
  /** The rounds that the contract stored in it. */
  readonly stored: readonly {
    readonly group: number;
    readonly round: number;
    readonly timestamp: number;
    readonly sender: Address;
    readonly answers: Hex;
  }[];
  /** Answers that the contract's breaker kept out of a round. */
  readonly tripped: readonly { readonly group: number; readonly round: number; readonly feed: number }[];
}

export interface GroupHeader {
  readonly round: number;
  readonly threshold: number;
  readonly ringBits: number;
  readonly signersHash: Hex;
}

/** What is asked for; the transaction is not known without a record. */
export interface Question {
  readonly aggregator: Address;
  readonly group: number;
  readonly feed: number;
  readonly round: number;
  readonly transaction?: { readonly hash: Hex; readonly blockNumber: bigint };
  readonly proxy?: Address;
}

export interface ChainAnswers {
  /** `host#index` of the endpoint that was asked. */
  readonly endpoint: string;
  readonly chainId: number;
  readonly receipt: Told<ReceiptOnChain>;
  /** The bytes that `transmit` was called with. */
  readonly reports: Told<Hex>;
  /** Unix seconds. */
  readonly blockTimestamp: Told<number>;
  /** As it stood at the round's block, for the signer set may have changed since. */
  readonly headerThen: Told<GroupHeader>;
  readonly headerNow: Told<GroupHeader>;
  readonly answer: Told<AnswerOnChain>;
  readonly proxyAnswer: Told<AnswerOnChain>;
}

const CALL_MS = 5_000;
const NOT_ASKED: Told<never> = { ok: false, code: 'missing', detail: 'not known without the record' };

/**
 * Asks the first endpoint that answers with its chain id.
 * @returns why there is none, when all are away
 */
export async function readChain(
  rpcUrls: readonly string[],
  question: Question,
  signal: AbortSignal,
): Promise<Told<ChainAnswers>> {
  const problems: string[] = [];
  for (const [index, url] of rpcUrls.entries()) {
    const endpoint = createEndpoint(url, index, systemClock);
    const id = await ask(endpoint, signal, 'eth_chainId', [], smallQuantity);
    if (id.ok) return { ok: true, value: await readAll(endpoint, id.value, question, signal) };
    problems.push(`${endpoint.label}: ${id.detail}`);
  }
  return { ok: false, code: 'away', detail: problems.join('; ') || 'no endpoint is configured' };
}

async function readAll(
  endpoint: Endpoint,
  chainId: number,
  { aggregator, group, feed, round, transaction, proxy }: Question,
  signal: AbortSignal,
): Promise<ChainAnswers> {
  const call = <T>(to: Address, input: Hex, block: Hex | 'latest', decode: (output: Hex) => T) =>
    ask(endpoint, signal, 'eth_call', [{ to, data: input }, block], (result) => decode(data(result)));
  const header = (block: Hex | 'latest') =>
    call(
      aggregator,
      encodeFunctionData({ abi, functionName: 'getGroup', args: [group] }),
      block,
      (output): GroupHeader => decodeFunctionResult({ abi, functionName: 'getGroup', data: output }),
    );
  const block = transaction && toQuantity(transaction.blockNumber);
  const [receipt, reports, blockTimestamp, headerThen, headerNow, answer, proxyAnswer] = await Promise.all([
    transaction
      ? ask(endpoint, signal, 'eth_getTransactionReceipt', [transaction.hash], readReceipt(aggregator))
      : NOT_ASKED,
    transaction
      ? ask(endpoint, signal, 'eth_getTransactionByHash', [transaction.hash], readReports)
      : NOT_ASKED,
    block
      ? ask(endpoint, signal, 'eth_getBlockByNumber', [block, false], (found) =>
          smallQuantity(fieldsOf(found).timestamp),
        )
      : NOT_ASKED,
    block ? header(block) : NOT_ASKED,
    header('latest'),
    call(
      aggregator,
      encodeFunctionData({ abi, functionName: 'answerOfRound', args: [group, feed, BigInt(round)] }),
      'latest',
      (output): AnswerOnChain => {
        const [value, answered, updatedAt] = decodeFunctionResult({
          abi,
          functionName: 'answerOfRound',
          data: output,
        });
        return { answer: value, round: answered, updatedAt };
      },
    ),
    proxy
      ? call(
          proxy,
          encodeFunctionData({ abi: feedProxyAbi, functionName: 'getRoundData', args: [BigInt(round)] }),
          'latest',
          (output): AnswerOnChain => {
            const [id, value, , updatedAt] = decodeFunctionResult({
              abi: feedProxyAbi,
              functionName: 'getRoundData',
              data: output,
            });
            return { answer: value, round: id, updatedAt };
          },
        )
      : ({ ok: false, code: 'missing', detail: 'its address is not known' } as const),
  ]);
  return {
    endpoint: endpoint.label,
    chainId,
    receipt,
    reports,
    blockTimestamp,
    headerThen,
    headerNow,
    answer,
    proxyAnswer,
  };
}

async function ask<T>(
  endpoint: Endpoint,
  signal: AbortSignal,
  method: string,
  params: readonly unknown[],
  parse: (result: unknown) => T,
): Promise<Told<T>> {
  const reply = await endpoint.call(method, params, CALL_MS, signal);
  if (!reply.ok)
    return {
      ok: false,
      code: reply.failure.type === 'rpc_error' ? 'refused' : 'away',
      detail: reply.failure.detail,
    };
  if (reply.result === null) return { ok: false, code: 'missing', detail: 'the chain has no such thing' };
  try {
    return { ok: true, value: parse(reply.result) };
  } catch (error) {
    const detail = error instanceof ShapeError ? error.message : 'answered in another form';
    return { ok: false, code: 'refused', detail: `${method}: ${detail}` };
  }
}

const readReceipt =
  (aggregator: Address) =>
  (result: unknown): ReceiptOnChain => {
    const fields = fieldsOf(result);
    const events = (Array.isArray(fields.logs) ? fields.logs.map(fieldsOf) : [])
      .filter(({ address }) => isAddressEqual(data(address), aggregator))
      .flatMap(({ topics, data: body }) => readEvent(topics, body));
    return {
      success: quantity(fields.status) === 1n,
      blockNumber: quantity(fields.blockNumber),
      gasUsed: quantity(fields.gasUsed),
      from: data(fields.from),
      to: fields.to === null || fields.to === undefined ? undefined : data(fields.to),
      stored: events.flatMap((event) => (event.eventName === 'RoundStored' ? [storedRound(event.args)] : [])),
      tripped: events.flatMap((event) => (event.eventName === 'BreakerTripped' ? [event.args] : [])),
    };
  };

/** Round and time stand in the event's head, the report's own fixed part: `group 1 | round 4 | timestamp 4 | …`. */
function storedRound(args: StoredArgs): ReceiptOnChain['stored'][number] {
  const { group, sender, answers } = args;
  const { round, timestamp } =
    'head' in args
      ? { round: Number(slice(args.head, 1, 5)), timestamp: Number(slice(args.head, 5, 9)) }
      : args;
  return { group, round, timestamp, sender, answers };
}

type StoredArgs = { readonly group: number; readonly sender: Address; readonly answers: Hex } & (
  | { readonly head: Hex }
  | { readonly round: number; readonly timestamp: number }
);

function readEvent(topics: unknown, body: unknown) {
  if (!Array.isArray(topics)) return [];
  try {
    return [decodeEventLog({ abi, topics: topics.map(data) as [Hex, ...Hex[]], data: data(body) })];
  } catch {
    // No event of this contract's interface.
    return [];
  }
}

function readReports(result: unknown): Hex {
  const { functionName, args } = decodeFunctionData({ abi, data: data(fieldsOf(result).input) });
  if (functionName !== 'transmit') throw new ShapeError(`it calls ${functionName}`);
  return args[0];
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new ShapeError('not an object');
  return value as Record<string, unknown>;
}
