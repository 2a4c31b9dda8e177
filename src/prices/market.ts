/** Market hours: when a feed's market is open, judged in the market's own time zone. */
import type { Price } from '../common/words.js';
import type { FeedConfig, MarketHours } from '../config/types.js';

interface LocalTime {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Minutes of the wall clock since local midnight. */
  readonly minute: number;
}

const MINUTE_MS = 60_000;
/** No market is closed for longer in one stretch. */
const LONGEST_CLOSURE_DAYS = 30;

/** Whether the market is open at the given Unix milliseconds. */
export function isOpen(market: MarketHours, atMs: number): boolean {
  const { date, weekday, minute } = localTime(market, atMs);
  if (market.holidays.has(date)) return false;
  return (market.open.get(weekday) ?? []).some(([from, to]) => minute >= from && minute < to);
}

/**
 * When the market closed that is closed at the given moment: to the minute, or to the hour when the clocks changed on
 * the same day.
 * @returns Unix milliseconds; the start of the search when nothing is open within 30 days
 */
export function closedSince(market: MarketHours, atMs: number): number {
  let at = atMs - (atMs % MINUTE_MS);
  for (let day = 0; day <= LONGEST_CLOSURE_DAYS; day += 1) {
    const { date, weekday, minute } = localTime(market, at);
    const ends = market.holidays.has(date)
      ? []
      : (market.open.get(weekday) ?? []).map(([, to]) => to).filter((to) => to <= minute);
    if (ends.length > 0) return at - (minute - Math.max(...ends)) * MINUTE_MS;
    // The last minute of the day before.
    at -= (minute + 1) * MINUTE_MS;
  }
  return at;
}

/**
 * What a feed that repeats its last price while closed has to say: the answer on chain, with the time it was made.
 * @param lastObservedAtMs Unix milliseconds of the last price that was made here while open, when there is one
 * @returns `undefined` when the price is held back for another reason, or the feed pauses while closed
 */
export function repeatedPrice(
  { market, name }: FeedConfig,
  found: Price,
  tick: number,
  onChainAnswer: bigint,
  lastObservedAtMs: number | undefined,
): Price | undefined {
  if (found.ok || found.code !== 'market_closed' || market?.closed !== 'repeat') return undefined;
  const observedAtMs = lastObservedAtMs ?? closedSince(market, tick * 1_000);
  return { ok: true, feed: name, answer: onChainAnswer, observedAtMs, used: [], dropped: [] };
}

/** Formatters are slow to make: one for each calendar, for as long as the calendar is in use. */
const formatters = new WeakMap<MarketHours, Intl.DateTimeFormat>();
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

function localTime(market: MarketHours, atMs: number): LocalTime {
  const part = new Map(
    formatter(market)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  const get = (type: Intl.DateTimeFormatPartTypes) => part.get(type) ?? '';
  return {
    date: `${get('year')}-${get('month')}-${get('day')}`,
    weekday: WEEKDAYS.indexOf(get('weekday')),
    minute: Number(get('hour')) * 60 + Number(get('minute')),
  };
}

function formatter(market: MarketHours): Intl.DateTimeFormat {
  const known = formatters.get(market);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: market.timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  formatters.set(market, made);
  return made;
}
