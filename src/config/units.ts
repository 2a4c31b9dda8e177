/** Units of sources: what is a price of one thing must not be published as the price of another. */
import type { SourceDefinition } from './schema.js';
import type { Parts } from './templates.js';

/** A price of `base` in `quote`; what is not known is left out and not checked. */
export interface Unit {
  readonly base?: string | undefined;
  readonly quote?: string | undefined;
}

/** What a preset's expression and aliases tell about a symbol. */
export function unitOfSymbol(definition: SourceDefinition, parts: Parts): Unit {
  const read = (name: string) => {
    const text = parts.get(name)?.toUpperCase();
    return text === undefined ? undefined : (definition.aliases?.[text] ?? text);
  };
  return { base: read('base'), quote: definition.fixedQuote ?? read('quote') };
}

/** Venues write CBETH where a feed writes cbETH. */
export const isSameCurrency = (a: string, b: string): boolean => a.toUpperCase() === b.toUpperCase();

/** One divided by a price of A in B is a price of B in A. */
export const inverseOf = ({ base, quote }: Unit): Unit => ({ base: quote, quote: base });

/**
 * Multiplies or divides the units that the names of feeds tell: cbETH/ETH times ETH/USD is cbETH/USD. What comes out as
 * no price of one thing in one other is told as its base, such as cbETH·BTC/ETH, which is the base of no feed.
 */
export function unitOfFeeds(operation: 'product' | 'quotient', feeds: readonly string[]): Unit {
  const above: string[] = [];
  const below: string[] = [];
  const multiply = (into: string[], from: string[], unit: string) => {
    const at = from.findIndex((other) => isSameCurrency(other, unit));
    if (at < 0) into.push(unit);
    else from.splice(at, 1);
  };
  for (const [index, name] of feeds.entries()) {
    const [base = '', quote = ''] = name.split('/');
    const divided = operation === 'quotient' && index > 0;
    multiply(above, below, divided ? quote : base);
    multiply(below, above, divided ? base : quote);
  }
  if (above.length === 1 && below.length === 1) return { base: above[0], quote: below[0] };
  const text = (units: readonly string[]) => units.join('·') || '1';
  return { base: `${text(above)}/${text(below)}` };
}
