import { describe, expect, it } from 'vitest';
import type { MarketHours } from '../../../src/config/types.js';
import { closedSince, isOpen } from '../../../src/prices/market.js';

const nine = 9 * 60 + 30;
const four = 16 * 60;
const weekdays = (from: number, to: number) =>
  new Map([1, 2, 3, 4, 5].map((day) => [day, [[from, to] as const]] as const));

const newYork: MarketHours = {
  timeZone: 'America/New_York',
  open: weekdays(nine, four),
  holidays: new Set(['2024-07-04', '2024-12-25']),
  closed: 'pause',
};
/** Gold: Sunday 18:00 to Friday 17:00 New York time, with an hour off each day at 17:00. */
const gold: MarketHours = {
  timeZone: 'America/New_York',
  open: new Map<number, (readonly [number, number])[]>([
    [0, [[18 * 60, 1440]]],
    ...[1, 2, 3, 4].map(
      (day) =>
        [
          day,
          [
            [0, 17 * 60],
            [18 * 60, 1440],
          ],
        ] as [number, [number, number][]],
    ),
    [5, [[0, 17 * 60]]],
  ]),
  holidays: new Set(),
  closed: 'repeat',
};

const at = (iso: string) => Date.parse(iso);

describe('market hours', () => {
  it.each([
    ['2024-06-05T13:29:59Z', false, 'a second before the opening, summer time'],
    ['2024-06-05T13:30:00Z', true, 'at the opening'],
    ['2024-06-05T19:59:59Z', true, 'a second before the close'],
    ['2024-06-05T20:00:00Z', false, 'at the close'],
    ['2024-01-10T13:30:00Z', false, 'the same moment in winter is an hour early'],
    ['2024-01-10T14:30:00Z', true, 'the opening in winter'],
    ['2024-06-08T15:00:00Z', false, 'Saturday'],
    ['2024-07-04T15:00:00Z', false, 'a holiday'],
    ['2024-07-05T03:59:00Z', false, 'still the holiday over there'],
  ])('%s: open is %s (%s)', (iso, open) => {
    expect(isOpen(newYork, at(iso))).toBe(open);
  });

  it('the day the clocks go forward: Monday opens an hour earlier in UTC than Friday did', () => {
    expect(isOpen(newYork, at('2024-03-08T13:30:00Z'))).toBe(false);
    expect(isOpen(newYork, at('2024-03-08T14:30:00Z'))).toBe(true);
    expect(isOpen(newYork, at('2024-03-11T13:30:00Z'))).toBe(true);
  });

  it('the day the clocks go back: Monday opens an hour later in UTC', () => {
    expect(isOpen(newYork, at('2024-11-01T13:30:00Z'))).toBe(true);
    expect(isOpen(newYork, at('2024-11-04T13:30:00Z'))).toBe(false);
    expect(isOpen(newYork, at('2024-11-04T14:30:00Z'))).toBe(true);
  });

  it('the wall clock counts on the days themselves: the lost hour and the doubled hour', () => {
    const night = (day: number): MarketHours => ({
      timeZone: 'Europe/Berlin',
      open: new Map([[day, [[120, 180]]]]),
      holidays: new Set(),
      closed: 'pause',
    });
    // 31 March 2024: 02:00 to 03:00 does not exist in Berlin.
    for (let minute = 0; minute < 24 * 60; minute += 1)
      expect(isOpen(night(0), at('2024-03-30T23:00:00Z') + minute * 60_000 - 3_600_000)).toBe(false);
    // 27 October 2024: 02:00 to 03:00 happens twice.
    let open = 0;
    for (let minute = 0; minute < 25 * 60; minute += 1)
      if (isOpen(night(0), at('2024-10-26T22:00:00Z') + minute * 60_000)) open += 1;
    expect(open).toBe(120);
  });

  it('hours over midnight and an hour off', () => {
    expect(isOpen(gold, at('2024-06-09T21:59:00Z'))).toBe(false);
    expect(isOpen(gold, at('2024-06-09T22:00:00Z'))).toBe(true);
    expect(isOpen(gold, at('2024-06-10T04:00:00Z'))).toBe(true);
    expect(isOpen(gold, at('2024-06-10T21:30:00Z'))).toBe(false);
    expect(isOpen(gold, at('2024-06-14T21:00:00Z'))).toBe(false);
  });

  it('knows since when it is closed', () => {
    expect(closedSince(gold, at('2024-06-16T12:00:00Z'))).toBe(at('2024-06-14T21:00:00Z'));
    expect(closedSince(gold, at('2024-06-10T21:30:00Z'))).toBe(at('2024-06-10T21:00:00Z'));
    expect(closedSince(newYork, at('2024-07-05T12:00:00Z'))).toBe(at('2024-07-03T20:00:00Z'));
    const never: MarketHours = { ...newYork, open: new Map() };
    expect(closedSince(never, at('2024-07-05T12:00:00Z'))).toBeLessThan(at('2024-06-07T00:00:00Z'));
  });

  it('zones off the whole hour', () => {
    const mumbai: MarketHours = { ...newYork, timeZone: 'Asia/Kolkata', open: weekdays(555, 930) };
    expect(isOpen(mumbai, at('2024-06-05T03:44:59Z'))).toBe(false);
    expect(isOpen(mumbai, at('2024-06-05T03:45:00Z'))).toBe(true);
  });
});
