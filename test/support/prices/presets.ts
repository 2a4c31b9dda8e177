/** The shipped presets through the real loader. */
import { mergePresets, shippedPresets } from '../../../src/config/presets.js';
import { resolveSource } from '../../../src/config/sources.js';
import type { HttpSource, WebSocketSource } from '../../../src/config/types.js';

export const presetNames = (): readonly string[] => [...shippedPresets().keys()];

/** The source that `name: symbol` stands for, at another address when `baseUrl` is given. */
export function expand(name: string, symbol: string, baseUrl?: string): HttpSource | WebSocketSource {
  const problems: string[] = [];
  const presets = mergePresets(shippedPresets(), baseUrl === undefined ? {} : { [name]: { baseUrl } });
  const source = resolveSource({ [name]: symbol }, { quote: 'USD' }, presets, (path, message) => {
    problems.push(`${path.join('.')}: ${message}`);
  });
  if (!source || problems.length > 0) throw new Error(problems.join('; '));
  if (source.kind !== 'http' && source.kind !== 'websocket') throw new Error(`${name} is ${source.kind}`);
  return source;
}
