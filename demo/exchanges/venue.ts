/** What a venue is to the demo's server: a name, a character, markets, and answers in its own wire format. */
import { formatScaled } from '../../src/common/decimal.js';
import { UNIT_DECIMALS } from './candles.js';
import type { Board, Character, Market } from './quotes.js';

/** A request as far as public ticker endpoints look at it. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly userAgent: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Venue {
  /** The preset's name. */
  readonly name: string;
  readonly character: Character;
  readonly markets: readonly Market[];
  /** Pure: the same request at the same moment gets the same answer. */
  readonly answer: (ask: Ask, board: Board, nowMs: number) => Answer;
}

/** An answer with a JSON body. */
export const json = (status: number, body: unknown, headers?: Readonly<Record<string, string>>): Answer => ({
  status,
  body: JSON.stringify(body),
  ...(headers && { headers }),
});

/** Prints a value that is scaled by 10^8 with the given number of decimals; further digits are cut. */
export const print = (value: bigint, decimals: number): string =>
  formatScaled(value / 10n ** BigInt(UNIT_DECIMALS - decimals), decimals);

/** A price step from its decimals: two decimals are a step of one cent. */
export const stepOf = (decimals: number): bigint => 10n ** BigInt(UNIT_DECIMALS - decimals);

/** Finds a market by its symbol or another of its names. */
export const findMarket = (markets: readonly Market[], name: string): Market | undefined =>
  markets.find((market) => market.symbol === name || market.aliases?.includes(name));
