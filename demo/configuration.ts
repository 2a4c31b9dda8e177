/** The daemon's configuration, as a user would write it: a feeds file, and settings in the environment. */
import { stringify } from 'yaml';
import { FUNDED_KEY } from './anvil.js';
import { RECORDED } from './exchanges/candles.js';
import type { Options } from './options.js';

/** Where each exchange is found, by the name of its preset. */
export type ExchangeUrls = Readonly<Record<string, string>>;

const KRAKEN = { BTC: 'XXBTZUSD', ETH: 'XETHZUSD', LTC: 'XLTCZUSD', XRP: 'XXRPZUSD' } as const;

/** The feeds file: the exchanges' presets pointed at this machine, four feeds, and the conversion that Binance needs. */
export function feedsFile(urls: ExchangeUrls): string {
  return stringify({
    poll: '500ms',
    sources: Object.fromEntries(Object.entries(urls).map(([name, baseUrl]) => [name, { baseUrl }])),
    // A dead exchange is to be missed soon: the replay is faster than life.
    group: { maxAge: '5s' },
    feeds: RECORDED.map((base) => ({
      name: `${base}/USD`,
      sources: [
        { coinbase: `${base}-USD` },
        { kraken: KRAKEN[base] },
        { binance: `${base}USDT`, convert: 'USDT/USD' },
        { bitstamp: `${base.toLowerCase()}usd` },
      ],
    })),
    conversions: [
      {
        name: 'USDT/USD',
        maxAge: '5s',
        sources: [{ coinbase: 'USDT-USD' }, { kraken: 'USDTZUSD' }, { bitstamp: 'usdtusd' }],
      },
    ],
  });
}

/** The environment that `deploy` and `run` share. */
export const deployEnvironment = (rpcUrl: string, configDir: string): Record<string, string> => ({
  RPC_URL: rpcUrl,
  PRIVATE_KEY: FUNDED_KEY,
  CONFIG_DIR: configDir,
});

export interface RunSettings {
  readonly rpcUrl: string;
  readonly configDir: string;
  readonly aggregator: string;
  readonly metricsPort: number;
  readonly httpPort: number;
  readonly options: Options;
}

/** The environment of the daemon. */
export const runEnvironment = (settings: RunSettings): Record<string, string> => ({
  ...deployEnvironment(settings.rpcUrl, settings.configDir),
  AGGREGATOR_ADDRESS: settings.aggregator,
  HEARTBEAT: `${settings.options.heartbeatSeconds}s`,
  DEVIATION_THRESHOLD: settings.options.deviation,
  STATE_URL: 'memory:',
  METRICS_PORT: `${settings.metricsPort}`,
  HTTP_PORT: `${settings.httpPort}`,
  BIND_ADDRESS: '127.0.0.1',
});
