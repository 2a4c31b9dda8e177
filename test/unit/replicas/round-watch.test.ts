import { describe, expect, it } from 'vitest';
import { createRoundWatch } from '../../../src/replicas/round-watch.js';

function scene() {
  const time = { nowMs: 1_000_000 };
  const underWay = new Set<string>();
  const watch = createRoundWatch({
    clock: { now: () => time.nowMs, monotonic: () => time.nowMs },
    graceMs: 5_000,
    underWay: (group) => underWay.has(group),
  });
  return { time, underWay, watch };
}

describe('late groups', () => {
  it('are those past heartbeat plus grace, by the signed time on chain', () => {
    const { time, watch } = scene();
    watch.observed('g', { round: 3, signedAt: 990 }, 60);
    time.nowMs = 1_055_000;
    expect(watch.lateGroups()).toEqual([]);
    time.nowMs = 1_055_001;
    expect(watch.lateGroups()).toEqual(['g']);
    watch.observed('g', { round: 4, signedAt: 1_055 }, 60);
    expect(watch.lateGroups()).toEqual([]);
  });

  it('include those that never had a round, a grace after they were first read', () => {
    const { time, watch } = scene();
    watch.observed('g', { round: 0, signedAt: 0 }, 60);
    time.nowMs += 3_000;
    watch.observed('g', { round: 0, signedAt: 0 }, 60);
    expect(watch.lateGroups()).toEqual([]);
    time.nowMs += 2_001;
    expect(watch.lateGroups()).toEqual(['g']);
  });

  it('are not those that nobody has read yet, and a lagging endpoint makes none late', () => {
    const { time, watch } = scene();
    watch.landed('unread', 1);
    watch.observed('g', { round: 4, signedAt: 1_000 }, 60);
    watch.observed('g', { round: 3, signedAt: 900 }, 60);
    time.nowMs = 1_060_000;
    expect(watch.lateGroups()).toEqual([]);
  });
});

describe('a foreign round', () => {
  it('came after the given time and was not brought by this process', () => {
    const { time, watch } = scene();
    watch.observed('g', { round: 3, signedAt: 1_000 }, 60);
    expect(watch.foreignRound('g', time.nowMs)).toBe(false);
    const sinceMs = time.nowMs;
    time.nowMs += 1_000;
    watch.landed('g', 4);
    watch.observed('g', { round: 4, signedAt: 1_001 }, 60);
    expect(watch.foreignRound('g', sinceMs)).toBe(false);
    time.nowMs += 1_000;
    watch.observed('g', { round: 5, signedAt: 1_002 }, 60);
    expect(watch.foreignRound('g', sinceMs)).toBe(true);
    expect(watch.foreignRound('g', time.nowMs)).toBe(false);
  });

  it('is not judged while a transaction of ours carries the group', () => {
    const { time, watch, underWay } = scene();
    watch.observed('g', { round: 3, signedAt: 1_000 }, 60);
    const sinceMs = time.nowMs;
    underWay.add('g');
    time.nowMs += 1_000;
    watch.observed('g', { round: 4, signedAt: 1_001 }, 60);
    expect(watch.foreignRound('g', sinceMs)).toBe(false);
    watch.landed('g', 4);
    underWay.clear();
    expect(watch.foreignRound('g', sinceMs)).toBe(false);
  });

  it('is none of a group that was never read or never had a round', () => {
    const { watch } = scene();
    watch.observed('new', { round: 0, signedAt: 0 }, 60);
    expect(watch.foreignRound('new', 0)).toBe(false);
    expect(watch.foreignRound('unknown', 0)).toBe(false);
  });
});
