/** What a flight is given and what it ends with. */
import type { Clock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { ChainConfig } from '../config/types.js';
import type { Logger } from '../telemetry/logger.js';
import type { AttemptMaker, Payload } from './attempt.js';
import type { Attempt, JournalEntry } from './journal.js';
import type { Revert } from './revert.js';
import type { RpcPool } from './rpc/pool.js';
import type { Receipt } from './rpc/shapes.js';
import type { TimelineKeeper } from './timeline.js';
import type { ReportedRound, TransmitOutcome } from './types.js';

export type FailureCause = Extract<TransmitOutcome, { code: 'failed' }>['cause'];

export type FlightOutcome =
  | {
      readonly code: 'landed';
      readonly attempt: Attempt;
      readonly receipt: Receipt;
      readonly entry: JournalEntry;
      readonly seenAtMs: number;
    }
  /** The simulation reverted; nothing of this nonce is in the air. */
  | { readonly code: 'refused'; readonly revert: Revert; readonly rounds: readonly ReportedRound[] }
  /** Nothing is due any more; nothing of this nonce is in the air. */
  | { readonly code: 'withdrawn' }
  /** The nonce was used by a transaction that is none of ours. */
  | { readonly code: 'nonce_taken'; readonly detail: string }
  | {
      readonly code: 'failed';
      readonly cause: FailureCause;
      readonly detail: string;
      /** A signature may still land: the next job takes the nonce up. */
      readonly open: boolean;
    };

export interface FlightDeps {
  readonly chain: string;
  readonly pool: RpcPool;
  readonly address: Address;
  readonly maker: AttemptMaker;
  readonly config: Pick<
    ChainConfig,
    'confirmations' | 'confirmationDeadlineMs' | 'replaceAfterMs' | 'pollIntervalMs' | 'fees'
  >;
  readonly clock: Clock;
  readonly log: Logger;
  /** Stores the entry before anything of it is sent. */
  readonly store: (entry: JournalEntry) => Promise<void>;
  /** Whether the journal is still written by this process alone. */
  readonly stillOurs: () => Promise<boolean>;
  readonly onSent: (attempt: Attempt, replaced: boolean) => void;
  readonly onCap: (atCap: boolean) => void;
  readonly timeline: TimelineKeeper;
}

export interface FlightRequest {
  readonly reason: string;
  prepare(signal: AbortSignal): Promise<Payload | undefined>;
}
