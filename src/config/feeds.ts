/** Turns a feed as written into a feed with every default filled in, and checks what only the whole can tell. */
import { compare, type Rational, toScaled, whole } from '../common/rational.js';
import type { Presets } from './presets.js';
import type { FeedInput } from './schema.js';
import { type Report, resolveSource } from './sources.js';
import type { FeedConfig, MarketHours, SourceConfig } from './types.js';

/** What a feed falls back to: its group's settings, the chain's, the environment's. */
export interface FeedDefaults {
  readonly heartbeatSeconds: number;
  readonly deviation: Rational | 'off';
  readonly group?: Partial<
    Pick<
      FeedInput,
      'heartbeat' | 'deviation' | 'maxAge' | 'minSources' | 'maxSpread' | 'outliers' | 'maxJump'
    >
  >;
}

const DEFAULT_DECIMALS = 8;
const DEFAULT_MAX_AGE_MS = 60_000;
const DEFAULT_MAX_SPREAD = whole(5n);
const DEFAULT_OUTLIER_FACTOR = whole(5n);
/** Half of one percent: venues differ by that much on a quiet day. */
const DEFAULT_OUTLIER_FLOOR: Rational = { n: 1n, d: 2n };
const DEFAULT_JUMP = { percent: whole(20n), confirmTicks: 3 };
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** Resolves one feed; problems are reported at paths below the feed, and the feed is then not to be used. */
export function resolveFeed(
  input: FeedInput,
  defaults: FeedDefaults,
  presets: Presets,
  report: Report,
): FeedConfig {
  const [base = '', quote = ''] = input.name.split('/');
  const group = defaults.group ?? {};
  const decimals = input.decimals ?? DEFAULT_DECIMALS;
  const sources = resolveSources(input, quote, presets, report);
  const minSources = input.minSources ?? group.minSources ?? defaultMinSources(input.sources.length, report);
  if (minSources !== undefined && minSources > input.sources.length)
    report(
      ['minSources'],
      `is more than the ${input.sources.length} sources of this feed; it would never have a price`,
      String(minSources),
    );
  const jump = input.maxJump ?? group.maxJump ?? DEFAULT_JUMP;
  const outliers = { ...group.outliers, ...input.outliers };
  const market = input.market ? resolveMarket(input.market, report) : undefined;
  const positive = input.positive ?? true;
  if (input.min && input.max && compare(input.min, input.max) > 0)
    report(['min'], 'is above max; no answer would fit');
  return {
    name: input.name,
    base,
    quote,
    decimals,
    description: input.description ?? input.name.replace('/', ' / '),
    heartbeatSeconds: input.heartbeat ?? group.heartbeat ?? defaults.heartbeatSeconds,
    deviation: input.deviation ?? group.deviation ?? defaults.deviation,
    ...(input.minChange === undefined ? {} : { minChange: toScaled(input.minChange, decimals) }),
    maxAgeMs: input.maxAge ?? group.maxAge ?? DEFAULT_MAX_AGE_MS,
    minSources: minSources ?? 1,
    maxSpread: input.maxSpread ?? group.maxSpread ?? DEFAULT_MAX_SPREAD,
    outliers: {
      factor: outliers.factor ?? DEFAULT_OUTLIER_FACTOR,
      floor: outliers.floor ?? DEFAULT_OUTLIER_FLOOR,
    },
    ...(jump === 'off' ? {} : { maxJump: jump }),
    positive,
    ...(input.min === undefined ? {} : { min: input.min }),
    ...(input.max === undefined ? {} : { max: input.max }),
    ...(market === undefined ? {} : { market }),
    sources,
  };
}

/** A majority of the sources, and never fewer than two: one source must be asked for by name. */
function defaultMinSources(count: number, report: Report): number | undefined {
  if (count > 1) return Math.max(2, Math.floor(count / 2) + 1);
  report(['sources'], 'has one source only; add more, or accept the risk with `minSources: 1`');
  return undefined;
}

function resolveSources(input: FeedInput, quote: string, presets: Presets, report: Report): SourceConfig[] {
  const sources: SourceConfig[] = [];
  for (const [index, entry] of input.sources.entries()) {
    const source = resolveSource(entry, quote, presets, (path, message, value) =>
      report(['sources', index, ...path], message, value),
    );
    if (!source) continue;
    if (sources.some(({ label }) => label === source.label))
      report(['sources', index], 'stands twice in this feed; one place must count once', source.label);
    sources.push(source);
  }
  return sources;
}

/**
 * Checks quotes, conversions and inputs across all feeds: a source in another currency needs a declared conversion, and
 * feeds must not be derived from themselves.
 */
export function checkReferences(
  feeds: readonly { readonly feed: FeedConfig; readonly report: Report }[],
): void {
  const byName = new Map(feeds.map(({ feed }) => [feed.name, feed]));
  for (const { feed, report } of feeds) {
    for (const [index, source] of feed.sources.entries()) {
      const at = ['sources', index];
      if (source.convert !== undefined) {
        const [from, to] = source.convert.split('/');
        if (!byName.has(source.convert))
          report(
            [...at, 'convert'],
            'is no feed of this configuration; declare it under `conversions`',
            source.convert,
          );
        else if (from !== source.quote || to !== feed.quote)
          report(
            [...at, 'convert'],
            `does not turn ${source.quote} into ${feed.quote}; expected ${source.quote}/${feed.quote}`,
            source.convert,
          );
      } else if (source.quote !== feed.quote) {
        report(
          at,
          `quotes in ${source.quote}, the feed in ${feed.quote}; add \`convert: ${source.quote}/${feed.quote}\` and declare that feed under \`conversions\``,
          source.label,
        );
      }
      if (source.kind === 'feed')
        for (const input of source.inputs)
          if (!byName.has(input)) report(at, 'is no feed of this configuration', input);
    }
    const cycle = findCycle(feed.name, byName);
    if (cycle) report(['sources'], `is derived from itself: ${cycle.join(' → ')}`);
  }
}

/** Names of the feeds that a feed is read through. */
const inputsOf = (feed: FeedConfig): string[] =>
  feed.sources.flatMap((source) => [
    ...(source.convert === undefined ? [] : [source.convert]),
    ...(source.kind === 'feed' ? source.inputs : []),
  ]);

function findCycle(start: string, byName: ReadonlyMap<string, FeedConfig>): string[] | undefined {
  const visited = new Set<string>();
  const walk = (name: string, path: readonly string[]): string[] | undefined => {
    for (const next of inputsOf(byName.get(name) ?? ({ sources: [] } as unknown as FeedConfig))) {
      if (next === start) return [...path, next];
      if (visited.has(next)) continue;
      visited.add(next);
      const found = walk(next, [...path, next]);
      if (found) return found;
    }
    return undefined;
  };
  return walk(start, [start]);
}

function resolveMarket(input: NonNullable<FeedInput['market']>, report: Report): MarketHours | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone: input.timeZone });
  } catch {
    report(
      ['market', 'timeZone'],
      'must be a time zone of the IANA list, such as America/New_York',
      input.timeZone,
    );
    return undefined;
  }
  const open = new Map<number, (readonly [number, number])[]>();
  for (const [day, value] of Object.entries(input.open)) {
    const spans: [number, number][] = [];
    for (const text of typeof value === 'string' ? [value] : (value ?? [])) {
      const span = parseSpan(text);
      if (span) spans.push(span);
      else
        report(
          ['market', 'open', day],
          'must be times of the local day, such as 09:30-16:00 or 00:00-24:00',
          text,
        );
    }
    open.set(DAYS.indexOf(day as (typeof DAYS)[number]), spans);
  }
  for (const date of input.holidays ?? [])
    if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || Number.isNaN(Date.parse(date)))
      report(['market', 'holidays'], 'must be dates such as 2026-12-25', date);
  return {
    timeZone: input.timeZone,
    open,
    holidays: new Set(input.holidays ?? []),
    closed: input.closed ?? 'repeat',
  };
}

function parseSpan(text: string): [number, number] | undefined {
  const match = /^(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})$/.exec(text);
  if (!match) return undefined;
  const [from, to] = [minutes(match[1], match[2]), minutes(match[3], match[4])];
  return from < to && to <= 24 * 60 ? [from, to] : undefined;
}

const minutes = (hours = '', rest = '') =>
  Number(rest) < 60 ? Number(hours) * 60 + Number(rest) : Number.POSITIVE_INFINITY;
