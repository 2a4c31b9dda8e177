/** What the crash test tells its child. */
import type { Address } from '../../../src/common/words.js';

/** Where the process dies. */
export const CRASH_STEPS = [
  'before-sign',
  'after-sign',
  'after-store',
  'after-send',
  'while-waiting',
  'after-receipt',
  'before-booked',
  'after-booked',
] as const;
export type CrashStep = (typeof CRASH_STEPS)[number];

export interface CrashOrder {
  readonly url: string;
  readonly aggregator: Address;
  readonly stateUrl: string;
  readonly step?: CrashStep;
  readonly rounds: number;
}
