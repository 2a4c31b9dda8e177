/** The state store of a single replica: bounded maps in memory, gone with the process. */
import type { Clock } from '../common/time.js';
import { MAX_KEYS_LISTED, StateError, type StateStore, type StreamEntry } from './store.js';

// Far above what a daemon needs (some keys per group and transmitter); a bound, because nothing here may grow for ever.
const MAX_KEYS = 10_000;
/** Of one stream: no other process can read it, and this one asks for the newest only. */
const MAX_ENTRIES = 1_000;

interface Value {
  readonly kind: 'value';
  readonly value: string;
  /** `Clock.monotonic()` after which the key is gone. */
  readonly expiresAtMs: number;
}

interface Stream {
  readonly kind: 'stream';
  readonly entries: StreamEntry[];
  lastMs: number;
  sequence: number;
}

/**
 * Creates a store in memory. Times to live follow the clock's monotonic time.
 * @returns a store whose calls throw StateError `full` at 10,000 keys, `bad_request` on a key of the other kind, `closed`
 */
export function createMemoryState({ clock }: { readonly clock: Clock }): StateStore {
  const held = new Map<string, Value | Stream>();
  let closed = false;

  const alive = (key: string): Value | Stream | undefined => {
    if (closed) throw new StateError('closed', 'the state store was closed');
    const entry = held.get(key);
    if (entry?.kind !== 'value' || entry.expiresAtMs > clock.monotonic()) return entry;
    held.delete(key);
    return undefined;
  };
  const read = (key: string): string | undefined => {
    const entry = alive(key);
    if (entry?.kind === 'stream') throw new StateError('bad_request', `${key} is a stream`);
    return entry?.value;
  };
  const insert = (key: string, entry: Value | Stream): void => {
    if (!held.has(key) && held.size >= MAX_KEYS) {
      for (const other of [...held.keys()]) alive(other);
      if (held.size >= MAX_KEYS) throw new StateError('full', `the state in memory holds ${MAX_KEYS} keys`);
    }
    held.set(key, entry);
  };
  const write = (key: string, value: string, ttlMs: number | undefined): void =>
    insert(key, {
      kind: 'value',
      value,
      expiresAtMs: ttlMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + ttlMs,
    });

  return {
    shared: false,
    get: async (key) => read(key),
    getMany: async (keys) => keys.map((key) => (alive(key)?.kind === 'stream' ? undefined : read(key))),
    set: async (key, value, { ttlMs, onlyIfAbsent = false } = {}) => {
      if (alive(key) !== undefined && onlyIfAbsent) return false;
      write(key, value, ttlMs);
      return true;
    },
    compareAndSet: async (key, expected, value, { ttlMs } = {}) => {
      if (read(key) !== expected) return false;
      write(key, value, ttlMs);
      return true;
    },
    compareAndDelete: async (key, expected) => read(key) === expected && held.delete(key),
    delete: async (key) => {
      alive(key);
      held.delete(key);
    },
    keys: async (prefix) => {
      const found: string[] = [];
      alive(prefix);
      for (const key of [...held.keys()]) {
        if (found.length === MAX_KEYS_LISTED) break;
        if (key.startsWith(prefix) && alive(key) !== undefined) found.push(key);
      }
      return found;
    },
    append: async (key, fields, maxLength) => {
      const entry = alive(key);
      if (entry?.kind === 'value' || Object.keys(fields).length === 0 || maxLength < 1)
        throw new StateError('bad_request', `${key} cannot take this entry`);
      const stream: Stream = entry ?? { kind: 'stream', entries: [], lastMs: 0, sequence: 0 };
      const ms = Math.max(stream.lastMs, Math.floor(clock.now()));
      stream.sequence = ms === stream.lastMs ? stream.sequence + 1 : 0;
      stream.lastMs = ms;
      stream.entries.push({ id: `${ms}-${stream.sequence}`, fields: { ...fields } });
      const excess = stream.entries.length - Math.min(maxLength, MAX_ENTRIES);
      if (excess > 0) stream.entries.splice(0, excess);
      if (!entry) insert(key, stream);
    },
    last: async (key, count) => {
      const entry = alive(key);
      if (entry?.kind === 'value') throw new StateError('bad_request', `${key} is no stream`);
      return count < 1 ? [] : (entry?.entries.slice(-count).reverse() ?? []);
    },
    available: () => !closed,
    close: async () => {
      closed = true;
      held.clear();
    },
  };
}
