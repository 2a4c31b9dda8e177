import { describe, expect, it } from 'vitest';
import {
  createBreaker,
  FAILURES_TO_OPEN,
  FIRST_PAUSE_MS,
  LONGEST_PAUSE_MS,
} from '../../../src/prices/breaker.js';
import { manualClock } from '../../support/prices/feeds.js';

function opened(random = () => 0) {
  const clock = manualClock();
  const breaker = createBreaker({ clock, random });
  for (let i = 0; i < FAILURES_TO_OPEN; i += 1) breaker.failed();
  return { clock, breaker };
}

describe('breaker', () => {
  it('opens after repeated failures only', () => {
    const breaker = createBreaker({ clock: manualClock(), random: () => 0 });
    for (let i = 1; i < FAILURES_TO_OPEN; i += 1) breaker.failed();
    breaker.succeeded();
    for (let i = 1; i < FAILURES_TO_OPEN; i += 1) breaker.failed();
    expect(breaker.state()).toBe('closed');
    breaker.failed();
    expect(breaker.state()).toBe('open');
    expect(breaker.tryPass()).toBe(false);
  });

  it('lets one through after the pause, and closes when that one succeeds', () => {
    const { clock, breaker } = opened();
    clock.advance(FIRST_PAUSE_MS);
    expect([breaker.tryPass(), breaker.tryPass()]).toEqual([true, false]);
    breaker.succeeded();
    expect([breaker.tryPass(), breaker.tryPass()]).toEqual([true, true]);
  });

  it('pauses grow to a limit', () => {
    const { clock, breaker } = opened();
    const pauses: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      let waited = 0;
      while (breaker.state() === 'open') {
        clock.advance(1_000);
        waited += 1_000;
      }
      pauses.push(waited);
      breaker.tryPass();
      breaker.failed();
    }
    expect(pauses.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000]);
    expect(pauses.at(-1)).toBe(LONGEST_PAUSE_MS);
  });

  it('a trip lasts as long as asked, and longer each time that nothing was asked', () => {
    const clock = manualClock();
    const breaker = createBreaker({ clock, random: () => 0 });
    const waitOut = () => {
      let waited = 0;
      for (; breaker.state() === 'open'; waited += 1_000) clock.advance(1_000);
      return waited;
    };
    const waits: number[] = [];
    for (const pause of [0, 0, 60_000, 0]) {
      breaker.trip(pause);
      breaker.trip(pause);
      waits.push(waitOut());
    }
    expect(waits).toEqual([5_000, 10_000, 60_000, 40_000]);
  });

  it('a cancelled trial gives its place back', () => {
    const { clock, breaker } = opened();
    clock.advance(FIRST_PAUSE_MS);
    expect(breaker.tryPass()).toBe(true);
    breaker.released();
    expect(breaker.tryPass()).toBe(true);
  });

  it('an answer that was under way does not undo a trip', () => {
    const { breaker } = opened();
    breaker.trip(60_000);
    breaker.succeeded();
    expect(breaker.state()).toBe('open');
  });

  it('replicas do not come back as one', () => {
    const [early, late] = [opened(() => 0), opened(() => 0.99)];
    early.clock.advance(FIRST_PAUSE_MS);
    late.clock.advance(FIRST_PAUSE_MS);
    expect([early.breaker.state(), late.breaker.state()]).toEqual(['half_open', 'open']);
  });
});
