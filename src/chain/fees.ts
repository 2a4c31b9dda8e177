/** What a transaction bids: from checked quotes, raised for a replacement, never above the caps. Pure. */
import type { FeeConfig } from '../config/types.js';
import { ceilDiv, least, most } from './amounts.js';

/** What one endpoint says of the market, wei per gas. */
export interface FeeQuote {
  /** Base fee of its newest block; 0 on chains without one. */
  readonly baseFeeWei: bigint;
  /** Suggested tip, or in legacy mode the suggested gas price. */
  readonly tipWei: bigint;
}

/** A bid, wei per gas. `legacy` and `zero` have one price. */
export type Fees =
  | { readonly type: 'eip1559'; readonly maxFeeWei: bigint; readonly maxPriorityFeeWei: bigint }
  | { readonly type: 'legacy'; readonly gasPriceWei: bigint };

export type FeeResult =
  | { readonly ok: true; readonly fees: Fees; readonly atCap: boolean }
  /** The market lies above the cap (a first bid), or the cap leaves no room for a valid replacement. */
  | { readonly ok: false; readonly detail: string };

/**
 * How far both parts are raised, in thousandths. An eighth for a replacement: geth wants a tenth, some pools an eighth.
 * Twice for a bid that no pool took: the quote was wrong.
 */
export type Raise = 'eighth' | 'double';
const RAISED: Readonly<Record<Raise, bigint>> = { eighth: 1_125n, double: 2_000n };
/** Below a tenth no pool takes a replacement; the last step up to a cap may be between a tenth and an eighth. */
const LEAST_RAISED = 1_100n;

/** A first bid keeps so far from the caps that it can be replaced by a fresh report at least four times, base fee permitting. */
const reserved = (cap: bigint): bigint => (cap * 8n ** 4n) / 9n ** 4n;
/** What still holds in the next block, whose base fee may be an eighth higher. */
const nextBlock = (baseFeeWei: bigint): bigint => ceilDiv(baseFeeWei * 9n, 8n);

/** The most that one unit of gas may cost under this bid. */
export const priceOf = (fees: Fees): bigint => (fees.type === 'legacy' ? fees.gasPriceWei : fees.maxFeeWei);

/**
 * Makes one quote of several endpoints': of two the lower, of three or more the median, part by part. One endpoint that
 * lies can thus raise the bid to the cap only when it is the only one.
 */
export function combineQuotes(quotes: readonly FeeQuote[]): FeeQuote | undefined {
  const combine = (values: readonly bigint[]): bigint | undefined => {
    const sorted = [...values].sort((a, b) => Number(a > b) - Number(a < b));
    return sorted[Math.floor((sorted.length - 1) / 2)];
  };
  const baseFeeWei = combine(quotes.map((quote) => quote.baseFeeWei));
  const tipWei = combine(quotes.map((quote) => quote.tipWei));
  return baseFeeWei === undefined || tipWei === undefined ? undefined : { baseFeeWei, tipWei };
}

/** The cap of the price per gas: the configured one, and what the ceiling per transaction leaves at this gas limit. */
export function priceCap(config: FeeConfig, gasLimit: bigint): bigint {
  if (config.maxTransactionWei === undefined || gasLimit === 0n) return config.maxFeeWei;
  return least(config.maxFeeWei, config.maxTransactionWei / gasLimit);
}

/**
 * The bid of a first transaction: twice the base fee plus the tip, so that it holds through several full blocks. Near a
 * cap it is lower, to leave room for raises, but not below what the next block asks.
 * @returns not ok when the cap lies below the market's base fee (or gas price): it could not land
 */
export function firstBid(config: FeeConfig, quote: FeeQuote, gasLimit: bigint): FeeResult {
  if (config.mode === 'zero') return { ok: true, fees: { type: 'legacy', gasPriceWei: 0n }, atCap: false };
  const cap = priceCap(config, gasLimit);
  if (config.mode === 'legacy') {
    // A suggested price above the cap is still tried when the base fee fits: it is only a suggestion.
    if (cap < quote.baseFeeWei || (quote.baseFeeWei === 0n && cap < quote.tipWei))
      return { ok: false, detail: `gas price ${quote.tipWei} wei, cap ${cap} wei` };
    const wanted = least(most(quote.tipWei, quote.baseFeeWei), cap);
    // Without a base fee the suggestion is all there is: a chain may take no less.
    const room = quote.baseFeeWei === 0n ? cap : most(reserved(cap), least(nextBlock(quote.baseFeeWei), cap));
    const gasPriceWei = least(wanted, room);
    return { ok: true, fees: { type: 'legacy', gasPriceWei }, atCap: gasPriceWei === cap };
  }
  if (cap < quote.baseFeeWei)
    return { ok: false, detail: `base fee ${quote.baseFeeWei} wei, cap ${cap} wei` };
  const wantedTip = least(quote.tipWei, reserved(config.maxPriorityFeeWei));
  const room = most(reserved(cap), least(nextBlock(quote.baseFeeWei) + wantedTip, cap));
  const maxFeeWei = least(2n * quote.baseFeeWei + wantedTip, room);
  const maxPriorityFeeWei = least(wantedTip, maxFeeWei);
  return { ok: true, fees: { type: 'eip1559', maxFeeWei, maxPriorityFeeWei }, atCap: maxFeeWei === cap };
}

/**
 * The bid of a replacement: both parts raised by an eighth, and at least the market, up to the caps. A market that lies
 * above a cap is not met by going to the cap at once: it is approached by raises, each of which carries a fresh report.
 * On a chain of zero fees the same price again.
 * @returns not ok when the caps leave less than a tenth of room: no pool would take it
 */
export function replacementBid(
  config: FeeConfig,
  before: Fees,
  quote: FeeQuote,
  gasLimit: bigint,
  by: Raise = 'eighth',
): FeeResult {
  if (config.mode === 'zero') return { ok: true, fees: before, atCap: false };
  const cap = priceCap(config, gasLimit);
  if (cap < quote.baseFeeWei)
    return { ok: false, detail: `base fee ${quote.baseFeeWei} wei, cap ${cap} wei` };
  const raise = (part: bigint, market: bigint, limit: bigint): bigint | undefined => {
    const wanted = most(ceilDiv(part * RAISED[by], 1_000n), part + 1n, market);
    const bid = least(wanted, limit);
    const enough = most(ceilDiv(part * LEAST_RAISED, 1_000n), part + 1n);
    return bid < enough ? undefined : bid;
  };
  if (before.type === 'legacy') {
    const suggested = most(quote.tipWei, quote.baseFeeWei);
    const market = suggested > cap ? nextBlock(quote.baseFeeWei) : suggested;
    const gasPriceWei = raise(before.gasPriceWei, market, cap);
    if (gasPriceWei === undefined) return { ok: false, detail: `${before.gasPriceWei} of ${cap} wei` };
    return { ok: true, fees: { type: 'legacy', gasPriceWei }, atCap: gasPriceWei === cap };
  }
  const tipCap = least(config.maxPriorityFeeWei, cap);
  const tipWei = quote.tipWei > tipCap ? before.maxPriorityFeeWei : quote.tipWei;
  const comfort = 2n * quote.baseFeeWei + tipWei;
  const market = comfort > cap ? nextBlock(quote.baseFeeWei) + tipWei : comfort;
  const maxFeeWei = raise(before.maxFeeWei, market, cap);
  const maxPriorityFeeWei = raise(before.maxPriorityFeeWei, tipWei, tipCap);
  if (maxFeeWei === undefined || maxPriorityFeeWei === undefined)
    return { ok: false, detail: `${before.maxFeeWei} of ${cap} wei, tip ${before.maxPriorityFeeWei} wei` };
  return {
    ok: true,
    fees: { type: 'eip1559', maxFeeWei, maxPriorityFeeWei: least(maxPriorityFeeWei, maxFeeWei) },
    atCap: maxFeeWei === cap || maxPriorityFeeWei === config.maxPriorityFeeWei,
  };
}

/** What a transaction paid per gas, in wei. A node's word on it counts only within what was bid. */
export const paidPerGas = (fees: Fees, effectiveGasPriceWei: bigint | undefined): bigint =>
  least(effectiveGasPriceWei ?? priceOf(fees), priceOf(fees));
