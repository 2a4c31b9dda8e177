/** What the daemon keeps between ticks and restarts: a small key-value and stream interface over memory or Redis. */

/** Why the state store failed. A closed list: log field and metric label. */
export const STATE_ERROR_CODES = [
  /** `STATE_URL` cannot be used. */
  'bad_url',
  /** There is no connection now. */
  'not_connected',
  /** Connected, but no reply in time; the command may still be carried out. */
  'timeout',
  /** The connection broke before the reply; the command may have been carried out. */
  'connection_lost',
  /** Wrong password, or the user may not do this. */
  'auth',
  /** The server is a replica now: a failover is under way. */
  'read_only',
  /** The server is at its memory limit and refuses writes. */
  'out_of_memory',
  /** The server reads its data from disk and does not answer yet. */
  'loading',
  /** The server refused for another reason. */
  'refused',
  /** The call makes no sense for what the key holds. */
  'bad_request',
  /** The bound of the store in memory is reached. */
  'full',
  /** The store was closed by this process. */
  'closed',
] as const;
export type StateErrorCode = (typeof STATE_ERROR_CODES)[number];

/** The state store did not answer, or refused; the caller carries on with the chain as the truth. */
export class StateError extends Error {
  override readonly name = 'StateError';
  constructor(
    readonly code: StateErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** One entry of a stream. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Every call ends within 300 ms, with a StateError when the store is away. */
export interface StateStore {
  /** Whether other replicas see the same store: true for Redis, false for memory. */
  readonly shared: boolean;
  get(key: string): Promise<string | undefined>;
  /** Several keys as they stand at one moment, in the order asked. */
  getMany(keys: readonly string[]): Promise<(string | undefined)[]>;
  /**
   * Without `ttlMs` the key stays until it is deleted.
   * @returns false when `onlyIfAbsent` is set and the key exists
   */
  set(key: string, value: string, options?: { ttlMs?: number; onlyIfAbsent?: boolean }): Promise<boolean>;
  /** Sets the value, and its time to live, if it is still `expected`. */
  compareAndSet(key: string, expected: string, value: string, options?: { ttlMs?: number }): Promise<boolean>;
  /** Deletes the key if its value is still `expected`. */
  compareAndDelete(key: string, expected: string): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Keys that begin with a prefix, in no order; at most 1,000. */
  keys(prefix: string): Promise<string[]>;
  /** Appends to a bounded stream; a server may keep somewhat more than `maxLength` entries, memory at most 1,000. */
  append(stream: string, fields: Readonly<Record<string, string>>, maxLength: number): Promise<void>;
  /** The newest entries, newest first. */
  last(stream: string, count: number): Promise<StreamEntry[]>;
  /** Whether the store answers, as far as the last calls and probes tell. */
  readonly available: () => boolean;
  /** Ends the connection; later calls fail with `closed`. Never throws. */
  readonly close: () => Promise<void>;
}

/** The most keys that `keys` returns. */
export const MAX_KEYS_LISTED = 1_000;
