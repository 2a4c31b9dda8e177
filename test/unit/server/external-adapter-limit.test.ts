/** The rate limit: exact over time, bounded in memory, and one bucket for what one host can call itself. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateLimit, peerOf } from '../../../src/server/rate-limit.js';
import { manualClock } from '../../support/prices/feeds.js';

describe('the rate limit', () => {
  it('never grants more than a burst and the rate', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 400 }),
        (perMinute, pauses) => {
          const clock = manualClock();
          const limit = createRateLimit(perMinute, clock);
          const startMs = clock.now();
          let granted = 0;
          for (const pause of pauses) {
            clock.advance(pause);
            if (limit.take('a') === 0) granted += 1;
          }
          const elapsedMs = clock.now() - startMs;
          expect(granted).toBeLessThanOrEqual(perMinute + Math.floor((elapsedMs * perMinute) / 60_000) + 1);
        },
      ),
    );
  });

  it('grants after the time that it said', () => {
    const clock = manualClock();
    const limit = createRateLimit(7, clock);
    for (let asked = 0; asked < 7; asked += 1) expect(limit.take('a')).toBe(0);
    const waitMs = limit.take('a');
    expect(waitMs).toBeGreaterThan(0);
    clock.advance(waitMs);
    expect(limit.take('a')).toBe(0);
  });

  it('forgets the quietest addresses first and does not grow', () => {
    const clock = manualClock();
    const limit = createRateLimit(1, clock);
    expect(limit.take('busy')).toBe(0);
    for (let other = 0; other < 10_000; other += 1) {
      limit.take(`other ${other}`);
      if (other % 1_000 === 0) expect(limit.take('busy')).toBeGreaterThan(0);
    }
    expect(limit.take('other 0')).toBe(0);
    expect(limit.take('other 9999')).toBeGreaterThan(0);
  });
});

describe('who asks', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('%s counts as %s', (address, peer) => {
    expect(peerOf(address)).toBe(peer);
  });
});
