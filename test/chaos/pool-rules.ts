/** The rules by which geth and Besu take or refuse a transaction; anvil is laxer than both. */
import type { Address, Hex } from '../../src/common/words.js';

export type PoolRules = 'geth' | 'besu' | 'besu-free-gas';

export interface SignedFields {
  readonly from: Address;
  readonly to: Address | undefined;
  readonly chainId: number | undefined;
  readonly nonce: number;
  readonly gasLimit: bigint;
  readonly maxFeeWei: bigint;
  readonly maxPriorityFeeWei: bigint;
  readonly valueWei: bigint;
  readonly data: Hex;
}

type Offer = SignedFields & { readonly hash: Hex };

/** Besu holds few future nonces of one sender, and this daemon should never send one. */
const BESU_FUTURE = 0;
/** geth queues some; a gap never lands all the same. */
const GETH_FUTURE = 64;

export interface Judgement {
  /** The refusal's message; absent when the offer is taken. */
  readonly refusal?: string;
  /** What the offer took the place of. */
  readonly replaced?: Hex;
}

/** Remembers what waits per sender and nonce. */
export function createPoolRules(rules: PoolRules): { judge(offer: Offer, count: number): Judgement } {
  const waiting = new Map<string, Offer>();
  const refuse = (geth: string, besu: string): Judgement => ({ refusal: rules === 'geth' ? geth : besu });

  function replaces(old: Offer, offer: Offer): boolean {
    const tenth = (value: bigint) => (value * 110n + 99n) / 100n;
    const byTenth =
      offer.maxFeeWei >= tenth(old.maxFeeWei) && offer.maxPriorityFeeWei >= tenth(old.maxPriorityFeeWei);
    switch (rules) {
      case 'geth':
        return byTenth && offer.maxFeeWei > old.maxFeeWei && offer.maxPriorityFeeWei > old.maxPriorityFeeWei;
      case 'besu':
        return byTenth;
      case 'besu-free-gas':
        return offer.maxFeeWei >= old.maxFeeWei;
    }
  }

  return {
    judge(offer, count) {
      if (offer.nonce < count) return refuse('nonce too low', 'Nonce too low');
      const allowed = rules === 'geth' ? GETH_FUTURE : BESU_FUTURE;
      const distant = 'Transaction nonce is too distant from current sender nonce';
      if (offer.nonce > count + allowed) return refuse(distant, distant);
      const place = `${offer.from}:${offer.nonce}`;
      const old = waiting.get(place);
      if (old?.hash === offer.hash) return refuse('already known', 'Known transaction');
      if (old && !replaces(old, offer))
        return refuse('replacement transaction underpriced', 'Replacement transaction underpriced');
      waiting.set(place, offer);
      return old ? { replaced: old.hash } : {};
    },
  };
}
