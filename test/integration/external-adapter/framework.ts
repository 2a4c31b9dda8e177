/**
 * A real adapter made with Chainlink's own framework: its `price` endpoint asks a venue over HTTP, its `crypto` endpoint
 * listens to one over WebSocket.
 */
import type { AddressInfo } from 'node:net';
// The framework's logger reads its level when it is loaded.
import './quiet.js';
import {
  priceEndpointInputParametersDefinition as PARAMETERS,
  PriceAdapter,
  PriceEndpoint,
} from '@chainlink/external-adapter-framework/adapter/index.js';
import { AdapterConfig } from '@chainlink/external-adapter-framework/config/index.js';
import { expose } from '@chainlink/external-adapter-framework/index.js';
import { HttpTransport } from '@chainlink/external-adapter-framework/transports/http.js';
import { WebSocketTransport } from '@chainlink/external-adapter-framework/transports/websocket.js';
import { InputParameters } from '@chainlink/external-adapter-framework/validation/index.js';

export interface FrameworkAdapter {
  readonly url: string;
  close(): Promise<void>;
}

interface Venues {
  /** Answers `GET /BASE/QUOTE` with `{price, at}`. */
  readonly httpUrl: string;
  /** Answers a subscription with `{base, quote, price, at}` or `{base, quote, error}`. */
  readonly wsUrl: string;
}

interface Tick {
  readonly base: string;
  readonly quote: string;
  readonly price: number;
  readonly at: number;
  readonly error?: string;
}

const answered = ({ price, at, error }: Omit<Tick, 'base' | 'quote'>) =>
  error === undefined
    ? { data: { result: price }, result: price, timestamps: { providerIndicatedTimeUnixMs: at } }
    : { statusCode: 502, errorMessage: error };

export async function startFrameworkAdapter({ httpUrl, wsUrl }: Venues): Promise<FrameworkAdapter> {
  const config = new AdapterConfig(
    {},
    {
      envDefaultOverrides: {
        EA_PORT: 0,
        EA_HOST: '127.0.0.1',
        METRICS_ENABLED: false,
        BACKGROUND_EXECUTE_MS_HTTP: 50,
        BACKGROUND_EXECUTE_MS_WS: 50,
        CACHE_POLLING_MAX_RETRIES: 20,
        CACHE_POLLING_SLEEP_MS: 50,
      },
    },
  );
  type Shared = {
    Parameters: typeof PARAMETERS;
    Response: { Data: { result: number }; Result: number };
    Settings: typeof config.settings;
  };
  const http = new HttpTransport<
    Shared & { Provider: { RequestBody: never; ResponseBody: Omit<Tick, 'base' | 'quote'> } }
  >({
    prepareRequests: (params) =>
      params.map((one) => ({
        params: [one],
        request: { baseURL: httpUrl, url: `/${one.base}/${one.quote}` },
      })),
    parseResponse: (params, { data }) => params.map((one) => ({ params: one, response: answered(data) })),
  });
  const stream = new WebSocketTransport<Shared & { Provider: { WsMessage: Tick } }>({
    url: () => wsUrl,
    handlers: {
      message: (tick) => [{ params: { base: tick.base, quote: tick.quote }, response: answered(tick) }],
    },
    builders: { subscribeMessage: ({ base, quote }) => ({ base, quote }) },
  });
  const adapter = new PriceAdapter({
    name: 'COMPARED',
    defaultEndpoint: 'price',
    config,
    rateLimiting: { tiers: { default: { rateLimit1s: 100 } } },
    endpoints: [
      new PriceEndpoint({ name: 'price', transport: http, inputParameters: new InputParameters(PARAMETERS) }),
      new PriceEndpoint({
        name: 'crypto',
        transport: stream,
        inputParameters: new InputParameters(PARAMETERS),
      }),
    ],
  });
  const api = await expose(adapter);
  if (!api) throw new Error('the adapter does not listen');
  const { port } = api.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => api.close() };
}
