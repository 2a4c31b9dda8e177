/** Requests to the external adapter, as Chainlink's nodes and framework write them: which feed is asked for, and by which job. */

/** What `data` may call the two currencies; the framework's own aliases. */
const ALIASES = { base: ['base', 'from', 'coin'], quote: ['quote', 'to', 'market'] } as const;
/** The endpoints of an adapter that answer with a price; their names say nothing more here. */
const ENDPOINTS: readonly string[] = ['price', 'crypto', 'forex'];
const MAX_TEXT = 128;
/** What Chainlink's adapters answer with to a request that names no job. */
const NO_JOB = '1';

export type JobId = string | number;

export type AdapterRequest =
  | { readonly ok: true; readonly jobRunID: JobId; readonly feed: string }
  | { readonly ok: true; readonly jobRunID: JobId; readonly base: string; readonly quote: string }
  | {
      readonly ok: false;
      readonly jobRunID: JobId;
      readonly status: 400 | 404;
      readonly message: string;
    };

/** Reads a request. Never throws: whatever the text is, the result says what is wrong with it. */
export function readAdapterRequest(body: string): AdapterRequest {
  const parsed = parseObject(body);
  if (!parsed) return refuse(NO_JOB, 'The body is not a JSON object');
  const jobRunID = jobIdOf(parsed.get('id'));
  if (jobRunID === undefined)
    return refuse(NO_JOB, `[Param: id] must be a text of at most ${MAX_TEXT} characters, or a whole number`);
  const no = (message: string, status: 400 | 404 = 400) => refuse(jobRunID, message, status);
  const given = parsed.get('data');
  const data = given === undefined || given === null ? new Map<string, unknown>() : fieldsOf(given);
  if (!data) return no('Input for input parameters should be an object');

  const endpoint = parsed.get('endpoint') ?? data.get('endpoint');
  if (endpoint !== undefined && endpoint !== null) {
    const name = typeof endpoint === 'string' ? endpoint.slice(0, MAX_TEXT) : '';
    if (!ENDPOINTS.includes(name.toLowerCase()))
      return no(`Adapter does not have a "${name.toLowerCase()}" endpoint.`, 404);
  }
  const feed = readParam(data, 'feed', ['feed']);
  const base = readParam(data, 'base', ALIASES.base);
  const quote = readParam(data, 'quote', ALIASES.quote);
  if (feed !== undefined) {
    if (!feed.ok) return no(feed.message);
    if (base !== undefined || quote !== undefined)
      return no('Parameter "feed" cannot be present at the same time as exclusions (base,quote)');
    return { ok: true, jobRunID, feed: feed.value };
  }
  if (base === undefined) return no('[Param: base] param is required but no value was provided');
  if (!base.ok) return no(base.message);
  if (quote === undefined) return no('[Param: quote] param is required but no value was provided');
  if (!quote.ok) return no(quote.message);
  return { ok: true, jobRunID, base: base.value, quote: quote.value };
}

type Param = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly message: string };

function readParam(
  data: ReadonlyMap<string, unknown>,
  name: string,
  aliases: readonly string[],
): Param | undefined {
  const values = aliases
    .map((alias) => data.get(alias))
    .filter((value) => value !== undefined && value !== null);
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1)
    return {
      ok: false,
      message: `Parameter "${name}" is specified more than once (aliases: ${aliases.join(',')})`,
    };
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT
    ? { ok: true, value }
    : { ok: false, message: `[Param: ${name}] input type is not the expected one (string)` };
}

function jobIdOf(id: unknown): JobId | undefined {
  if (id === undefined || id === null || id === '') return NO_JOB;
  if (typeof id === 'string') return id.length <= MAX_TEXT ? id : undefined;
  // Larger ones and fractions would come back as other numbers.
  return Number.isSafeInteger(id) ? (id as number) : undefined;
}

const refuse = (jobRunID: JobId, message: string, status: 400 | 404 = 400): AdapterRequest => ({
  ok: false,
  jobRunID,
  status,
  message,
});

function parseObject(text: string): Map<string, unknown> | undefined {
  try {
    return fieldsOf(JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

/** An object's own fields; `undefined` for anything else. */
const fieldsOf = (value: unknown): Map<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined;
