import { describe, expect, it } from 'vitest';
import { combineQuotes, type Fees, firstBid, replacementBid } from '../../../src/chain/fees.js';
import type { FeeConfig } from '../../../src/config/types.js';

const config: FeeConfig = { mode: 'eip1559', maxFeeWei: 1_000n, maxPriorityFeeWei: 100n };
const quote = (baseFeeWei: bigint, tipWei: bigint) => ({ baseFeeWei, tipWei });
const bid = (maxFeeWei: bigint, maxPriorityFeeWei: bigint): Fees => ({
  type: 'eip1559',
  maxFeeWei,
  maxPriorityFeeWei,
});

describe('quotes of several endpoints', () => {
  it('of two the lower counts, part by part', () => {
    expect(combineQuotes([quote(50n, 2n), quote(40n, 9_999n)])).toEqual(quote(40n, 2n));
  });
  it('of three the median', () => {
    expect(combineQuotes([quote(50n, 2n), quote(1n, 3n), quote(9_999n, 1n)])).toEqual(quote(50n, 2n));
  });
  it('of four the lower of the two in the middle', () => {
    expect(combineQuotes([quote(1n, 0n), quote(2n, 0n), quote(3n, 0n), quote(4n, 0n)])?.baseFeeWei).toBe(2n);
  });
  it('of none there is none', () => {
    expect(combineQuotes([])).toBeUndefined();
  });
});

describe('a first bid', () => {
  it('is twice the base fee plus the tip', () => {
    expect(firstBid(config, quote(100n, 10n), 1n)).toEqual({ ok: true, fees: bid(210n, 10n), atCap: false });
  });
  it.each([
    ['the tip’s cap', quote(100n, 500n), bid(262n, 62n), false],
    ['the fee’s cap', quote(400n, 10n), bid(624n, 10n), false],
    ['the fee’s cap, yet above the next block’s base fee', quote(700n, 10n), bid(798n, 10n), false],
    ['the fee’s cap to the wei, where the base fee is next to it', quote(950n, 10n), bid(1_000n, 10n), true],
    ['a tip without a base fee', quote(0n, 100n), bid(62n, 62n), false],
  ])('leaves room below %s', (_what, given, fees, atCap) => {
    expect(firstBid(config, given, 1n)).toEqual({ ok: true, fees, atCap });
  });
  it('is not made when the base fee lies above the cap', () => {
    expect(firstBid(config, quote(1_001n, 0n), 1n)).toMatchObject({ ok: false });
  });
  it('keeps to the ceiling per transaction at its gas limit', () => {
    const ceiling = { ...config, maxTransactionWei: 25_000n };
    expect(firstBid(ceiling, quote(200n, 10n), 100n)).toMatchObject({ fees: bid(235n, 10n), atCap: false });
    expect(firstBid(ceiling, quote(250n, 10n), 100n)).toMatchObject({ fees: bid(250n, 10n), atCap: true });
    expect(firstBid(ceiling, quote(251n, 10n), 100n)).toMatchObject({ ok: false });
  });
  it('in legacy mode is the suggested price, within the cap', () => {
    const legacy: FeeConfig = { ...config, mode: 'legacy' };
    expect(firstBid(legacy, quote(0n, 70n), 1n)).toMatchObject({
      fees: { type: 'legacy', gasPriceWei: 70n },
    });
    expect(firstBid(legacy, quote(0n, 1_001n), 1n)).toMatchObject({ ok: false });
    expect(firstBid(legacy, quote(900n, 1_200n), 1n)).toMatchObject({
      fees: { gasPriceWei: 1_000n },
      atCap: true,
    });
  });
  it('on a chain without fees is zero', () => {
    expect(firstBid({ ...config, mode: 'zero' }, quote(5n, 5n), 1n)).toMatchObject({
      fees: { gasPriceWei: 0n },
    });
  });
});

describe('a replacement', () => {
  it.each([
    ['raises both parts by an eighth, rounded up', bid(201n, 9n), quote(1n, 1n), bid(227n, 11n)],
    ['goes at least to the market', bid(200n, 10n), quote(300n, 40n), bid(640n, 40n)],
    [
      'takes the last step to the cap when that is a tenth or more',
      bid(900n, 10n),
      quote(1n, 1n),
      bid(1_000n, 12n),
    ],
    ['raises a tip of zero as well', bid(200n, 0n), quote(1n, 0n), bid(225n, 1n)],
  ])('%s', (_what, before, market, fees) => {
    expect(replacementBid(config, before, market, 1n)).toMatchObject({ ok: true, fees });
  });
  it.each([
    ['the fee', bid(910n, 10n), quote(1n, 1n)],
    ['the tip', bid(200n, 95n), quote(1n, 1n)],
    ['the base fee', bid(200n, 10n), quote(1_001n, 1n)],
  ])('is not made when %s leaves less than a tenth below the cap', (_what, before, market) => {
    expect(replacementBid(config, before, market, 1n)).toMatchObject({ ok: false });
  });
  it.each([
    ['the tip', quote(30n, 500n)],
    ['the fee', quote(540n, 10n)],
    ['tip and fee', quote(480n, 500n)],
  ])(
    'is possible four times after a first bid to a market above the cap of %s, to the wei',
    (_what, market) => {
      const caps: FeeConfig = { mode: 'eip1559', maxFeeWei: 1_000_003n, maxPriorityFeeWei: 100_003n };
      const scaled = quote(market.baseFeeWei * 1_000n, market.tipWei * 1_000n);
      let last = firstBid(caps, scaled, 1n);
      for (let raises = 0; raises < 4; raises += 1) {
        if (!last.ok || last.fees.type === 'legacy') throw new Error(JSON.stringify(last));
        const before = last.fees;
        last = replacementBid(caps, before, scaled, 1n);
        if (!last.ok || last.fees.type === 'legacy') throw new Error(`raise ${raises} is not possible`);
        const { maxFeeWei, maxPriorityFeeWei } = last.fees;
        expect(maxFeeWei * 10n).toBeGreaterThanOrEqual(before.maxFeeWei * 11n);
        expect(maxPriorityFeeWei * 10n).toBeGreaterThanOrEqual(before.maxPriorityFeeWei * 11n);
        expect(maxFeeWei).toBeLessThanOrEqual(1_000_003n);
        expect(maxPriorityFeeWei).toBeLessThanOrEqual(100_003n);
      }
      expect(last).toMatchObject({ atCap: true });
      expect(last.ok && replacementBid(caps, last.fees, scaled, 1n)).toMatchObject({ ok: false });
    },
  );
  it('doubles a bid that no pool took', () => {
    expect(replacementBid(config, bid(20n, 2n), quote(1n, 1n), 1n, 'double')).toMatchObject({
      fees: bid(40n, 4n),
    });
  });
  it('on a chain without fees is at the same price', () => {
    const before: Fees = { type: 'legacy', gasPriceWei: 0n };
    expect(replacementBid({ ...config, mode: 'zero' }, before, quote(0n, 0n), 1n)).toEqual({
      ok: true,
      fees: before,
      atCap: false,
    });
  });
});
