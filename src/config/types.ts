/** The configuration as the rest of the program sees it: loaded, merged, checked, with every default filled in. */
import type { Rational } from '../common/rational.js';
import type { Address } from '../common/words.js';

/** What all source kinds share. */
export interface SourceBase {
  /** Unique within its feed, such as `kraken:XETHZUSD`. */
  readonly label: string;
  /** The preset's name (`kraken`), or the kind for a source written out in full: limits and breakers are per venue. */
  readonly venue: string;
  /** Currency that the source quotes in, such as `USDT`. */
  readonly quote: string;
  /** Feed that turns the source's quote into the feed's own, such as `USDT/USD`; its value is multiplied in. */
  readonly convert?: string;
  /** Factor applied to the raw value; 1 unless configured. */
  readonly scale: Rational;
  /** Take one divided by the raw value (after `scale`). */
  readonly invert: boolean;
  /** For one poll of this source, retries included. */
  readonly deadlineMs: number;
  /** Observations older than this are not used; the feed's `maxAgeMs` unless configured. */
  readonly maxAgeMs?: number;
  /** Polled at most this often, for venues with narrow limits; the common interval unless configured. */
  readonly minIntervalMs?: number;
}

export type TimeUnit = 's' | 'ms' | 'us' | 'ns' | 'iso';

/** How a value, its time and the venue's own errors are found in a JSON answer. Paths are RFC 9535 JSONPath. */
export interface JsonExtraction {
  readonly path: string;
  readonly timePath?: string;
  readonly timeUnit: TimeUnit;
  /** Where a venue tells an error in an answer with status 200; a value there that is not null, false, zero or empty is one. */
  readonly errorPath?: string;
  /** Where a venue tells the market's state, and the states in which its price counts. */
  readonly statusPath?: string;
  readonly statusOk?: readonly string[];
}

export interface HttpSource extends SourceBase, JsonExtraction {
  readonly kind: 'http';
  /** The complete URL, the symbol filled in. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Further attempts within one poll. */
  readonly retries: number;
}

export interface WebSocketSource extends SourceBase, JsonExtraction {
  readonly kind: 'websocket';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Messages sent after connecting, the symbol filled in. */
  readonly subscribe: readonly string[];
  /** JSONPath that must select something for a message to count, the symbol filled in. */
  readonly filter?: string;
  /** Message sent at `pingIntervalMs`; a protocol ping when absent. */
  readonly ping?: string;
  readonly pingIntervalMs: number;
  /** Reconnect when no message came for this long. */
  readonly silenceMs: number;
}

export interface ExternalAdapterSource extends SourceBase {
  readonly kind: 'external-adapter';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

export interface AggregatorSource extends SourceBase {
  readonly kind: 'aggregator';
  /** Endpoints of the chain that is read; secrets. */
  readonly rpcUrls: readonly string[];
  readonly chainId: number;
  readonly address: Address;
  /** The feed's `decimals()` on that chain, checked against the contract. */
  readonly decimals?: number;
  /** A round older than this is no observation. */
  readonly staleAfterMs: number;
}

export interface FeedSource extends SourceBase {
  readonly kind: 'feed';
  readonly operation: 'product' | 'quotient';
  readonly inputs: readonly string[];
}

export type SourceConfig =
  | HttpSource
  | WebSocketSource
  | ExternalAdapterSource
  | AggregatorSource
  | FeedSource;

/** When a feed's market is open; absent means always. */
export interface MarketHours {
  readonly timeZone: string;
  /** Per weekday, 0 is Sunday: minutes of the local day, `[from, to)`. */
  readonly open: ReadonlyMap<number, readonly (readonly [number, number])[]>;
  /** Local dates, `YYYY-MM-DD`. */
  readonly holidays: ReadonlySet<string>;
  /** What the heartbeat does while closed: `repeat` publishes the last price, `pause` publishes nothing. */
  readonly closed: 'repeat' | 'pause';
}

export interface FeedConfig {
  /** `BASE/QUOTE`. */
  readonly name: string;
  readonly base: string;
  readonly quote: string;
  readonly decimals: number;
  readonly description: string;
  /** On-chain age that is never passed, in seconds. */
  readonly heartbeatSeconds: number;
  /** Percent, exact; `off` switches the trigger off. */
  readonly deviation: Rational | 'off';
  /** In the feed's own unit, scaled by its decimals; must be met as well as the deviation. */
  readonly minChange?: bigint;
  readonly maxAgeMs: number;
  readonly minSources: number;
  /** Percent between the lowest and highest surviving observation, against the median. */
  readonly maxSpread: Rational;
  /** Outliers lie further from the median than `factor` median absolute deviations and than `floor` percent of it. */
  readonly outliers: { readonly factor: Rational; readonly floor: Rational };
  /** Percent against the on-chain answer, with the number of ticks that a larger move must hold. */
  readonly maxJump?: { readonly percent: Rational; readonly confirmTicks: number };
  /** Whether zero and negative answers are refused. */
  readonly positive: boolean;
  /** Bounds in the feed's own unit, exact. */
  readonly min?: Rational;
  readonly max?: Rational;
  readonly market?: MarketHours;
  readonly sources: readonly SourceConfig[];
}

export interface GroupConfig {
  readonly name: string;
  /** On-chain id, 1 to 255. */
  readonly id: number;
  /** Name of its chain. */
  readonly chain: string;
  /** Two 112-bit answers a word instead of four 56-bit ones. */
  readonly wide: boolean;
  /** The ring keeps 2^ringBits rounds. */
  readonly ringBits: number;
  readonly tickSeconds: number;
  readonly threshold: number;
  /** Sorted; empty means: the addresses of the own key pool. */
  readonly signers: readonly Address[];
  readonly feeds: readonly FeedConfig[];
}

export type FeeMode = 'eip1559' | 'legacy' | 'zero';

export interface FeeConfig {
  readonly mode: FeeMode;
  /** Cap of `maxFeePerGas` (or the legacy gas price), wei per gas. */
  readonly maxFeeWei: bigint;
  /** Cap of `maxPriorityFeePerGas`, wei per gas. */
  readonly maxPriorityFeeWei: bigint;
  /** Most that one transaction may cost, wei. */
  readonly maxTransactionWei?: bigint;
  readonly budgetPerHourWei?: bigint;
  readonly budgetPerDayWei?: bigint;
}

export interface ChainConfig {
  /** The `adapter` label of the metrics. */
  readonly name: string;
  /** `undefined`: read from all endpoints at start, which must agree, and pinned. */
  readonly id: number | undefined;
  /** Secrets: they may carry keys. */
  readonly rpcUrls: readonly string[];
  /** `undefined` before `deploy`. */
  readonly aggregator: Address | undefined;
  /** Blocks on top of a receipt's block, its own included, before it counts. */
  readonly confirmations: number;
  /** From the first send to the end of waiting for a confirmation. */
  readonly confirmationDeadlineMs: number;
  /** Not landed after this: replaced with a fresh report. */
  readonly replaceAfterMs: number;
  /** How often the chain's head and the groups' rounds are read. */
  readonly pollIntervalMs: number;
  readonly rpcTimeoutMs: number;
  /** Added to the measured time from decision to inclusion when a heartbeat is planned. */
  readonly minLeadMs: number;
  readonly gasLimitCap: bigint;
  readonly fees: FeeConfig;
  /** Alert threshold of the transmitter's balance, wei. */
  readonly minBalanceWei?: bigint;
}

export interface PublisherConfig {
  readonly chains: readonly ChainConfig[];
  readonly groups: readonly GroupConfig[];
  /** Feeds that are read for conversion or derivation and not published. */
  readonly conversions: readonly FeedConfig[];
  /** How often sources are polled. */
  readonly pollIntervalMs: number;
  /** SHA-256 of what was loaded, hexadecimal: the configuration in force. */
  readonly hash: string;
}

/** What comes from the environment alone and does not change while running. */
export interface Environment {
  readonly stateUrl: string;
  readonly configDir: string;
  readonly logLevel: LogLevel;
  readonly metricsPort: number;
  readonly httpPort: number;
  readonly bindAddress: string;
  readonly keys: KeySettings;
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** Where keys come from; exactly one is set. All are secrets but the file names. */
export type KeySettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'environment'; readonly privateKeys: readonly string[] }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'keystore'; readonly paths: readonly string[]; readonly passwordFile: string }
  | {
      readonly kind: 'kms';
      readonly keyIds: readonly string[];
      readonly region?: string;
      readonly endpoint?: string;
    }
  | { readonly kind: 'web3signer'; readonly url: string; readonly addresses: readonly string[] };
