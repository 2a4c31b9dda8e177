/** Rounds as the daemon tells of them, for the demo's unit tests. */
import type { SaidRound } from '../../../demo/daemon.js';

export const BTC = { name: 'BTC/USD', decimals: 8, proxy: '0x01' } as const;
export const ETH = { name: 'ETH/USD', decimals: 8, proxy: '0x02' } as const;

export const said = (round: number, answers: SaidRound['answers'], gasUsed = 37_000n): SaidRound => ({
  event: 'round_confirmed',
  round,
  timestamp: 1_000 + 5 * round,
  answers,
  hash: `0x${round}`,
  gasUsed,
  seconds: 1 + round / 10,
});
export const both = (round: number, btc: bigint, eth: bigint) =>
  said(round, [
    { feed: 'BTC/USD', answer: btc, reason: 'deviation' },
    { feed: 'ETH/USD', answer: eth, reason: 'companion' },
  ]);
