import { describe, expect, it } from 'vitest';
import { classifySendFailure, summarise } from '../../../src/chain/broadcast.js';
import { endpointLabel, interpretReply, parseRetryAfter } from '../../../src/chain/rpc/endpoint.js';
import { blockHeader, hash, quantity, receipt, ShapeError } from '../../../src/chain/rpc/shapes.js';

const reply = (status: number, body: unknown, retryAfter: string | null = null) =>
  interpretReply(status, retryAfter, typeof body === 'string' ? body : JSON.stringify(body), 7, 0);

describe('an answer of an endpoint', () => {
  it.each([
    ['a result', reply(200, { id: 7, result: '0x1' }), { ok: true, result: '0x1' }],
    [
      'a result for another request',
      reply(200, { id: 8, result: '0x1' }),
      { failure: { type: 'invalid_reply' } },
    ],
    ['neither result nor error', reply(200, { id: 7 }), { failure: { type: 'invalid_reply' } }],
    ['no JSON', reply(200, '<html>'), { failure: { type: 'invalid_reply' } }],
    ['a batch', reply(200, '[]'), { failure: { type: 'invalid_reply' } }],
    ['502', reply(502, 'bad gateway'), { failure: { type: 'http_status' } }],
    ['403 is for good', reply(403, ''), { failure: { type: 'http_status', permanent: true } }],
    ['429 with a pause', reply(429, '', '3'), { failure: { type: 'rate_limited', retryAfterMs: 3_000 } }],
    ['429 without a pause', reply(429, ''), { failure: { type: 'rate_limited' } }],
    [
      'an error of the node under status 400',
      reply(400, { id: 7, error: { code: -32_000, message: 'nonce too low' } }),
      { failure: { type: 'rpc_error', rpcCode: -32_000, rpcMessage: 'nonce too low' } },
    ],
    [
      'a limit in words',
      reply(200, { id: 7, error: { code: -32_005, message: 'daily request count exceeded' } }),
      { failure: { type: 'rate_limited' } },
    ],
    [
      'too wide a range of logs, by Besu',
      reply(200, {
        id: 7,
        error: { code: -32_005, message: 'Requested range exceeds maximum RPC range limit' },
      }),
      { failure: { type: 'rpc_error', tooMuch: true } },
    ],
    [
      'too many logs, by a hosted node',
      reply(200, { id: 7, error: { code: -32_005, message: 'query returned more than 10000 results' } }),
      { failure: { type: 'rpc_error', tooMuch: true } },
    ],
    [
      'a rate limit that speaks of a range',
      reply(200, { id: 7, error: { code: -32_005, message: 'rate limit exceeded for this range of IPs' } }),
      { failure: { type: 'rate_limited' } },
    ],
    [
      'a revert with its data',
      reply(200, { id: 7, error: { code: 3, message: 'execution reverted', data: '0x08c379a0' } }),
      { failure: { type: 'rpc_error', rpcData: '0x08c379a0' } },
    ],
    [
      'a revert with its data one level down',
      reply(200, { id: 7, error: { code: -32_000, message: 'x', data: { data: 'Reverted 0x1234' } } }),
      { failure: { rpcData: '0x1234' } },
    ],
  ])('can be %s', (_what, interpreted, expected) => {
    expect(interpreted).toMatchObject(expected);
  });

  it('tells a pause in seconds or as a date, at most an hour', () => {
    expect(parseRetryAfter('120', 0)).toBe(120_000);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4_000)).toBe(6_000);
    expect(parseRetryAfter('99999', 0)).toBe(3_600_000);
    expect(parseRetryAfter('soon', 0)).toBeUndefined();
    expect(parseRetryAfter(null, 0)).toBeUndefined();
  });

  it('is labelled by host and place, without path, query or credentials', () => {
    expect(endpointLabel('https://user:pass@rpc.example:8545/v2/key?token=secret', 1)).toBe(
      'rpc.example:8545#1',
    );
  });
});

describe('values of a wrong form', () => {
  const h = `0x${'a'.repeat(64)}`;
  it.each([
    ['a number as JSON number', () => quantity(5)],
    ['an empty quantity', () => quantity('0x')],
    ['decimal text', () => quantity('12')],
    ['a short hash', () => hash('0x12')],
    ['a missing block', () => blockHeader(null)],
    ['a block without time', () => blockHeader({ number: '0x1', hash: h, parentHash: h })],
    ['a receipt with a strange status', () => receipt({ ...good, status: '0x2' })],
  ])('%s: refused, never zero', (_what, parse) => {
    expect(parse).toThrow(ShapeError);
  });
  const good = {
    transactionHash: h,
    blockHash: h,
    blockNumber: '0x5',
    from: `0x${'B'.repeat(40)}`,
    status: '0x1',
    gasUsed: '0x5208',
  };
  it('a receipt without block or price is read for what it is', () => {
    expect(receipt(null)).toBeUndefined();
    expect(receipt({ ...good, blockHash: null })).toBeUndefined();
    expect(receipt(good)).toMatchObject({ success: true, gasUsed: 21_000n, effectiveGasPriceWei: undefined });
  });
});

describe('what nodes say to a sent transaction', () => {
  it.each([
    ['already known', 'accepted'],
    ['Known transaction', 'accepted'],
    ['transaction already imported', 'accepted'],
    ['AlreadyKnown', 'accepted'],
    ['nonce too low: next nonce 5, tx nonce 4', 'nonce_too_low'],
    ['Nonce too low', 'nonce_too_low'],
    ['OldNonce', 'nonce_too_low'],
    ['nonce too high', 'nonce_too_high'],
    ['Transaction nonce is too distant from current sender nonce', 'nonce_too_high'],
    ['NONCE_TOO_FAR_IN_FUTURE_FOR_SENDER', 'nonce_too_high'],
    ['replacement transaction underpriced', 'underpriced'],
    ['transaction underpriced: tip needed 1, tip permitted 0', 'underpriced'],
    ['max fee per gas less than block base fee: address 0x1', 'underpriced'],
    ['Gas price below configured minimum gas price', 'underpriced'],
    ['FeeTooLow, EffectivePriorityFeePerGas too low', 'underpriced'],
    ['insufficient funds for gas * price + value', 'balance'],
    ['Upfront cost exceeds account balance', 'balance'],
    ['txpool is full', 'pool_full'],
    ['something new', 'rejected'],
  ])('%s: %s', (rpcMessage, verdict) => {
    expect(classifySendFailure({ type: 'rpc_error', detail: '', rpcMessage })).toBe(verdict);
  });

  it('an endpoint that fails may have taken it all the same', () => {
    expect(classifySendFailure({ type: 'http_status', detail: 'HTTP 502' })).toBe('unknown');
    expect(classifySendFailure({ type: 'timeout', detail: '' })).toBe('unknown');
  });

  it('one that took it outweighs those that refused', () => {
    const of = (...verdicts: Parameters<typeof summarise>[0][number]['verdict'][]) =>
      summarise(verdicts.map((verdict) => ({ endpoint: 'e', verdict, detail: '' }))).verdict;
    expect(of('nonce_too_low', 'accepted')).toBe('accepted');
    expect(of('underpriced', 'unknown')).toBe('unknown');
    expect(of('underpriced', 'rejected')).toBe('underpriced');
    expect(of()).toBe('unknown');
  });
});
