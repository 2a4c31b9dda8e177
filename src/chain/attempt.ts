/** From a payload to a signed transaction: simulated, priced within caps and budget, every field our own. */
import type { Key } from '../common/key.js';
import type { Clock } from '../common/time.js';
import type { Address, Hex } from '../common/words.js';
import type { ChainConfig } from '../config/types.js';
import { least, most } from './amounts.js';
import type { ClockGuard } from './clock-guard.js';
import { type Fees, firstBid, priceOf, type Raise, replacementBid } from './fees.js';
import type { Attempt } from './journal.js';
import { readQuote } from './quotes.js';
import { decodeRevert, isAheadOnly, OUT_OF_GAS, type Revert } from './revert.js';
import { isRevert, type RpcFailure } from './rpc/endpoint.js';
import type { RpcPool } from './rpc/pool.js';
import { data, quantity, toQuantity } from './rpc/shapes.js';
import { signDraft } from './signing.js';
import { type Ledger, overBudget } from './spending.js';
import type { ReportedRound } from './types.js';

/** What is to be sent. */
export interface Payload {
  /** `undefined` creates a contract. */
  readonly to: Address | undefined;
  readonly data: Hex;
  readonly rounds: readonly ReportedRound[];
  /** Called when it is signed, right before it is sent for the first time. */
  readonly onSigned?: (() => void) | undefined;
}

export type AttemptResult =
  | { readonly code: 'ready'; readonly attempt: Attempt; readonly atCap: boolean }
  | { readonly code: 'reverted'; readonly revert: Revert }
  | {
      readonly code: 'refused';
      readonly cause: 'fee_cap' | 'budget' | 'signing' | 'send_failed' | 'clock_ahead';
      readonly detail: string;
    };

export interface AttemptDeps {
  readonly pool: RpcPool;
  readonly key: Key;
  readonly chainId: () => number;
  readonly config: Pick<ChainConfig, 'fees' | 'gasLimitCap'>;
  /** Absent: no budget (deploying). */
  readonly ledger: Ledger | undefined;
  readonly clock: Clock;
  /** Asked when the newest block would not take the report yet. Absent: nothing is dated (deploying). */
  readonly clockGuard?: ClockGuard | undefined;
}

/** The bid to be outbid, and by how much; absent when no pool is known to hold the nonce. */
export type Outbid = { readonly fees: Fees; readonly raise: Raise } | undefined;

export interface AttemptMaker {
  transmit(payload: Payload, nonce: number, before: Outbid, signal: AbortSignal): Promise<AttemptResult>;
  /** A transfer of nothing to ourselves, which uses the nonce up. Not held back by the budget. */
  cancel(nonce: number, before: Outbid, signal: AbortSignal): Promise<AttemptResult>;
}

/** Reverts that may mean no more than too little gas. */
const NAMELESS: readonly string[] = ['OutOfGas', 'Unknown'];
const TRANSFER_GAS = 21_000n;
/** Room above the estimate: the state may change before the block. */
const MARGIN_PERCENT = 125n;

/** `ahead`: dated after what the newest block takes; without a value where the pending one does not tell either. */
type Tried<T> =
  | { readonly ok: true; readonly value: T | undefined; readonly ahead: boolean }
  | { readonly ok: false; readonly failure: RpcFailure; readonly revert?: Revert };

type Gas =
  | { readonly ok: true; readonly gasLimit: bigint; readonly ahead: boolean }
  | { readonly ok: false; readonly result: AttemptResult };

/** Creates the maker of one key's transactions. */
export function createAttemptMaker(deps: AttemptDeps): AttemptMaker {
  const { pool, key, config } = deps;
  /** The largest calldata that was estimated, with its limit: stands in where no estimate can be had. */
  let known: { readonly length: number; readonly gasLimit: bigint } | undefined;

  /** Calls under the newest block and, where the report is dated ahead of that, under the pending one. */
  async function tryCall<T>(
    method: 'eth_call' | 'eth_estimateGas',
    call: Readonly<Record<string, Hex>>,
    parse: (result: unknown) => T,
    signal: AbortSignal,
  ): Promise<Tried<T>> {
    for (const tag of ['latest', 'pending'] as const) {
      const reply = await pool.read(method, [call, tag], parse, signal);
      if (reply.ok) return { ok: true, value: reply.value, ahead: tag === 'pending' };
      const { failure } = reply;
      if (/out ?of ?gas|gas required exceeds|intrinsic gas/i.test(failure.rpcMessage ?? ''))
        return { ok: false, failure, revert: OUT_OF_GAS };
      if (!isRevert(failure))
        return tag === 'latest' ? { ok: false, failure } : { ok: true, value: undefined, ahead: true };
      const revert = decodeRevert(failure.rpcData);
      if (!isAheadOnly(revert)) return { ok: false, failure, revert };
    }
    return { ok: true, value: undefined, ahead: true };
  }

  const refused = (failure: RpcFailure): AttemptResult => ({
    code: 'refused',
    cause: 'send_failed',
    detail: `simulation: ${failure.detail}`,
  });

  /** A gas limit from the estimate, then proven by a call under that limit; or the named error of the call. */
  async function gasFor({ to, data: input }: Payload, signal: AbortSignal): Promise<Gas> {
    const call = { from: key.address, data: input, ...(to === undefined ? {} : { to }) };
    const estimate = await tryCall('eth_estimateGas', call, quantity, signal);
    if (!estimate.ok && estimate.revert && estimate.revert !== OUT_OF_GAS)
      return { ok: false, result: { code: 'reverted', revert: estimate.revert } };
    const prove = (gasLimit: bigint) =>
      tryCall('eth_call', { ...call, gas: toQuantity(gasLimit) }, data, signal);
    const spare = known && known.length >= input.length ? known.gasLimit : config.gasLimitCap;
    const estimated = estimate.ok ? estimate.value : undefined;
    const wanted = estimated === undefined ? spare : (most(estimated, TRANSFER_GAS) * MARGIN_PERCENT) / 100n;
    const first = least(wanted, config.gasLimitCap);
    const proof = await prove(first);
    if (proof.ok) {
      if (estimated !== undefined && (!known || input.length >= known.length))
        known = { length: input.length, gasLimit: first };
      return { ok: true, gasLimit: first, ahead: proof.ahead };
    }
    // An estimate that does not suffice (a node may say anything, and names running dry in many ways) is answered
    // with the cap; an error that the contract names is final.
    const named = proof.revert !== undefined && !NAMELESS.includes(proof.revert.errorName);
    const atCap = named || first === config.gasLimitCap ? proof : await prove(config.gasLimitCap);
    if (atCap.ok) return { ok: true, gasLimit: config.gasLimitCap, ahead: atCap.ahead };
    return {
      ok: false,
      result: atCap.revert ? { code: 'reverted', revert: atCap.revert } : refused(atCap.failure),
    };
  }

  async function bidAndSign(
    payload: Payload,
    kind: Attempt['kind'],
    gasLimit: bigint,
    nonce: number,
    before: Outbid,
    signal: AbortSignal,
  ): Promise<AttemptResult> {
    const { fees: feeConfig } = config;
    const quote = await readQuote(pool, feeConfig.mode, signal);
    if (!quote)
      return { code: 'refused', cause: 'send_failed', detail: 'no endpoint gave a usable fee quote' };
    const bid = before
      ? replacementBid(feeConfig, before.fees, quote, gasLimit, before.raise)
      : firstBid(feeConfig, quote, gasLimit);
    if (!bid.ok) return { code: 'refused', cause: 'fee_cap', detail: bid.detail };
    if (deps.ledger && kind === 'transmit') {
      // At most, not as expected: a budget is a ceiling.
      const worstWei = gasLimit * priceOf(bid.fees);
      const over = overBudget(await deps.ledger.load(), worstWei, feeConfig, deps.clock.now());
      if (over !== undefined) return { code: 'refused', cause: 'budget', detail: over };
    }
    const draft = {
      chainId: deps.chainId(),
      nonce,
      to: payload.to,
      data: payload.data,
      gasLimit,
      fees: bid.fees,
    };
    const signed = await signDraft(draft, key, signal);
    if (!signed.ok) return { code: 'refused', cause: 'signing', detail: signed.detail };
    const { hash, raw } = signed;
    return {
      code: 'ready',
      attempt: { kind, hash, raw, fees: bid.fees, gasLimit, rounds: payload.rounds },
      atCap: bid.atCap,
    };
  }

  return {
    async transmit(payload, nonce, before, signal) {
      const gas = await gasFor(payload, signal);
      if (!gas.ok) return gas.result;
      // A simulation says nothing of a block to come; a clock that is ahead would be told by reverts that cost gas.
      const clockAhead = gas.ahead && (await deps.clockGuard?.(signal));
      if (clockAhead) return { code: 'refused', cause: 'clock_ahead', detail: clockAhead };
      return bidAndSign(payload, 'transmit', gas.gasLimit, nonce, before, signal);
    },
    async cancel(nonce, before, signal) {
      const call = { from: key.address, to: key.address, data: '0x' as const };
      // Some rollups charge more than the usual 21,000 for a transfer.
      const reply = await pool.read('eth_estimateGas', [call], quantity, signal);
      const gasLimit = reply.ok ? least(most(reply.value, TRANSFER_GAS), config.gasLimitCap) : TRANSFER_GAS;
      const payload: Payload = { to: key.address, data: '0x', rounds: [] };
      return bidAndSign(payload, 'cancel', gasLimit, nonce, before, signal);
    },
  };
}
