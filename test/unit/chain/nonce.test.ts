import { describe, expect, it } from 'vitest';
import { chooseNonce, type NonceChoice } from '../../../src/chain/nonce.js';

const use = (nonce: number): NonceChoice => ({ code: 'use', nonce });

describe('the next nonce', () => {
  it.each<[string, number[], number | undefined, number, NonceChoice]>([
    ['of a fresh key is what the endpoints count', [5, 5], undefined, 0, use(5)],
    [
      'of a fresh key is the lowest when they disagree: too low is refused, too high strands the key',
      [5, 9],
      undefined,
      0,
      use(5),
    ],
    ['is the recorded one when an endpoint counts more', [9, 7], 7, 0, use(7)],
    ['is the recorded one when only one endpoint lags', [6, 7], 7, 0, use(7)],
    ['waits when all count fewer than were confirmed', [6, 5], 7, 0, { code: 'behind', nonce: 6 }],
    ['steps over what was refused as used', [9, 9], 7, 8, use(9)],
    ['steps by one when no endpoint counts beyond what was refused', [7], 7, 8, use(8)],
    ['is the recorded one when refusals up to it bear it out', [3], 7, 7, use(7)],
    ['is unknown when no endpoint answers', [], 7, 0, { code: 'unknown' }],
  ])('%s', (_what, counts, next, refusedBelow, choice) => {
    expect(chooseNonce(counts, next === undefined ? {} : { next }, refusedBelow)).toEqual(choice);
  });
});
