import { describe, expect, it } from 'vitest';
import { createInclusionTimes } from '../../../src/chain/inclusion.js';

const quantileAfter = (...samples: number[]) => {
  const times = createInclusionTimes();
  for (const seconds of samples) times.add(seconds);
  return times.quantile(2);
};

describe('the measured time to inclusion', () => {
  it('is the expectation before there is experience', () => {
    expect(quantileAfter()).toBe(2);
  });
  it('is not decided by one pause of the process', () => {
    expect(quantileAfter(30)).toBe(2);
    expect(quantileAfter(1, 1, 1, 1, 30)).toBe(2);
    expect(quantileAfter(...Array(39).fill(1), 30)).toBeLessThanOrEqual(2);
  });
  it('follows a chain that became slow, from the second sample on', () => {
    expect(quantileAfter(1, 1, 1, 12, 12)).toBe(12);
    expect(quantileAfter(...Array(50).fill(12))).toBe(12);
  });
  it('forgets what is long past', () => {
    expect(quantileAfter(30, 30, 30, ...Array(50).fill(1))).toBeLessThanOrEqual(2);
  });
});
