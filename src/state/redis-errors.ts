/** What the Redis client throws, as the state store's closed codes. */
import { StateError, type StateErrorCode } from './store.js';

const REPLIES: Readonly<Record<string, StateErrorCode>> = {
  READONLY: 'read_only',
  MASTERDOWN: 'read_only',
  OOM: 'out_of_memory',
  LOADING: 'loading',
  BUSY: 'timeout',
  NOAUTH: 'auth',
  WRONGPASS: 'auth',
  NOPERM: 'auth',
  WRONGTYPE: 'bad_request',
};

/** Refusals of writes, while reads may still be answered: the store is back only when a write succeeds. */
export const WRITE_REFUSALS: ReadonlySet<StateErrorCode> = new Set([
  'read_only',
  'out_of_memory',
  'refused',
  'auth',
]);

/**
 * Turns an error of the client into a StateError. The original is not kept as its cause: it carries the command's
 * arguments, and those of AUTH are the password.
 */
export function toStateError(operation: string, error: unknown): StateError {
  if (error instanceof StateError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StateError(codeOf(error, message), `${operation}: ${message.slice(0, 200)}`);
}

function codeOf(error: unknown, message: string): StateErrorCode {
  if (error instanceof Error && (error.name === 'DeadlineError' || message === 'Command timed out'))
    return 'timeout';
  if (error instanceof Error && error.name === 'ReplyError') {
    if (message.includes('invalid username-password pair')) return 'auth';
    // Redis 6 wraps what a script's command answered: `ERR Error running script …: -READONLY You can't write …`.
    const word = /-(READONLY|OOM|MASTERDOWN|NOPERM) /.exec(message)?.[1] ?? message.split(' ', 1)[0] ?? '';
    return REPLIES[word] ?? 'refused';
  }
  if (message.includes("isn't writeable")) return 'not_connected';
  return 'connection_lost';
}
