import { describe, expect, it } from 'vitest';
import type { GroupConfig } from '../../../src/config/types.js';
import { createGroupState, failedOf, putOff, settle, takeTick } from '../../../src/publisher/group-state.js';

const T = 1_700_000_000_000;
function createClock() {
  let wall = T + 5;
  let monotonic = 1_000;
  return {
    now: () => wall,
    monotonic: () => monotonic,
    pass: (ms: number) => {
      wall += ms;
      monotonic += ms;
    },
    jump: (ms: number) => {
      wall += ms;
    },
  };
}
const state = (tickSeconds = 1) => createGroupState({ name: 'g', tickSeconds } as GroupConfig);

describe("a group's ticks", () => {
  it('are whole multiples of its tick length, each taken once', () => {
    const clock = createClock();
    const group = state(5);
    expect(takeTick(group, clock)).toBe(T / 1_000);
    clock.pass(1_000);
    expect(takeTick(group, clock)).toBeUndefined();
    clock.pass(4_000);
    expect(takeTick(group, clock)).toBe(T / 1_000 + 5);
  });
  it('a timer that fires a few milliseconds early takes the coming tick, not the last one again', () => {
    const clock = createClock();
    const group = state();
    takeTick(group, clock);
    clock.pass(985);
    expect(takeTick(group, clock)).toBe(T / 1_000 + 1);
  });
  it('after a long pause the newest tick is taken and the missed ones are dropped', () => {
    const clock = createClock();
    const group = state();
    takeTick(group, clock);
    clock.pass(60_000);
    expect(takeTick(group, clock)).toBe(T / 1_000 + 60);
    expect(takeTick(group, clock)).toBeUndefined();
  });
  it('go on when the wall clock is set back an hour: the monotonic clock decides', () => {
    const clock = createClock();
    const group = state();
    takeTick(group, clock);
    clock.jump(-3_600_000);
    clock.pass(1_000);
    expect(takeTick(group, clock)).toBe(T / 1_000 - 3_599);
  });
});

describe('failures put a group off', () => {
  const waitsOf = (cost: 'gas' | 'nothing') => {
    const clock = createClock();
    const group = state();
    const waits = Array.from({ length: 8 }, () => {
      putOff(group, clock, cost);
      return group.holdUntilMs - clock.monotonic();
    });
    return { clock, group, waits };
  };

  it('that cost gas: longer each time, half a minute at most, and a round forgets them', () => {
    const { clock, group, waits } = waitsOf('gas');
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    settle(group);
    expect(group.holdUntilMs).toBe(0);
    putOff(group, clock, 'gas');
    expect(group.holdUntilMs - clock.monotonic()).toBe(1_000);
  });

  it('that cost nothing: two seconds at most, so that the end of an outage is not slept through', () => {
    expect(waitsOf('nothing').waits.slice(0, 3)).toEqual([1_000, 2_000, 2_000]);
  });

  it('and are news when the cause is another one, or after a round', () => {
    const group = state();
    expect([failedOf(group, 'budget'), failedOf(group, 'budget'), failedOf(group, 'signing')]).toEqual([
      true,
      false,
      true,
    ]);
    settle(group);
    expect(failedOf(group, 'signing')).toBe(true);
  });
});
