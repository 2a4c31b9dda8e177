/** Loads a configuration out of texts, and shows why one is refused. */
import type { EnvironmentDefaults } from '../../src/config/environment.js';
import { type LoadedConfig, loadConfig } from '../../src/config/load.js';
import { ConfigError } from '../../src/config/problem.js';
import { configDir } from './config-dir.js';

export const DEFAULTS: EnvironmentDefaults = {
  rpcUrls: ['http://localhost:8545'],
  heartbeatSeconds: 3600,
  deviation: { n: 1n, d: 2n },
};

type Files = string | Readonly<Record<string, string>>;

/** Loads files by name, or one `feeds.yaml`. */
export const load = (files: Files, env: Record<string, string> = {}, defaults = DEFAULTS): LoadedConfig =>
  loadConfig(configDir(typeof files === 'string' ? { 'feeds.yaml': files } : files), defaults, env);

/** The problems of a refused configuration, a line each. */
export function refused(files: Files, env: Record<string, string> = {}, defaults = DEFAULTS): string[] {
  try {
    load(files, env, defaults);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** A feed of three venues; `lines` stand in the feed, `top` in the file. */
export const threeVenues = (lines = '', top = ''): string =>
  `${top}feeds:\n  - name: ETH/USD\n${lines}    sources: [{ kraken: XETHZUSD }, { coinbase: ETH-USD }, { bitstamp: ethusd }]\n`;
