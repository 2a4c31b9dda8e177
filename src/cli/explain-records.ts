/** Finds a round's record in the audit stream, reading back page by page: the stream may hold weeks. */
import { Redis } from 'ioredis';
import { z } from 'zod';
import { withDeadline } from '../common/time.js';
import { type AuditedRound, ROUNDS, readRound } from '../rounds/audit.js';
import { toStateError } from '../state/redis-errors.js';
import { redisOptions } from '../state/redis-options.js';
import type { StreamEntry } from '../state/store.js';
import { parseStateUrl } from '../state/url.js';

/** Which record is meant. */
export interface Wanted {
  readonly feed: string;
  readonly round: number;
  /** Any when absent. */
  readonly chain?: string;
}

/** Why there is no record. A closed list. */
export type NoRecord =
  /** `STATE_URL` is `memory:`: records end with the process that made them. */
  | 'memory_state'
  /** The state store does not answer. */
  | 'store_away'
  /** The stream is bounded, and begins after this round. */
  | 'trimmed'
  /** The stream covers the time and holds no such round. */
  | 'absent'
  /** There is a record of the round, and it has not the form that the daemon writes. */
  | 'unreadable';

export type RecordFinding =
  | { readonly ok: true; readonly record: AuditedRound; readonly recordedAtMs: number }
  | { readonly ok: false; readonly code: NoRecord; readonly detail: string };

/** Reads entries older than an id, newest first; fewer than asked for at the stream's end. */
export type ReadPage = (before: string | undefined, count: number) => Promise<readonly StreamEntry[]>;

const hex = z.string().regex(/^0x([0-9a-f]{2})*$/i);
const address = z.string().regex(/^0x[0-9a-f]{40}$/i);
const whole = z.string().regex(/^-?\d{1,100}$/);
const observation = z.object({ source: z.string(), value: z.string(), observedAtMs: z.number() });
const percent = z.string().regex(/^(\d+(\.\d+|\/0*[1-9]\d*)?)$/);
/** What is relied upon of a record: whoever can write to the store can write anything into it. */
const RECORD = z.object({
  chain: z.string(),
  chainId: z.int(),
  aggregator: address,
  group: z.string(),
  groupId: z.int().min(0).max(255),
  round: z.int().min(1).max(0xffffffff),
  tick: z.int().min(0).max(0xffffffff),
  wide: z.boolean(),
  signers: z.array(address).max(16),
  threshold: z.int(),
  feeds: z
    .array(
      z.object({
        feed: z.string(),
        reason: z.string(),
        answer: whole.optional(),
        decimals: z.int().min(0).max(36),
        used: z.array(observation),
        dropped: z.array(z.object({ source: z.string(), code: z.string() })),
        before: z.object({ answer: whole, round: z.number(), updatedAt: z.number() }).optional(),
        rules: z
          .object({
            heartbeatSeconds: z.number(),
            deviation: z.union([z.literal('off'), percent]),
            minChange: whole.optional(),
            minSources: z.number(),
            maxSpread: percent,
          })
          .optional(),
      }),
    )
    .max(32),
  packed: hex,
  transmitter: address,
  hash: z.string().regex(/^0x[0-9a-f]{64}$/i),
  gasUsed: whole,
  blockNumber: z.string().regex(/^\d{1,30}$/),
});

const PAGE = 200;
const PAGE_DEADLINE_MS = 5_000;
/** Well over the stream's own bound: a stream that never ends is not read for ever. */
const MAX_PAGES = 1_000;

/** Looks for the newest record of a round: after a reorganisation the later one is what stands on chain. */
export async function searchRecords(readPage: ReadPage, wanted: Wanted): Promise<RecordFinding> {
  let before: string | undefined;
  let seen = 0;
  let oldestRound: number | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const entries = await readPage(before, PAGE);
    for (const entry of entries) {
      seen += 1;
      const [record] = readRound(entry);
      if (!record || !isOf(record, wanted)) continue;
      if (record.round === wanted.round) {
        const form = RECORD.safeParse(record);
        if (form.success) return { ok: true, record, recordedAtMs: Number(entry.id.split('-')[0]) };
        const where = form.error.issues.map(({ path }) => path.join('.')).join(', ');
        return { ok: false, code: 'unreadable', detail: `entry ${entry.id} is malformed at ${where}` };
      }
      oldestRound = record.round;
    }
    before = entries.at(-1)?.id;
    if (entries.length < PAGE) break;
  }
  return oldestRound !== undefined && oldestRound > wanted.round
    ? {
        ok: false,
        code: 'trimmed',
        detail: `the oldest of its rounds that the stream still holds is ${oldestRound}`,
      }
    : { ok: false, code: 'absent', detail: `none of the ${seen} records in the stream is of this round` };
}

const isOf = ({ chain, feeds }: AuditedRound, wanted: Wanted): boolean =>
  (wanted.chain === undefined || chain === wanted.chain) &&
  Array.isArray(feeds) &&
  feeds.some(({ feed }) => feed === wanted.feed);

/** Looks in the store that `STATE_URL` names. A store that is away is a finding, not an error. */
export async function findRecord(stateUrl: string, wanted: Wanted): Promise<RecordFinding> {
  const parsed = parseStateUrl(stateUrl);
  if (!parsed.ok) return { ok: false, code: 'store_away', detail: parsed.problem };
  const { target } = parsed;
  if (target.kind === 'memory')
    return {
      ok: false,
      code: 'memory_state',
      detail: 'STATE_URL is memory: and records end with the process that made them; keep them in Redis',
    };
  const client = new Redis(redisOptions(target));
  // What goes wrong is told by the call that fails.
  client.on('error', () => undefined);
  try {
    await withDeadline('connecting to the state store', PAGE_DEADLINE_MS, () => client.connect());
    return await searchRecords(
      (before, count) =>
        withDeadline('reading the audit stream', PAGE_DEADLINE_MS, async () => {
          const end = before === undefined ? '+' : `(${before}`;
          const entries = await client.xrevrange(`${target.prefix}${ROUNDS}`, end, '-', 'COUNT', count);
          return entries.map(([id, pairs]) => ({ id, fields: toFields(pairs) }));
        }),
      wanted,
    );
  } catch (error) {
    return { ok: false, code: 'store_away', detail: `${target.label}: ${toStateError('read', error).code}` };
  } finally {
    client.disconnect();
  }
}

function toFields(pairs: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < pairs.length; at += 2) fields[pairs[at] ?? ''] = pairs[at + 1] ?? '';
  return fields;
}
