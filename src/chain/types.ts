/** What a chain offers to the publisher. */
import type { Address, GroupOnChain, Hex } from '../common/words.js';
import type { Timeline } from './timeline.js';

/** The newest block that a healthy endpoint told. */
export interface Head {
  readonly number: bigint;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** One report's place in a transaction. */
export interface ReportedRound {
  readonly group: number;
  readonly round: number;
  /** Unix seconds: the signed tick. */
  readonly timestamp: number;
}

/** One wish to change the chain; at most one per key is under way. */
export interface TransmitJob {
  /** Said in the journal and the log. */
  readonly reason: string;
  /** `Clock.monotonic()` of the decision: the start of the measured duration. */
  readonly decidedAtMs: number;
  /**
   * Builds the calldata of `transmit` against the chain's newest state. Called right before the first signature and
   * again before each replacement, so that a replacement carries a fresh report.
   * @returns `undefined` when nothing is due any more
   */
  prepare(signal: AbortSignal): Promise<PreparedTransmit | undefined>;
}

export interface PreparedTransmit {
  /** The complete calldata, selector included. */
  readonly data: Hex;
  readonly rounds: readonly ReportedRound[];
  /** Called when it is signed, right before it is sent for the first time. */
  readonly onSigned?: () => void;
}

/** What became of a job. `rounds` are those of the transaction that landed. */
export type TransmitOutcome =
  | {
      readonly code: 'confirmed';
      readonly hash: Hex;
      readonly rounds: readonly ReportedRound[];
      readonly gasUsed: bigint;
      readonly effectiveGasPriceWei: bigint;
      readonly blockNumber: bigint;
      readonly seconds: number;
      readonly timeline: Timeline;
    }
  | {
      /** The transaction, or its simulation before any signature, reverted with a named error of the contract. */
      readonly code: 'reverted';
      readonly errorName: string;
      readonly errorArgs: readonly string[];
      readonly cause: 'someone_faster' | 'unauthorised' | 'late' | 'paused' | 'other';
      readonly rounds: readonly ReportedRound[];
      readonly hash?: Hex;
      readonly gasUsed?: bigint;
      /** Absent where the simulation before the signature reverted. */
      readonly timeline?: Timeline;
    }
  | { readonly code: 'withdrawn' }
  | {
      readonly code: 'failed';
      readonly cause:
        | 'send_failed'
        | 'not_confirmed'
        | 'reorganised'
        | 'fee_cap'
        | 'budget'
        | 'balance'
        | 'signing'
        | 'clock_ahead'
        | 'internal';
      readonly detail: string;
      /** How far the newest signature came. */
      readonly timeline?: Partial<Timeline>;
    };

/** The owner of one transmitter key: its nonces, its journal, its one unconfirmed transaction. */
export interface Transmitter {
  readonly address: Address;
  /** Whether a job is under way. */
  readonly busy: () => boolean;
  /** Runs one job to its end. Refuses (throws) while busy. */
  send(job: TransmitJob, signal: AbortSignal): Promise<TransmitOutcome>;
}

/** What was found wrong, or done, at start. */
export type StartFinding =
  | { readonly ok: true; readonly chainId: number; readonly lines: readonly string[] }
  | {
      readonly ok: false;
      readonly problems: readonly string[];
      /** True where waiting may help (no endpoint answers); else the configuration is wrong. */
      readonly temporary?: boolean;
    };

export interface EndpointView {
  /** Host and place in the list, never the whole URL. */
  readonly endpoint: string;
  readonly healthy: boolean;
  readonly reason?: string;
  readonly height?: bigint;
}

/** A transaction with rounds that an earlier process, or an earlier job, sent. */
export type LateLanding = Pick<
  Extract<TransmitOutcome, { code: 'confirmed' }>,
  'hash' | 'rounds' | 'gasUsed' | 'effectiveGasPriceWei' | 'blockNumber'
>;

export interface Chain {
  readonly name: string;
  /** Calls back, from now on, with each transaction of earlier jobs that a key's job finds to have landed. */
  onLateLanding(told: (landing: LateLanding, transmitter: Address) => Promise<void>): void;
  /**
   * Checks endpoints, chain id, code at the aggregator's address and its EIP-712 domain, and says of each transmitter what
   * the chain counts and what its journal holds. Writes nothing.
   */
  start(signal: AbortSignal): Promise<StartFinding>;
  /** Health checks, head tracking and balances until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Pinned by `start`. */
  readonly id: () => number;
  readonly head: () => Head | undefined;
  /** Reads groups in one call at one block. Throws when no endpoint answers. */
  readGroups(groups: readonly number[], signal: AbortSignal): Promise<readonly GroupOnChain[]>;
  /** One `eth_call` at the latest block, for what is read rarely. Throws when no endpoint answers or the call reverts. */
  call(to: Address, data: Hex, signal: AbortSignal): Promise<Hex>;
  /**
   * The group's signer set out of the contract's events, for a set that the configuration does not know (a rotation).
   * @param hash the hash that the contract keeps; the caller checks what is found against it
   * @returns `undefined` when it is not within reach of the search
   * @throws Error when the endpoints could not be asked
   */
  findSigners(group: number, hash: Address, signal: AbortSignal): Promise<readonly Address[] | undefined>;
  /** Measured seconds from decision to inclusion (a high quantile of the recent ones), for the heartbeat's lead. */
  readonly inclusionSeconds: () => number;
  /** What a stop should grant a job under way: its inclusion, then its depth at twice the measured time of blocks. */
  readonly settleMs: () => number;
  readonly transmitters: readonly Transmitter[];
  readonly endpoints: () => readonly EndpointView[];
  readonly healthy: () => boolean;
}
