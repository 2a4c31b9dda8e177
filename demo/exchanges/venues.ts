/** The demo's exchanges. */
import { binance } from './binance.js';
import { bitstamp } from './bitstamp.js';
import { coinbase } from './coinbase.js';
import { kraken } from './kraken.js';
import type { Venue } from './venue.js';

export const VENUES: readonly Venue[] = [coinbase, kraken, binance, bitstamp];
