/** Where the view goes: redrawn in place on a terminal, else plain lines when something happened. */
import type { SaidRound } from './daemon.js';
import { exchangeLine, feedLine, killHint, placeLines, renderScreen } from './screen.js';
import type { ExchangeRow, Places, View } from './view.js';

/** A stream that text is written to, as far as the display uses it. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface Display {
  /** Something happened that the user wants to know. */
  readonly note: (line: string) => void;
  /** Everything runs. */
  readonly begin: (places: Places, exchanges: readonly ExchangeRow[]) => void;
  /** The newest state. @param published the rounds confirmed since the last call */
  readonly update: (view: View, published: readonly SaidRound[]) => void;
  /** Leaves the screen; what follows are plain lines. */
  readonly end: () => void;
}

/** Lines that are always printed as they are. */
function createPlain(output: Output, elapsedMs: () => number): Display {
  const say = (line: string) => output.write(`[${(elapsedMs() / 1_000).toFixed(1).padStart(6)} s] ${line}\n`);
  const shown = new Map<string, string>();
  return {
    note: say,
    begin: (places, exchanges) => {
      for (const line of [...placeLines(places), ...exchanges.map(exchangeLine), ...killHint(exchanges)])
        say(line.trim());
    },
    update: (view, published) => {
      for (const { round, hash, gasUsed, seconds, answers } of published) {
        const reasons = answers.map(({ feed, reason }) => `${feed} ${reason}`).join(', ');
        say(`round ${round} confirmed in ${seconds.toFixed(2)} s, ${gasUsed} gas, ${hash}: ${reasons}`);
      }
      for (const feed of view.feeds) {
        // Between rounds a feed is told of only when its sources or the guard that holds it back changed.
        const state = `${feed.fresh}/${feed.median === '-' ? feed.reason : ''}`;
        const changed = feed.fresh !== '-' && shown.get(feed.name) !== state;
        // Right after a round the page still says that it is pending; what brought the feed into it says more, unless a
        // guard holds the feed back by now.
        const brought = published.at(-1)?.answers.find((answer) => answer.feed === feed.name)?.reason;
        const reason = feed.median === '-' ? feed.reason : (brought ?? feed.reason);
        if (published.length > 0 || changed) say(feedLine({ ...feed, reason }));
        shown.set(feed.name, state);
      }
    },
    end: () => undefined,
  };
}

const UP = (lines: number) => (lines > 0 ? `\x1b[${lines}A` : '');
const CLEAR_BELOW = '\r\x1b[J';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';

/** A screen that is drawn over its last drawing; cut to the window, because a wrapped line could not be drawn over. */
function createRedrawn(output: Output): Display {
  let drawn = 0;
  let places: Places | undefined;
  let last = '';
  const erase = () => {
    output.write(`${UP(drawn)}${CLEAR_BELOW}`);
    drawn = 0;
  };
  return {
    note: (line) => {
      last = line;
      if (!places) output.write(`${line}\n`);
    },
    begin: (known) => {
      places = known;
      last = '';
      output.write(HIDE_CURSOR);
    },
    update: (view) => {
      if (!places) return;
      const { columns = 120, rows = 40 } = output;
      const lines = renderScreen(view, places, last)
        .slice(0, rows - 1)
        .map((line) => line.slice(0, columns - 1));
      erase();
      output.write(`${lines.join('\n')}\n`);
      drawn = lines.length;
    },
    end: () => {
      if (!places) return;
      places = undefined;
      drawn = 0;
      output.write(`${SHOW_CURSOR}\n`);
    },
  };
}

/** Creates the display that fits the output. */
export const createDisplay = (output: Output, elapsedMs: () => number): Display =>
  output.isTTY ? createRedrawn(output) : createPlain(output, elapsedMs);
