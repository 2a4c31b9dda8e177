/** How long a transaction takes from decision to inclusion: what a heartbeat's lead has to cover. */

const KEPT = 50;
const QUANTILE = 0.95;
/** The expectation counts as two samples, until there is experience. */
const EXPECTATIONS = 2;

export interface InclusionTimes {
  add(seconds: number): void;
  /**
   * The 95 % quantile of the last 50 samples, in seconds. Its place is rounded down, so that one sample alone never
   * decides: a process that was stopped, or cut off, while its transaction landed measures its own pause.
   * @param expectedSeconds what is assumed before there is experience
   */
  quantile(expectedSeconds: number): number;
}

export function createInclusionTimes(): InclusionTimes {
  let samples: readonly number[] = [];
  return {
    add(seconds) {
      samples = [...samples.slice(1 - KEPT), seconds];
    },
    quantile(expectedSeconds) {
      const sorted = [...samples, ...Array<number>(EXPECTATIONS).fill(expectedSeconds)].sort((a, b) => a - b);
      return sorted[Math.floor(QUANTILE * (sorted.length - 1))] ?? expectedSeconds;
    },
  };
}
