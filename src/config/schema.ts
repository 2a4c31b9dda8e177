/** The shape of the YAML files. All scalars arrive as text and leave as exact values; unknown keys are refused. */
import { z } from 'zod';
import { formatRational } from '../common/decimal.js';
import {
  type Reader,
  readAddress,
  readBoolean,
  readDecimal,
  readDeviation,
  readDuration,
  readFactor,
  readInteger,
  readPercent,
  readSeconds,
  readText,
  readUrl,
  readWei,
  readWord,
} from './scalars.js';

/** A scalar read by a strict reader. */
const scalar = <T>(read: Reader<T>) =>
  z.string({ error: 'must be a single value' }).transform((text, context): T => {
    const result = read(text);
    if (result.ok) return result.value;
    context.issues.push({ code: 'custom', message: result.message, input: text });
    return z.NEVER;
  });

const duration = (minMs: number, maxMs: number, hint: string) => scalar(readDuration(minMs, maxMs, hint));
const DAY_MS = 86_400_000;

const heartbeat = scalar(readSeconds(1, 30 * 86_400));
const deviation = scalar(readDeviation);

/** A feed's or a source preset's URL; the symbol is filled in later, so only its scheme is read here. */
const urlTemplate = z.string({ error: 'must be a single value' });
const textMap = z.record(z.string(), scalar(readText));

const days = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);

export const marketSchema = z.strictObject({
  timeZone: scalar(readText),
  open: z.partialRecord(days, z.union([scalar(readText), z.array(scalar(readText))])),
  holidays: z.array(scalar(readText)).optional(),
  closed: scalar(readWord('repeat', 'pause')).optional(),
});

/** Settings of a preset, or of a source that is written out in full. */
export const sourceDefinitionSchema = z.strictObject({
  kind: scalar(readWord('http', 'websocket', 'external-adapter', 'aggregator', 'feed')).optional(),
  baseUrl: urlTemplate.optional(),
  url: urlTemplate.optional(),
  path: scalar(readText).optional(),
  timePath: scalar(readText).optional(),
  timeUnit: scalar(readWord('s', 'ms', 'us', 'ns', 'iso')).optional(),
  errorPath: scalar(readText).optional(),
  statusPath: scalar(readText).optional(),
  statusOk: z.array(scalar(readText)).optional(),
  method: scalar(readWord('GET', 'POST')).optional(),
  headers: textMap.optional(),
  body: z.string().optional(),
  retries: scalar(readInteger(0, 5)).optional(),
  deadline: duration(50, 60_000, 'from 50ms to 60s').optional(),
  /** Polled no more often than this: venues with tight limits. */
  interval: duration(100, 3_600_000, 'from 100ms to 1h').optional(),
  /** For venues that are polled rarely; without it the feed's `maxAge` counts. */
  maxAge: duration(100, 30 * DAY_MS, 'from 100ms to 30d').optional(),
  subscribe: z.array(z.string()).optional(),
  filter: scalar(readText).optional(),
  ping: z.string().optional(),
  pingInterval: duration(1_000, 600_000, 'from 1s to 10m').optional(),
  silence: duration(1_000, 600_000, 'from 1s to 10m').optional(),
  data: textMap.optional(),
  rpc: z.union([scalar(readUrl('http', 'https')), z.array(scalar(readUrl('http', 'https')))]).optional(),
  chainId: scalar(readInteger(1, 2 ** 47)).optional(),
  address: scalar(readAddress).optional(),
  decimals: scalar(readInteger(0, 36)).optional(),
  staleAfter: duration(1_000, 30 * DAY_MS, 'from 1s to 30d').optional(),
  product: z.array(scalar(readText)).min(2).max(4).optional(),
  quotient: z.array(scalar(readText)).length(2).optional(),
  /**
   * Regular expression that reads a symbol; its named groups fill placeholders, and the groups `base` and `quote` are
   * what the symbol is a price of and in.
   * On a source that is written out in full: the currency itself.
   */
  quote: scalar(readText).optional(),
  /** The currency where symbols do not name one. */
  fixedQuote: scalar(readText).optional(),
  aliases: textMap.optional(),
});
export type SourceDefinition = z.output<typeof sourceDefinitionSchema>;

/** What a feed may say about one source beside naming it. */
export const sourceOptionsSchema = z.strictObject({
  name: scalar(readText).optional(),
  /** What the source is a price of and in, where the symbol tells it otherwise or not at all. */
  base: scalar(readText).optional(),
  quote: scalar(readText).optional(),
  convert: scalar(readText).optional(),
  scale: scalar(readFactor).optional(),
  invert: scalar(readBoolean).optional(),
  deadline: duration(50, 60_000, 'from 50ms to 60s').optional(),
  interval: duration(100, 3_600_000, 'from 100ms to 1h').optional(),
  maxAge: duration(100, 30 * DAY_MS, 'from 100ms to 30d').optional(),
});
export type SourceOptions = z.output<typeof sourceOptionsSchema>;

const feedSettings = {
  heartbeat: heartbeat.optional(),
  deviation: deviation.optional(),
  maxAge: duration(100, 30 * DAY_MS, 'from 100ms to 30d').optional(),
  minSources: scalar(readInteger(1, 31)).optional(),
  maxSpread: scalar(readPercent(1000n)).optional(),
  outliers: z
    .strictObject({ factor: scalar(readDecimal).optional(), floor: scalar(readPercent(100n)).optional() })
    .optional(),
  maxJump: z
    .union([
      z.strictObject({ percent: scalar(readPercent(100_000n)), confirmTicks: scalar(readInteger(1, 1000)) }),
      scalar(readWord('off')),
    ])
    .optional(),
};

export const feedSchema = z.strictObject({
  name: scalar((text) =>
    /^[A-Za-z0-9._-]{1,15}\/[A-Za-z0-9._-]{1,15}$/.test(text)
      ? { ok: true, value: text }
      : { ok: false, message: 'must be BASE/QUOTE, such as ETH/USD' },
  ),
  decimals: scalar(readInteger(0, 18)).optional(),
  description: scalar((text) =>
    new TextEncoder().encode(text).length <= 31 && text !== ''
      ? { ok: true, value: text }
      : { ok: false, message: 'must be 1 to 31 bytes long' },
  ).optional(),
  ...feedSettings,
  minChange: scalar(readDecimal).optional(),
  positive: scalar(readBoolean).optional(),
  min: scalar(readDecimal).optional(),
  max: scalar(readDecimal).optional(),
  market: marketSchema.optional(),
  sources: z.array(z.record(z.string(), z.unknown())).min(1, 'must name at least one source').max(31),
});
export type FeedInput = z.output<typeof feedSchema>;

const groupSettings = {
  id: scalar(readInteger(1, 255)).optional(),
  chain: scalar(readText).optional(),
  width: scalar(readWord('narrow', 'wide')).optional(),
  history: scalar((text) => {
    const rounds = readInteger(2, 32_768)(text);
    return rounds.ok && Number.isInteger(Math.log2(rounds.value))
      ? rounds
      : {
          ok: false as const,
          message: 'must be a power of two from 2 to 32768: the rounds that stay readable',
        };
  }).optional(),
  tick: scalar(readSeconds(1, 3600)).optional(),
  threshold: scalar(readInteger(1, 16)).optional(),
  signers: z.array(scalar(readAddress)).max(16).optional(),
  ...feedSettings,
};

export const groupSchema = z.strictObject({
  name: scalar(readText),
  ...groupSettings,
  feeds: z.array(feedSchema).min(1, 'must hold at least one feed').max(32, 'must hold at most 32 feeds'),
});
export type GroupInput = z.output<typeof groupSchema>;

const chainSchema = z.strictObject({
  name: scalar((text) =>
    /^[a-z0-9][a-z0-9-]{0,30}$/.test(text)
      ? { ok: true, value: text }
      : { ok: false, message: 'must be lower-case letters, digits and hyphens' },
  ),
  id: scalar(readInteger(1, 2 ** 47)).optional(),
  rpc: z
    .union([
      scalar(readUrl('http', 'https')).transform((url) => [url]),
      z.array(scalar(readUrl('http', 'https'))).min(1),
    ])
    .optional(),
  aggregator: scalar(readAddress).optional(),
  confirmations: scalar(readInteger(1, 1000)).optional(),
  confirmationDeadline: duration(1_000, 3_600_000, 'from 1s to 1h').optional(),
  replaceAfter: duration(500, 600_000, 'from 500ms to 10m').optional(),
  poll: duration(100, 60_000, 'from 100ms to 1m').optional(),
  rpcTimeout: duration(100, 60_000, 'from 100ms to 1m').optional(),
  lead: duration(0, 3_600_000, 'from 0s to 1h').optional(),
  gasLimit: scalar(readInteger(100_000, 30_000_000)).optional(),
  minBalance: scalar(readWei).optional(),
  heartbeat: heartbeat.optional(),
  deviation: deviation.optional(),
  fees: z
    .strictObject({
      mode: scalar(readWord('eip1559', 'legacy', 'zero')).optional(),
      maxFee: scalar(readWei).optional(),
      maxPriorityFee: scalar(readWei).optional(),
      maxTransaction: scalar(readWei).optional(),
      perHour: scalar(readWei).optional(),
      perDay: scalar(readWei).optional(),
    })
    .optional(),
});
export type ChainInput = z.output<typeof chainSchema>;

/** One file. Lists of several files are joined. */
export const fileSchema = z.strictObject({
  poll: duration(100, 600_000, 'from 100ms to 10m').optional(),
  logLevel: scalar(readWord('fatal', 'error', 'warn', 'info', 'debug', 'trace')).optional(),
  chains: z.array(chainSchema).optional(),
  group: z.strictObject(groupSettings).optional(),
  feeds: z.array(feedSchema).max(32, 'must hold at most 32 feeds; spread more over groups').optional(),
  groups: z.array(groupSchema).optional(),
  conversions: z.array(feedSchema).optional(),
  sources: z.record(z.string(), sourceDefinitionSchema).optional(),
});
export type FileInput = z.output<typeof fileSchema>;

/** A percentage as an operator wrote it. */
export const formatPercent = (percent: { n: bigint; d: bigint } | 'off'): string =>
  percent === 'off' ? 'off' : formatRational(percent);
