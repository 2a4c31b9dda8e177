/** Reads the answer of a Chainlink external adapter: `{jobRunID, data: {result}, result, statusCode}`, or its errors. */
import type { JsonDocument } from './json/document.js';
import { createExtractor, type Extractor, type Transformation } from './json/extract.js';
import { compilePath, type JsonPath } from './json/path.js';
import { failure, type ReadingFailure } from './observation.js';

const DATA = { timeUnit: 'ms', path: '$.data.result' } as const;

/**
 * Creates the reader of an adapter's answers. The time is the provider's own where the adapter tells it, else the
 * moment at which the adapter received the value, which may lie well before our request: adapters answer from a cache.
 */
export function createAdapterReader(transformation: Transformation): Extractor {
  const providerTime = '$.timestamps.providerIndicatedTimeUnixMs';
  const adapterTime = '$.timestamps.providerDataReceivedUnixMs';
  const asked = {
    result: path('$.result'),
    status: path('$.statusCode'),
    error: path("$['error','errorMessage']"),
    state: path('$.status'),
    provider: path(providerTime),
    adapter: path(adapterTime),
  };
  const extractors = new Map<string, Extractor>();
  for (const value of ['$.result', DATA.path])
    for (const time of [providerTime, adapterTime, undefined])
      extractors.set(
        `${value} ${time}`,
        createExtractor({ ...DATA, path: value, ...(time ? { timePath: time } : {}) }, transformation),
      );

  return (document, receivedAtMs, cacheAgeMs) => {
    const told = adapterError(document, asked.status, asked.error, asked.state);
    if (told) return told;
    const value = isPresent(document, asked.result) ? '$.result' : DATA.path;
    const time = isPresent(document, asked.provider)
      ? providerTime
      : isPresent(document, asked.adapter)
        ? adapterTime
        : undefined;
    const read = extractors.get(`${value} ${time}`);
    return read ? read(document, receivedAtMs, cacheAgeMs) : failure('path_missing', 'no result');
  };
}

/** Adapters tell errors with HTTP status 200 as well: in `statusCode`, `status` or `error`. */
function adapterError(
  document: JsonDocument,
  statusPath: JsonPath,
  errorPath: JsonPath,
  statePath: JsonPath,
): ReadingFailure | undefined {
  const [status] = document.select(statusPath);
  if (status && 'text' in status && !/^2\d\d$/.test(status.text))
    return failure('venue_error', `the adapter says: status ${status.text}`);
  const [state] = document.select(statePath);
  if (state?.kind === 'string' && state.text === 'errored')
    return failure('venue_error', 'the adapter says: errored');
  const error = document.select(errorPath).find(({ kind }) => kind !== 'null');
  if (!error) return undefined;
  return failure('venue_error', `the adapter says: ${'text' in error ? error.text : 'an error'}`);
}

function isPresent(document: JsonDocument, path: JsonPath): boolean {
  const [selected] = document.select(path);
  return selected !== undefined && selected.kind !== 'null';
}

function path(text: string): JsonPath {
  const compiled = compilePath(text);
  if (!compiled) throw new Error(`not a JSONPath: ${text}`);
  return compiled;
}
