/** The daemon's log: kept in a file for the user, and read for the rounds that it tells of. */
import { appendFileSync } from 'node:fs';
import { parseEntry, parseRound, type SaidRound } from './daemon.js';

export interface DaemonLog {
  readonly onLine: (line: string) => void;
  /** All rounds so far, in order. */
  readonly rounds: () => readonly SaidRound[];
  /** The rounds since the last call. */
  readonly take: () => readonly SaidRound[];
  /** Aborts when a line that tells of a round is not of the form that the demo knows. */
  readonly unreadable: AbortSignal;
}

/** Creates the log. @param file where every line is kept */
export function createDaemonLog(file: string): DaemonLog {
  const rounds: SaidRound[] = [];
  const unreadable = new AbortController();
  let taken = 0;
  return {
    rounds: () => rounds,
    unreadable: unreadable.signal,
    onLine: (line) => {
      appendFileSync(file, `${line}\n`);
      try {
        const entry = parseEntry(line);
        const round = entry && parseRound(entry);
        if (round) rounds.push(round);
      } catch (error) {
        unreadable.abort(new Error(`the daemon wrote a line that could not be read: ${line}\n${error}`));
      }
    },
    take: () => {
      const fresh = rounds.slice(taken);
      taken = rounds.length;
      return fresh;
    },
  };
}
