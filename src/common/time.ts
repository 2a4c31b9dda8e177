/** Time as an argument: a clock that tests replace, sleeps that a signal ends, deadlines for everything outside. */

import { setMaxListeners } from 'node:events';

/** Wall and monotonic time in milliseconds. Durations are always measured on the monotonic one. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump. */
  readonly now: () => number;
  /** Milliseconds on a clock that only grows. */
  readonly monotonic: () => number;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Raised by {@link withDeadline} when the work did not end in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  constructor(
    readonly operation: string,
    readonly timeoutMs: number,
  ) {
    super(`${operation} did not finish within ${timeoutMs} ms`);
  }
}

/**
 * Runs work that listens to the given signal, and stops waiting for it when the deadline passes or `parent` aborts,
 * even if the work ignores its signal.
 * @throws DeadlineError when the time is up; the parent's reason when it aborts; whatever the work throws
 */
export async function withDeadline<T>(
  operation: string,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<T> {
  parent?.throwIfAborted();
  const controller = new AbortController();
  let onParentAbort: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error), {
      once: true,
    });
    timer = setTimeout(() => controller.abort(new DeadlineError(operation, timeoutMs)), timeoutMs);
    onParentAbort = () => controller.abort(parent?.reason);
    parent?.addEventListener('abort', onParentAbort, { once: true });
  });
  try {
    return await Promise.race([work(controller.signal), stopped]);
  } finally {
    clearTimeout(timer);
    if (onParentAbort) parent?.removeEventListener('abort', onParentAbort);
  }
}

/**
 * An abort controller for the whole process: hundreds of calls listen to its signal at once, which Node would take for
 * a leak.
 */
export function createStopController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Waits; ends early, without an error, when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
