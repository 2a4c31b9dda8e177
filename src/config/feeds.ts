/** Turns a feed as written into a feed with every default filled in. */
import { formatRational } from '../common/decimal.js';
import { formatDuration } from '../common/duration.js';
import { compare, type Rational, toScaled, whole } from '../common/rational.js';
import { isPolled } from './kinds.js';
import { resolveMarket } from './market.js';
import type { Presets } from './presets.js';
import type { Report } from './problem.js';
import { isSamePlace } from './same-place.js';
import type { FeedInput } from './schema.js';
import { type Pair, resolveSource } from './sources.js';
import type { FeedConfig, SourceConfig } from './types.js';

/** What a feed falls back to: its group's settings, the chain's, the environment's. */
export interface FeedDefaults {
  readonly heartbeatSeconds: number;
  readonly deviation: Rational | 'off';
  readonly pollIntervalMs: number;
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
  const sources = resolveSources(input, { base, quote }, presets, report);
  const maxAgeMs = input.maxAge ?? group.maxAge ?? DEFAULT_MAX_AGE_MS;
  checkAges(sources, maxAgeMs, defaults.pollIntervalMs, report);
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
  const minChange = input.minChange && toScaled(input.minChange, decimals);
  if (input.minChange && minChange !== undefined && minChange <= 0n)
    report(
      ['minChange'],
      `must be above 0 when rounded to the feed's ${decimals} decimals; leave it out for none`,
      formatRational(input.minChange),
    );
  return {
    name: input.name,
    base,
    quote,
    decimals,
    description: input.description ?? input.name.replace('/', ' / '),
    heartbeatSeconds: input.heartbeat ?? group.heartbeat ?? defaults.heartbeatSeconds,
    deviation: input.deviation ?? group.deviation ?? defaults.deviation,
    ...(minChange === undefined ? {} : { minChange }),
    maxAgeMs,
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

function resolveSources(input: FeedInput, pair: Pair, presets: Presets, report: Report): SourceConfig[] {
  const sources: SourceConfig[] = [];
  for (const [index, entry] of input.sources.entries()) {
    const source = resolveSource(entry, pair, presets, (path, message, value) =>
      report(['sources', index, ...path], message, value),
    );
    if (!source) continue;
    const same = sources.find((other) => isSamePlace(other, source));
    if (same)
      report(
        ['sources', index],
        `stands twice in this feed: ${same.label} reads the same place, which must count once`,
        source.label,
      );
    else if (sources.some(({ label }) => label === source.label))
      report(
        ['sources', index],
        'is what another source of this feed is called; give each a `name` of its own',
        source.label,
      );
    sources.push(source);
  }
  return sources;
}

/** An observation that is too old before the next can come leaves the feed without a price in between. */
function checkAges(
  sources: readonly SourceConfig[],
  feedMaxAgeMs: number,
  pollIntervalMs: number,
  report: Report,
): void {
  let said = false;
  for (const [index, source] of sources.entries()) {
    const own = source.maxAgeMs ?? (source.kind === 'aggregator' ? source.staleAfterMs : undefined);
    const everyMs = Math.max(pollIntervalMs, source.minIntervalMs ?? 0);
    if (!isPolled(source.kind) || everyMs < (own ?? feedMaxAgeMs) || (own === undefined && said)) continue;
    said ||= own === undefined;
    report(
      own === undefined
        ? ['maxAge']
        : ['sources', index, source.maxAgeMs === undefined ? 'staleAfter' : 'maxAge'],
      `must be longer than the ${formatDuration(everyMs)} between two polls of ${source.label} (the longer of \`poll\` and its \`interval\`)`,
      formatDuration(own ?? feedMaxAgeMs),
    );
  }
}
