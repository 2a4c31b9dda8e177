/** A market's hours as written, turned into minutes per weekday. */
import type { Report } from './problem.js';
import type { FeedInput } from './schema.js';
import type { MarketHours } from './types.js';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** Resolves the hours; problems are reported below the feed's `market`. */
export function resolveMarket(
  input: NonNullable<FeedInput['market']>,
  report: Report,
): MarketHours | undefined {
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
  if ([...open.values()].every((spans) => spans.length === 0))
    report(['market', 'open'], 'must hold the hours of one day at least, such as mon: 09:30-16:00');
  for (const [index, date] of (input.holidays ?? []).entries())
    if (!isDate(date))
      report(['market', 'holidays', index], 'must be a day of the calendar, such as 2026-12-25', date);
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

/** Whether a text is a day that there is: `Date` takes the 31st of February for the 3rd of March. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === text;
}
