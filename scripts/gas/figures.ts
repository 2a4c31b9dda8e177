// The figures as JSON: for other programs, and for the file that the tests compare with.
import type { ReadCase, UpdateCase } from './cases.js';
import type { Figures } from './measure.js';

/** One line of the JSON: an update or a read. `groups` is left out where it is one. */
export type JsonFigure =
  | {
      readonly feeds: number;
      readonly signers: number;
      readonly of: number;
      readonly senderSigns: boolean;
      readonly wide: boolean;
      readonly groups?: number;
      readonly gas: number;
    }
  | { readonly read: ReadCase['read']; readonly gas: number };

const ofUpdate = (update: UpdateCase & { gas: number }): JsonFigure => {
  const { feeds, signers, of, senderSigns, wide, groups, gas } = update;
  return { feeds, signers, of, senderSigns, wide, ...(groups > 1 ? { groups } : {}), gas };
};

export const toFigures = ({ updates, reads }: Figures): JsonFigure[] => [
  ...updates.map(ofUpdate),
  ...reads.map(({ read, gas }) => ({ read, gas })),
];

/** One array on one line. */
export const toJson = (figures: Figures): string => `${JSON.stringify(toFigures(figures))}\n`;

/** One figure a line, so that a change shows what changed. */
export const toKept = (figures: Figures): string =>
  `[\n${toFigures(figures)
    .map((figure) => `  ${JSON.stringify(figure)}`)
    .join(',\n')}\n]\n`;

/** What tells a figure apart from the others. */
export const keyOf = ({ gas: _, ...rest }: JsonFigure): string => JSON.stringify(rest);
