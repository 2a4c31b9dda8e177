/** One poll of one request: retries where they can help, all of it within one deadline. */
import pRetry, { AbortError } from 'p-retry';
import type { Random } from '../../common/random.js';
import { type Clock, DeadlineError, sleep, withDeadline } from '../../common/time.js';
import { failure, type ReadingFailure } from '../observation.js';
import { type HttpAnswer, type HttpRequest, requestJson } from './request.js';

export interface PollOptions {
  readonly request: HttpRequest;
  /** Over all attempts and the pauses between them, milliseconds. */
  readonly deadlineMs: number;
  /** Further attempts after the first. */
  readonly retries: number;
}

export interface PollDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** Pause before the first retry, milliseconds; doubled for each further one. */
const RETRY_PAUSE_MS = 150;

/** Carries a failure through p-retry, which knows only exceptions. */
class AttemptFailed extends Error {
  override readonly name = 'AttemptFailed';
  constructor(readonly failure: ReadingFailure) {
    super(failure.code);
  }
}

/**
 * Asks until an answer comes, the retries are used up, the result is one that asking again cannot better, or the
 * deadline passes. A `Retry-After` that fits into the deadline is waited for; a longer one ends the poll.
 * @throws the signal's reason when it aborts
 */
export async function pollHttp(
  options: PollOptions,
  { clock, random }: PollDeps,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const endsAt = clock.monotonic() + options.deadlineMs;
  let last: ReadingFailure | undefined;
  const attempt = async (inner: AbortSignal) => {
    const answer = await requestJson(options.request, clock, inner);
    if (answer.ok) return answer;
    last = answer;
    const pauseMs = answer.retryAfterMs ?? 0;
    if (!isRetryable(answer) || clock.monotonic() + pauseMs >= endsAt)
      throw new AbortError(new AttemptFailed(answer));
    throw new AttemptFailed(answer);
  };
  try {
    return await withDeadline(
      'poll',
      options.deadlineMs,
      (inner) =>
        pRetry(() => attempt(inner), {
          retries: options.retries,
          minTimeout: RETRY_PAUSE_MS * (1 + random()),
          signal: inner,
          onFailedAttempt: async ({ error, retriesLeft }) => {
            const pauseMs = error instanceof AttemptFailed ? (error.failure.retryAfterMs ?? 0) : 0;
            if (retriesLeft > 0 && pauseMs > 0) await sleep(pauseMs, inner);
          },
        }),
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AttemptFailed) return error.failure;
    // What the last attempt found says more than that time ran out during the pause after it.
    if (error instanceof DeadlineError) return last ?? failure('timeout', 'no answer within the deadline');
    throw error;
  }
}

function isRetryable({ code, status = 0 }: ReadingFailure): boolean {
  if (code === 'network' || code === 'timeout' || code === 'rate_limited') return true;
  // A 4xx says that the request is wrong, which it will still be in a moment.
  return code === 'http_status' && status >= 500;
}
