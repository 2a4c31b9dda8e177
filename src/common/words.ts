/** The project's words as types: what the stages share. See the design's glossary in the README. */
import type { Rational } from './rational.js';

/** An address in lower or checksummed hexadecimal; compare with `isAddressEqual`. */
export type Address = `0x${string}`;
export type Hex = `0x${string}`;

/** One source's value for one feed, with the time it was made. */
export interface Observation {
  /** The source's label, unique within its feed, such as `kraken:XETHZUSD`. */
  readonly source: string;
  readonly value: Rational;
  /** Unix milliseconds: the venue's own time where it gives one, else the moment of receipt. */
  readonly observedAtMs: number;
  readonly timeFrom: 'venue' | 'receipt';
  readonly receivedAtMs: number;
}

/** An observation that was left out of a price, with why. */
export interface DroppedObservation {
  readonly source: string;
  readonly code: string;
  readonly observation?: Observation;
}

/** A feed's aggregated value at a tick, with the observations that made it, or the guard that held it back. */
export type Price =
  | {
      readonly ok: true;
      readonly feed: string;
      /** Scaled by the feed's decimals. */
      readonly answer: bigint;
      /**
       * Unix milliseconds: the newest moment since which `minSources` fresh observations have been at hand, never after
       * the tick; of a derived feed the oldest of its inputs. Losing or delaying a source never makes it newer.
       */
      readonly observedAtMs: number;
      readonly used: readonly Observation[];
      readonly dropped: readonly DroppedObservation[];
    }
  | {
      readonly ok: false;
      readonly feed: string;
      readonly code: HoldReason;
      /** What was found and what was wanted, for the log and the status page. */
      readonly detail: string;
      readonly used: readonly Observation[];
      readonly dropped: readonly DroppedObservation[];
    };

/** Why a feed has no price at a tick: the guards of `src/prices` and the derived feeds. A closed list. */
export const HOLD_REASONS = [
  'no_observations',
  'too_few_sources',
  'spread_too_wide',
  'not_positive',
  'out_of_bounds',
  'out_of_range',
  'input_missing',
  'jump_unconfirmed',
  'market_closed',
] as const;
export type HoldReason = (typeof HOLD_REASONS)[number];

/** The one reason that a feed gets at each tick. A closed list: metric label, log field and runbook anchor. */
export const DECISION_REASONS = [
  'first_round',
  'deviation',
  'heartbeat',
  'deviation_and_heartbeat',
  'companion',
  'not_due',
  'pending',
  'paused',
  'chain_unknown',
  'not_leader',
  'held_back',
  ...HOLD_REASONS,
] as const;
export type DecisionReason = (typeof DECISION_REASONS)[number];

/** What the chain holds for one feed: its last present answer. */
export interface FeedOnChain {
  readonly answer: bigint;
  /** The round that the answer came with; 0 when the feed never had one. */
  readonly round: number;
  /** Unix seconds, as consumers read it. */
  readonly updatedAt: number;
}

/** What the chain holds for a group, read in one call at one block. */
export interface GroupOnChain {
  readonly group: number;
  /** Number of the last accepted round; 0 before the first. */
  readonly round: number;
  /** Unix seconds: the signed time of that round, by which order is judged. */
  readonly signedAt: number;
  readonly threshold: number;
  readonly signers: number;
  readonly signersHash: Address;
  readonly wide: boolean;
  readonly paused: boolean;
  readonly feeds: readonly FeedOnChain[];
  readonly blockNumber: bigint;
  /** Unix seconds of the block that was read. */
  readonly blockTimestamp: number;
}

/** A group's answers at one tick; `undefined` where a feed has none in this round. */
export interface Report {
  readonly group: number;
  /** The number that this round will have: the chain's round plus one. */
  readonly round: number;
  /** Unix seconds: the tick. */
  readonly timestamp: number;
  readonly wide: boolean;
  readonly answers: readonly (bigint | undefined)[];
}
