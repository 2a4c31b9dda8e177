/** Tells sources of one feed that read the same place: it must count once, or one venue makes a majority of itself. */
import { compile } from 'json-p3';
import { isKind } from './kinds.js';
import type { SourceConfig } from './types.js';

/** Whether two sources would be wrong together: one venue under two presets or pairs, or the same answer read twice. */
export const isSamePlace = (a: SourceConfig, b: SourceConfig): boolean =>
  readingOf(a) === readingOf(b) || (!isKind(a.venue) && placeOf(a.venue) === placeOf(b.venue));

/** A venue's presets are named after it: `kraken`, `kraken-ws`, `binance-all`. */
const placeOf = (preset: string): string => preset.replace(/-(ws|all)$/, '');

/** What is read from where. Headers are left out: another key to the same data makes no other place of it. */
function readingOf(source: SourceConfig): string {
  switch (source.kind) {
    case 'http':
      return key('http', plainUrl(source.url), source.body ?? '', plainPath(source.path));
    case 'websocket':
      return key('stream', plainUrl(source.url), plainPath(source.filter), plainPath(source.path));
    case 'external-adapter':
      return key('adapter', plainUrl(source.url), ...Object.entries(source.data).sort().flat());
    case 'aggregator':
      return key('contract', String(source.chainId), source.address.toLowerCase());
    case 'feed':
      return key(
        source.operation,
        ...(source.operation === 'product' ? source.inputs.toSorted() : source.inputs),
      );
  }
}

const key = (...parts: readonly string[]): string => JSON.stringify(parts);
const plainUrl = (url: string): string => new URL(url).href;
/** `$['price']` is `$.price`. */
const plainPath = (path: string | undefined): string => (path === undefined ? '' : compile(path).toString());
