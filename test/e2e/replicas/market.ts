/** The market of the test: a price path per feed that the seed decides, served over HTTP, and asked again by the claims. */
import { json, startVenue } from '../../support/prices/venue.js';
import type { Seeded } from './seeded.js';

/** Levels differ by more than the deviation threshold (0.5 %), wiggles around a level by less. */
const MIN_JUMP = 0.008;
const MAX_JUMP = 0.03;
const WIGGLE = 0.001;
const WIGGLE_MS = 3_000;
const MIN_LEVEL_MS = 14_000;
const MAX_LEVEL_MS = 40_000;
const DECIMALS = 8;

export interface Level {
  /** Unix milliseconds. */
  readonly fromMs: number;
  readonly price: number;
}

export interface Market {
  readonly url: string;
  /** The levels of a feed, oldest first. */
  readonly levels: (feed: string) => readonly Level[];
  /** The price of a feed at a moment, scaled by 8 decimals. */
  readonly answerAt: (feed: string, atMs: number) => bigint;
  /** All prices that a feed had between two moments. */
  readonly answersBetween: (feed: string, fromMs: number, toMs: number) => ReadonlySet<bigint>;
  close(): Promise<void>;
}

export async function startMarket(
  feeds: readonly string[],
  lastsMs: number,
  seeded: Seeded,
): Promise<Market> {
  const startMs = Date.now();
  const paths = new Map(
    feeds.map((feed, at) => {
      const levels: Level[] = [{ fromMs: 0, price: 100 * (at + 1) }];
      for (let atMs = startMs + seeded.whole(20_000, 40_000); atMs < startMs + lastsMs; ) {
        const factor =
          1 + (seeded.next() < 0.5 ? -1 : 1) * (MIN_JUMP + seeded.next() * (MAX_JUMP - MIN_JUMP));
        levels.push({ fromMs: atMs, price: (levels.at(-1)?.price ?? 0) * factor });
        atMs += seeded.whole(MIN_LEVEL_MS, MAX_LEVEL_MS);
      }
      return [feed, { levels, phase: seeded.whole(0, 1_000) }];
    }),
  );
  const answerAt = (feed: string, atMs: number): bigint => {
    const path = paths.get(feed);
    if (!path) throw new Error(`no feed ${feed}`);
    const level = path.levels.findLast(({ fromMs }) => fromMs <= atMs)?.price ?? 0;
    const step = Math.floor(atMs / WIGGLE_MS) + path.phase;
    const wiggle = ((Math.imul(step, 2_654_435_761) >>> 0) / 2 ** 32 - 0.5) * 2 * WIGGLE;
    return BigInt(Math.round(level * (1 + wiggle) * 100_000)) * 10n ** BigInt(DECIMALS - 5);
  };
  const venue = await startVenue((asked, response) => {
    const feed = decodeURIComponent(asked.path.split('/')[1] ?? '');
    const answer = answerAt(feed, Date.now());
    json(`{"price":"${answer / 10n ** 8n}.${(answer % 10n ** 8n).toString().padStart(8, '0')}"}`)(
      asked,
      response,
    );
  });
  return {
    url: venue.url,
    levels: (feed) => paths.get(feed)?.levels ?? [],
    answerAt,
    answersBetween: (feed, fromMs, toMs) => {
      const answers = new Set<bigint>();
      for (let atMs = fromMs; atMs <= toMs; atMs += 50) answers.add(answerAt(feed, atMs));
      return answers;
    },
    close: () => venue.close(),
  };
}
