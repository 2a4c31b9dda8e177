/** What only the whole configuration can tell: whether currencies are bridged, and feeds read each other without a circle. */
import type { Report } from './problem.js';
import type { FeedConfig } from './types.js';

export interface PlacedFeed {
  readonly feed: FeedConfig;
  /** How many sources it names; a feed with fewer has one that was refused already. */
  readonly named: number;
  readonly report: Report;
}

/**
 * Checks quotes, conversions and inputs across all feeds: a source in another currency needs a declared conversion, and
 * feeds must not be derived from themselves.
 */
export function checkReferences(feeds: readonly PlacedFeed[]): void {
  const byName = new Map(feeds.map(({ feed }) => [feed.name, feed]));
  for (const { feed, named, report } of feeds) {
    if (feed.sources.length < named) continue;
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
