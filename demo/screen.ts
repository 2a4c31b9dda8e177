/** The screen as lines of text: pure, so that what the user sees can be tested without a terminal. */
import type { ExchangeRow, FeedRow, Places, View } from './view.js';

/** A table of left-aligned columns; the first row is its head. */
export function table(rows: readonly (readonly string[])[], indent = '  '): readonly string[] {
  const widths: number[] = [];
  for (const cells of rows)
    for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows.map((cells) =>
    `${indent}${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19);

/** How to kill an exchange, with a pid that is there, and what will happen. */
export function killHint(exchanges: readonly ExchangeRow[]): readonly string[] {
  const alive = exchanges.filter(({ state }) => state === 'running');
  const victim = alive.find(({ name }) => name === 'kraken') ?? alive[0];
  const lead = victim
    ? `Kill an exchange from another terminal: kill ${victim.pid} (${victim.name}).`
    : 'All exchanges are dead.';
  return [
    lead,
    'One dead: rounds go on, and only the count of fresh sources drops. Two dead: no majority of the sources is left,',
    'so nothing is published, the reason says too_few_sources and the age grows: it fails closed.',
  ];
}

/** The places that the user may look at. */
export function placeLines({
  rpcUrl,
  aggregator,
  metricsUrl,
  statusUrl,
  logFile,
}: Places): readonly string[] {
  return table([
    ['metrics', metricsUrl],
    ['status page', statusUrl],
    ['chain', `${rpcUrl}, aggregator ${aggregator}`],
    ['daemon log', logFile],
  ]);
}

/** One feed as one line, for output without a terminal. */
export function feedLine(feed: FeedRow): string {
  const detail = feed.detail ? ` (${feed.detail})` : '';
  return (
    `${feed.name}  median ${feed.median}  on chain ${feed.onChain}  deviation ${feed.deviation} of threshold  ` +
    `age ${feed.age}  sources ${feed.fresh}  reason ${feed.reason}${detail}`
  );
}

/** One exchange as one line. */
export const exchangeLine = ({ name, pid, url, state }: ExchangeRow): string =>
  `exchange ${name}  pid ${pid}  ${url}  ${state}`;

/** The whole screen of a terminal. */
export function renderScreen(view: View, places: Places, note: string): readonly string[] {
  const wanted = view.wantedRounds === undefined ? '' : ` of ${view.wantedRounds}`;
  const recorded = new Date(view.recordedMs).toISOString().slice(0, 19).replace('T', ' ');
  return [
    `Oracle Publisher demo   round ${view.round}${wanted}   block ${view.height}   ${clock(view.elapsedMs)}`,
    `prices of ${recorded} UTC, ${view.speed} times as fast`,
    '',
    ...table([
      ['feed', 'median', 'on chain', 'of threshold', 'age', 'fresh', 'last reason'],
      ...view.feeds.map((feed) => [
        feed.name,
        feed.median,
        feed.onChain,
        feed.deviation,
        feed.age,
        feed.fresh,
        feed.detail ? `${feed.reason}: ${feed.detail}` : feed.reason,
      ]),
    ]),
    '',
    `  last transaction  ${view.transaction}`,
    '',
    ...placeLines(places),
    '',
    ...table([
      ['exchange', 'pid', 'state', 'url'],
      ...view.exchanges.map(({ name, pid, state, url }) => [name, `${pid}`, state, url]),
    ]),
    '',
    ...killHint(view.exchanges),
    'Ctrl-C ends the demo.',
    ...(note ? ['', note] : []),
  ];
}
