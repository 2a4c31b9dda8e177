/** What the daemon keeps between ticks and restarts: a small key-value and stream interface over memory or Redis. */

/** The state store did not answer, or refused; the caller carries on with the chain as the truth. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** One entry of a stream. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Every call ends within 300 ms, with a StateError when the store is away. */
export interface StateStore {
  get(key: string): Promise<string | undefined>;
  /** @returns false when `onlyIfAbsent` is set and the key exists */
  set(key: string, value: string, options?: { ttlMs?: number; onlyIfAbsent?: boolean }): Promise<boolean>;
  /** Sets the value, and its time to live, if it is still `expected`. */
  compareAndSet(key: string, expected: string, value: string, options?: { ttlMs?: number }): Promise<boolean>;
  /** Deletes the key if its value is still `expected`. */
  compareAndDelete(key: string, expected: string): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Keys that begin with a prefix; at most 1,000. */
  keys(prefix: string): Promise<string[]>;
  /** Appends to a bounded stream. */
  append(stream: string, fields: Readonly<Record<string, string>>, maxLength: number): Promise<void>;
  /** The newest entries, newest first. */
  last(stream: string, count: number): Promise<StreamEntry[]>;
  /** Whether the last call was answered. */
  readonly available: () => boolean;
  readonly close: () => Promise<void>;
}
