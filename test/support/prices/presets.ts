/** Presets as `config/sources/README.md` describes them, filled in with a symbol. */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseDuration } from '../../../src/common/duration.js';
import { whole } from '../../../src/common/rational.js';
import type { HttpSource, TimeUnit, WebSocketSource } from '../../../src/config/types.js';

const FOLDER = new URL('../../../config/sources/', import.meta.url);

export interface Preset {
  readonly kind: 'http' | 'websocket';
  readonly baseUrl: string;
  readonly url: string;
  readonly path: string;
  readonly timePath?: string;
  readonly timeUnit?: TimeUnit;
  readonly errorPath?: string;
  readonly statusPath?: string;
  readonly statusOk?: readonly string[];
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly quote?: string;
  readonly fixedQuote?: string;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly subscribe?: readonly string[];
  readonly filter?: string;
  readonly ping?: string;
  readonly pingInterval?: string;
  readonly silence?: string;
}

/** All presets of all files, by name. */
export function allPresets(): ReadonlyMap<string, Preset> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  return new Map(
    files.flatMap((name) =>
      Object.entries(parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Record<string, Preset>),
    ),
  );
}

/** The source that `name: symbol` stands for. */
export function expand(name: string, symbol: string, baseUrl?: string): HttpSource | WebSocketSource {
  const preset = allPresets().get(name);
  if (!preset) throw new Error(`no preset ${name}`);
  const groups = preset.quote ? new RegExp(preset.quote, 'i').exec(symbol)?.groups : {};
  if (!groups) throw new Error(`${name}: ${symbol} tells no quote currency`);
  const words: Record<string, string> = { ...groups, symbol };
  const fill = (text: string, encode = (word: string) => word) =>
    text.replace(/\{([a-z]+)(?::(lower|upper))?\}/gi, (_all, key: string, how?: string) => {
      const word = words[key];
      if (word === undefined) throw new Error(`${name}: no placeholder {${key}}`);
      return encode(how === 'lower' ? word.toLowerCase() : how === 'upper' ? word.toUpperCase() : word);
    });
  const raw = (preset.fixedQuote ?? groups.quote ?? '').toUpperCase();
  const optional = <K extends string>(key: K, text: string | undefined) =>
    (text === undefined ? {} : { [key]: fill(text) }) as { [P in K]?: string };
  const base = {
    label: `${name}:${symbol}`,
    venue: name,
    quote: preset.aliases?.[raw] ?? raw,
    scale: whole(1n),
    invert: false,
    deadlineMs: 3_000,
    url: (baseUrl ?? preset.baseUrl) + fill(preset.url, encodeURIComponent),
    headers: preset.headers ?? {},
    path: fill(preset.path),
    timeUnit: preset.timeUnit ?? ('ms' as const),
    ...optional('timePath', preset.timePath),
    ...optional('errorPath', preset.errorPath),
    ...optional('statusPath', preset.statusPath),
    ...(preset.statusOk ? { statusOk: preset.statusOk } : {}),
  };
  if (preset.kind === 'http')
    return {
      ...base,
      kind: 'http',
      method: preset.method ?? 'GET',
      retries: 0,
      ...optional('body', preset.body),
    };
  return {
    ...base,
    kind: 'websocket',
    subscribe: (preset.subscribe ?? []).map((text) => fill(text)),
    ...optional('filter', preset.filter),
    ...optional('ping', preset.ping),
    pingIntervalMs: parseDuration(preset.pingInterval ?? '30s') ?? 0,
    silenceMs: parseDuration(preset.silence ?? '60s') ?? 0,
  };
}
