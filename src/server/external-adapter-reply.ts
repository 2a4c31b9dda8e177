/**
 * The external adapter's answers: the shapes that `@chainlink/external-adapter-framework` sends, with the `jobRunID` of
 * the protocol on top.
 *
 * The result is a JSON number whose literal is the exact decimal text of the price. The framework writes
 * `JSON.stringify` of a floating-point number: the same shape, but cut to what 64 bits hold (18 decimals of a rate do
 * not fit). A literal loses nothing on the wire, is read by whoever expects a number, and a reader that keeps the text
 * (ours, Go's `json.Number`) keeps every digit. A string would be as exact, but `result` would change its type.
 */
import { formatRational } from '../common/decimal.js';
import type { JobId } from './external-adapter-request.js';
import type { HeldPrice } from './held-prices.js';
import type { Reply } from './http.js';

/** What an error is called in `error.name`: the framework's own classes. */
export type AdapterErrorName =
  | 'AdapterError'
  | 'AdapterTimeoutError'
  | 'AdapterRateLimitError'
  | 'AdapterDataProviderError';

const TYPE = 'application/json; charset=utf-8';

const timestamps = (
  startedAtMs: number,
  { receivedAtMs, observedAtMs }: Pick<HeldPrice, 'receivedAtMs' | 'observedAtMs'>,
) => ({
  // The daemon asks by itself, all the time: like an adapter on a stream, which was established when it started.
  providerDataStreamEstablishedUnixMs: startedAtMs,
  providerDataReceivedUnixMs: receivedAtMs,
  ...(observedAtMs === null ? {} : { providerIndicatedTimeUnixMs: observedAtMs }),
});

/** A price, as an exact number. */
export function resultReply(
  jobRunID: JobId,
  answer: bigint,
  held: Pick<HeldPrice, 'decimals' | 'receivedAtMs' | 'observedAtMs'>,
  startedAtMs: number,
): Reply {
  const literal = formatRational({ n: answer, d: 10n ** BigInt(held.decimals) }, held.decimals);
  const times = JSON.stringify(timestamps(startedAtMs, held));
  const body = `{"jobRunID":${JSON.stringify(jobRunID)},"data":{"result":${literal}},"result":${literal},"timestamps":${times},"statusCode":200}`;
  return { status: 200, type: TYPE, body };
}

/** What the data themselves forbid to pass on: the form in which the framework tells an error of the data provider. */
export function providerErrorReply(
  jobRunID: JobId,
  errorMessage: string,
  receivedAtMs: number,
  startedAtMs: number,
): Reply {
  return {
    status: 502,
    type: TYPE,
    body: JSON.stringify({
      jobRunID,
      statusCode: 502,
      errorMessage,
      timestamps: timestamps(startedAtMs, { receivedAtMs, observedAtMs: null }),
    }),
  };
}

/** Everything else that goes wrong: the form of the framework's error handler. The HTTP status is the same. */
export function errorReply(
  jobRunID: JobId,
  statusCode: 400 | 401 | 404 | 429 | 503 | 504,
  name: AdapterErrorName,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status: statusCode,
    type: TYPE,
    body: JSON.stringify({ jobRunID, status: 'errored', statusCode, error: { name, message } }),
    headers,
  };
}
