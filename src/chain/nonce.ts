/** Which nonce comes next, from what endpoints count and what the journal knows. Pure. */
import type { JournalState } from './journal.js';

export type NonceChoice =
  | { readonly code: 'use'; readonly nonce: number }
  /** All endpoints count fewer than were confirmed: they lag, or a reorganisation undid some. Ask again, then insist. */
  | { readonly code: 'behind'; readonly nonce: number }
  | { readonly code: 'unknown' };

/**
 * Chooses so that a gap cannot come about: a nonce that is too low is refused and does no harm, one that is too high
 * strands the key.
 * @param counts what the endpoints that answered gave for `eth_getTransactionCount` at the latest block
 * @param refusedBelow lowest nonce that was not yet refused as too low
 */
export function chooseNonce(
  counts: readonly number[],
  journal: Pick<JournalState, 'next'>,
  refusedBelow = 0,
): NonceChoice {
  if (counts.length === 0) return { code: 'unknown' };
  const highest = Math.max(...counts);
  const recorded = journal.next;
  if (recorded !== undefined && recorded >= refusedBelow) {
    // Refusals up to the record bear it out against endpoints that count fewer.
    const borneOut = recorded === refusedBelow && refusedBelow > 0;
    return highest >= recorded || borneOut
      ? { code: 'use', nonce: recorded }
      : { code: 'behind', nonce: refusedBelow > highest ? recorded : highest };
  }
  const possible = counts.filter((count) => count >= refusedBelow);
  return { code: 'use', nonce: possible.length > 0 ? Math.min(...possible) : refusedBelow };
}
