/** The kinds of sources: which settings each has, what must be set, and the complete source that comes of it. */

import type { Report } from './problem.js';
import type { SourceDefinition } from './schema.js';
import { fillPlaceholders, hasPlaceholder, type Parts, templatesFit, urlOf } from './templates.js';
import type { SourceBase, SourceConfig } from './types.js';

export type Kind = SourceConfig['kind'];
type Setting = keyof SourceDefinition;

const DEFAULT_RETRIES = 1;
const DEFAULT_STALE_AFTER_MS = 2 * 3_600_000;

const JSON_SETTINGS = ['path', 'timePath', 'timeUnit', 'errorPath', 'statusPath', 'statusOk'] as const;
const COMMON = ['kind', 'deadline', 'maxAge', 'quote', 'fixedQuote', 'aliases'] as const;
const SETTINGS: Readonly<Record<Kind, readonly Setting[]>> = {
  http: ['url', 'baseUrl', ...JSON_SETTINGS, 'method', 'headers', 'body', 'retries', 'interval'],
  websocket: [
    'url',
    'baseUrl',
    ...JSON_SETTINGS,
    'headers',
    'subscribe',
    'filter',
    'ping',
    'pingInterval',
    'silence',
  ],
  'external-adapter': ['url', 'baseUrl', 'headers', 'data', 'interval'],
  aggregator: ['rpc', 'chainId', 'address', 'decimals', 'staleAfter', 'interval'],
  feed: ['product', 'quotient'],
};
const NEEDED: Readonly<Record<Kind, readonly Setting[]>> = {
  http: ['url', 'path'],
  websocket: ['url', 'path'],
  'external-adapter': ['url'],
  aggregator: ['rpc', 'chainId', 'address'],
  feed: [],
};

export const SOURCE_KINDS = Object.keys(SETTINGS) as readonly Kind[];
export const isKind = (name: string): name is Kind => (SOURCE_KINDS as readonly string[]).includes(name);

/** Whether sources of a kind are asked again and again; the others are told, or follow other feeds. */
export const isPolled = (kind: Kind): boolean => SETTINGS[kind].includes('interval');

/** The settings without which a source of this kind cannot be. */
export const missingSettings = (kind: Kind, definition: SourceDefinition): readonly Setting[] =>
  NEEDED[kind].filter(
    (name) => definition[name] === undefined && !(name === 'url' && definition.baseUrl !== undefined),
  );

/** Whether the settings belong to the kind and go together; what the symbol fills in is looked at later. */
export function definitionFits(kind: Kind, definition: SourceDefinition, report: Report): boolean {
  let fits = true;
  const refuse: Report = (at, message, value) => {
    fits = false;
    report(at, message, value);
  };
  const allowed: readonly string[] = [...SETTINGS[kind], ...COMMON];
  for (const [name, value] of Object.entries(definition))
    if (value !== undefined && !allowed.includes(name))
      refuse([name], `is no setting of the kind ${kind}, which has: ${SETTINGS[kind].join(', ')}`);
  const { statusPath, statusOk, method, body, baseUrl, headers = {}, data = {} } = definition;
  if (statusPath !== undefined && !statusOk?.length)
    refuse(['statusPath'], 'needs `statusOk`, the states in which the price counts; else it never would');
  if (statusOk !== undefined && statusPath === undefined)
    refuse(['statusOk'], 'needs `statusPath`, where the state stands; else it means nothing');
  if (body !== undefined && kind === 'http' && method !== 'POST')
    refuse(['body'], 'needs `method: POST`; a GET has no body');
  for (const [name, value] of Object.entries(headers))
    if (!isHeader(name, value))
      refuse(['headers', name], 'is no valid header: a name is one word, a value one line of Latin letters');
  const plain = { baseUrl: [baseUrl ?? ''], headers: Object.values(headers), data: Object.values(data) };
  for (const [name, texts] of Object.entries(plain))
    if (texts.some(hasPlaceholder)) refuse([name], 'takes no placeholders');
  if (definition.product && definition.quotient)
    refuse(
      ['quotient'],
      'stands beside `product`; a feed is one of them, derive the other as a feed of its own',
    );
  if (kind === 'feed' && !definition.product && !definition.quotient)
    refuse(['product'], 'is missing; name two to four feeds, or two under `quotient`');
  return fits;
}

function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}

/**
 * The complete source.
 * @returns `undefined` after reporting what is wrong, or when {@link definitionFits} has
 */
export function completeSource(
  kind: Kind,
  definition: SourceDefinition,
  base: SourceBase,
  parts: Parts,
  report: Report,
): SourceConfig | undefined {
  const { venue } = base;
  const { path, product, quotient, rpc, chainId, address, headers = {} } = definition;
  const fill = (text: string) => fillPlaceholders(text, parts);
  if (!templatesFit(definition, parts, venue, report)) return undefined;
  const url = urlOf(definition, parts);
  if (url !== undefined && !isUsableUrl(url, kind, venue, report)) return undefined;
  const reading = (from: string, at: string) => ({
    ...base,
    ...extraction(definition, fill),
    url: from,
    path: fill(at),
    headers,
  });
  switch (kind) {
    case 'http':
      if (url === undefined || path === undefined) return undefined;
      return {
        ...reading(url, path),
        kind,
        method: definition.method ?? 'GET',
        ...(definition.body === undefined ? {} : { body: fill(definition.body) }),
        retries: definition.retries ?? DEFAULT_RETRIES,
      };
    case 'websocket':
      if (url === undefined || path === undefined) return undefined;
      return {
        ...reading(url, path),
        kind,
        subscribe: (definition.subscribe ?? []).map(fill),
        ...(definition.filter === undefined ? {} : { filter: fill(definition.filter) }),
        ...(definition.ping === undefined ? {} : { ping: definition.ping }),
        pingIntervalMs: definition.pingInterval ?? 15_000,
        silenceMs: definition.silence ?? 30_000,
      };
    case 'external-adapter':
      if (url === undefined) return undefined;
      return { ...base, kind, url, headers, data: definition.data ?? {} };
    case 'aggregator':
      if (rpc === undefined || chainId === undefined || address === undefined) return undefined;
      return {
        ...base,
        kind,
        rpcUrls: typeof rpc === 'string' ? [rpc] : rpc,
        chainId,
        address,
        ...(definition.decimals === undefined ? {} : { decimals: definition.decimals }),
        staleAfterMs: definition.staleAfter ?? DEFAULT_STALE_AFTER_MS,
      };
    case 'feed': {
      const inputs = quotient ?? product;
      return inputs && { ...base, kind, operation: quotient ? 'quotient' : 'product', inputs };
    }
  }
}

/** The parts of {@link SourceDefinition} that say where value, time and errors stand in an answer. */
function extraction(definition: SourceDefinition, fill: (text: string) => string) {
  const { timePath, timeUnit, errorPath, statusPath, statusOk } = definition;
  return {
    timeUnit: timeUnit ?? ('ms' as const),
    ...(timePath === undefined ? {} : { timePath: fill(timePath) }),
    ...(errorPath === undefined ? {} : { errorPath: fill(errorPath) }),
    ...(statusPath === undefined ? {} : { statusPath: fill(statusPath) }),
    ...(statusOk === undefined ? {} : { statusOk }),
  };
}

function isUsableUrl(text: string, kind: Kind, venue: string, report: Report): boolean {
  const schemes = kind === 'websocket' ? ['ws:', 'wss:'] : ['http:', 'https:'];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !schemes.includes(url.protocol)) {
    report([venue, 'url'], `must make a URL with ${schemes.join(' or ')} (baseUrl and url together)`);
    return false;
  }
  // `fetch` refuses such a URL at every request, while `ws` makes the header of it.
  if (kind === 'websocket' || (url.username === '' && url.password === '')) return true;
  report([venue, 'url'], 'must hold no user and password; send them as `headers: { authorization: … }`');
  return false;
}
