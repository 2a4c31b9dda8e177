/** What the user may ask of the demo: `tsx demo/main.ts [--rounds N] …`. */
import path from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  /** Ends by itself after this many rounds; `undefined` runs until Ctrl-C. */
  readonly rounds: number | undefined;
  readonly seed: number;
  /** Recorded seconds that the exchanges replay in one second. */
  readonly speed: number;
  readonly heartbeatSeconds: number;
  /** Percent, as text: it is handed on as it stands. */
  readonly deviation: string;
  /** The daemon's program, from the project's root. */
  readonly cli: string;
}

export const USAGE = `usage: demo [--rounds N] [--seed N] [--speed N] [--heartbeat SECONDS] [--deviation PERCENT] [--cli FILE]

  --rounds N           end after N rounds, with a summary and every published answer verified
  --seed N             another draw of the exchanges' noise                            (default 1)
  --speed N            recorded seconds that pass in one second                        (default 20)
  --heartbeat SECONDS  on-chain age that the daemon never lets pass                    (default 10)
  --deviation PERCENT  move that it publishes at once                                (default 0.25)
  --cli FILE           the daemon's program                              (default dist/cli/main.js)`;

export type OptionsResult =
  | { readonly ok: true; readonly options: Options }
  | { readonly ok: false; readonly message: string };

class UsageError extends Error {}

function wholeNumber(name: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < from || value > to)
    throw new UsageError(`--${name} ${JSON.stringify(text)}: must be a whole number from ${from} to ${to}`);
  return value;
}

/** Reads the command line. An empty `--rounds` counts as none, since that is what `make demo` without ROUNDS passes. */
export function parseOptions(args: readonly string[]): OptionsResult {
  const text = (fallback: string) => ({ type: 'string' as const, default: fallback });
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rounds: text(''),
        seed: text('1'),
        speed: text('20'),
        heartbeat: text('10'),
        deviation: text('0.25'),
        cli: text(path.join('dist', 'cli', 'main.js')),
      },
    });
    if (!/^\d{1,3}(\.\d{1,6})?$/.test(values.deviation) || Number(values.deviation) === 0)
      throw new UsageError(
        `--deviation ${JSON.stringify(values.deviation)}: must be a percentage above zero`,
      );
    const options: Options = {
      rounds: values.rounds === '' ? undefined : wholeNumber('rounds', values.rounds, 1, 100_000),
      seed: wholeNumber('seed', values.seed, 0, 999_999_999),
      speed: wholeNumber('speed', values.speed, 1, 600),
      heartbeatSeconds: wholeNumber('heartbeat', values.heartbeat, 3, 3_600),
      deviation: values.deviation,
      cli: values.cli,
    };
    return { ok: true, options };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
