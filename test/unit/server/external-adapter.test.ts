/** The external adapter at `POST /`: what is asked, what is answered, and what is refused. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { formatScaled } from '../../../src/common/decimal.js';
import type { ExternalAdapterSettings } from '../../../src/config/environment.js';
import { loadEnvironment } from '../../../src/config/environment.js';
import { createExternalAdapter } from '../../../src/server/external-adapter.js';
import { readAdapterRequest } from '../../../src/server/external-adapter-request.js';
import type { HeldPrice } from '../../../src/server/held-prices.js';
import { createMask } from '../../../src/telemetry/logger.js';
import { exact, manualClock } from '../../support/prices/feeds.js';

const STARTED = 1_699_999_000_000;
const TOKEN = 'a-token-of-the-node-0123456789';

let clock: ReturnType<typeof manualClock>;
beforeEach(() => {
  clock = manualClock();
});

const held = (over: Partial<HeldPrice> = {}): HeldPrice => ({
  feed: 'ETH/USD',
  base: 'ETH',
  quote: 'USD',
  decimals: 8,
  code: 'ok',
  detail: '',
  answer: '200012345678',
  tick: clock.tick(),
  observedAtMs: clock.now() - 1_500,
  receivedAtMs: clock.now() - 400,
  goodUntilMs: clock.now() + 7_000,
  ...over,
});
const heldBack = (code: HeldPrice['code'], over: Partial<HeldPrice> = {}): HeldPrice =>
  held({ code, detail: 'why', answer: null, observedAtMs: null, goodUntilMs: null, ...over });

function adapter(prices: readonly HeldPrice[] | undefined, settings?: ExternalAdapterSettings) {
  const answer = createExternalAdapter({
    settings,
    holdings: () => prices && { startedAtMs: STARTED, prices },
    clock,
  });
  return (body: unknown, headers: Record<string, string> = {}, remoteAddress = '192.0.2.1') => {
    const reply = answer({
      headers: { 'content-type': 'application/json', ...headers },
      remoteAddress,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { ...reply, json: JSON.parse(reply.body) as Record<string, unknown> };
  };
}
const ETH = { id: 'job-7', data: { base: 'ETH', quote: 'USD' } };

describe('a price', () => {
  it('is answered as Chainlink’s nodes expect', () => {
    expect(adapter([held()])(ETH)).toMatchObject({
      status: 200,
      type: 'application/json; charset=utf-8',
      json: {
        jobRunID: 'job-7',
        data: { result: 2000.12345678 },
        result: 2000.12345678,
        statusCode: 200,
        timestamps: {
          providerDataStreamEstablishedUnixMs: STARTED,
          providerDataReceivedUnixMs: clock.now() - 400,
          providerIndicatedTimeUnixMs: clock.now() - 1_500,
        },
      },
    });
  });

  it.each([
    [{ data: { feed: 'ETH/USD' } }],
    [{ data: { feed: 'eth/usd' } }],
    [{ data: { from: 'ETH', to: 'USD' } }],
    [{ data: { coin: 'eth', market: 'usd', endpoint: 'Crypto' } }],
    [{ endpoint: 'price', data: { base: 'ETH', quote: 'USD', overrides: {} }, meta: { any: 'thing' } }],
  ])('is found by %j', (body) => {
    expect(adapter([held({ feed: 'BTC/USD', base: 'BTC' }), held()])(body).json).toMatchObject({
      jobRunID: '1',
      result: 2000.12345678,
    });
  });

  it('of a feed that is written exactly so comes before one in another case', () => {
    const ask = adapter([
      held({ feed: 'STETH/USD', base: 'STETH', answer: '1' }),
      held({ feed: 'stETH/USD', base: 'stETH' }),
    ]);
    expect(ask({ data: { base: 'stETH', quote: 'USD' } }).json.result).toBe(2000.12345678);
  });

  it('is written with every digit that it has', () => {
    const one = (answer: string, decimals: number) => adapter([held({ answer, decimals })])(ETH).body;
    const text = '"data":{"result":1234567890.123456789012345678},"result":1234567890.123456789012345678,';
    expect(one('1234567890123456789012345678', 18)).toContain(text);
    expect(one('1', 18)).toContain('"result":0.000000000000000001,');
    expect(one('-150000000', 8)).toContain('"result":-1.5,');
    expect(one('0', 8)).toContain('"result":0,');
    expect(one('200000000000', 8)).toContain('"result":2000,');
    expect(one('2000', 0)).toContain('"result":2000,');
  });

  it('of any size is a valid JSON number that is exactly the price', () => {
    fc.assert(
      fc.property(
        fc.bigInt(-(2n ** 111n), 2n ** 111n),
        fc.integer({ min: 0, max: 36 }),
        (answer, decimals) => {
          const { body, json } = adapter([held({ answer: answer.toString(), decimals })])(ETH);
          const literal = /"data":\{"result":(-?(?:0|[1-9]\d*)(?:\.\d+)?)\}/.exec(body)?.[1] ?? '';
          expect(exact(literal)).toEqual(exact(formatScaled(answer, decimals)));
          expect(typeof json.result).toBe('number');
        },
      ),
    );
  });
});

describe('never an old number', () => {
  it('a guard that holds the price back is an error of the data, with the reason', () => {
    const reply = adapter([heldBack('spread_too_wide')])(ETH);
    expect(reply.status).toBe(502);
    expect(reply.json).toEqual({
      jobRunID: 'job-7',
      statusCode: 502,
      errorMessage: 'ETH/USD is held back: spread_too_wide, why',
      timestamps: {
        providerDataStreamEstablishedUnixMs: STARTED,
        providerDataReceivedUnixMs: clock.now() - 400,
      },
    });
  });

  it('a price is passed on to the last millisecond of its time and not after it', () => {
    const ask = adapter([held({ goodUntilMs: clock.now() + 1_000 })]);
    clock.advance(999);
    expect(ask(ETH).status).toBe(200);
    clock.advance(1);
    expect(ask(ETH)).toMatchObject({
      status: 504,
      json: {
        jobRunID: 'job-7',
        status: 'errored',
        statusCode: 504,
        error: { name: 'AdapterTimeoutError', message: 'The price of ETH/USD is too old' },
      },
    });
  });

  it('a feed without any observation yet is a timeout, as in the framework', () => {
    expect(adapter([heldBack('no_observations', { receivedAtMs: null })])(ETH)).toMatchObject({
      status: 504,
      json: { error: { name: 'AdapterTimeoutError' } },
    });
  });

  it('a daemon that starts has no price', () => {
    expect(adapter(undefined)(ETH)).toMatchObject({
      status: 503,
      json: { statusCode: 503, status: 'errored' },
    });
  });

  it('an error holds no result', () => {
    for (const price of [
      heldBack('not_positive'),
      held({ goodUntilMs: 0 }),
      heldBack('pending', { receivedAtMs: null }),
    ])
      expect(adapter([price])(ETH).json).not.toHaveProperty('result');
  });
});

describe('requests that are refused', () => {
  it.each([
    [{ data: { base: 'ETH' } }, 400, '[Param: quote] param is required but no value was provided'],
    [{ data: { base: 1, quote: 'USD' } }, 400, '[Param: base] input type is not the expected one (string)'],
    [{ id: '7' }, 400, '[Param: base] param is required but no value was provided'],
    [{ data: 'x' }, 400, 'Input for input parameters should be an object'],
    [
      { data: { base: 'ETH', coin: 'ETH', quote: 'USD' } },
      400,
      'Parameter "base" is specified more than once (aliases: base,from,coin)',
    ],
    [{ data: { feed: 'ETH/USD', base: 'ETH' } }, 400, 'Parameter "feed" cannot be present'],
    [{ data: { feed: ['ETH/USD'] } }, 400, '[Param: feed] input type is not the expected one (string)'],
    [
      { data: { base: 'ETH', quote: 'USD', endpoint: 'nope' } },
      404,
      'Adapter does not have a "nope" endpoint.',
    ],
    [{ data: { base: 'DOGE', quote: 'USD' } }, 404, 'There is no feed DOGE/USD'],
    [{ data: { feed: '__proto__' } }, 404, 'There is no feed __proto__'],
    [{ id: 1.5, data: {} }, 400, '[Param: id]'],
    ['[]', 400, 'The body is not a JSON object'],
    ['null', 400, 'The body is not a JSON object'],
    ['{nope', 400, 'The body is not a JSON object'],
    ['', 400, 'The body is not a JSON object'],
  ])('%j: %i', (body, status, message) => {
    const reply = adapter([held()])(body);
    expect(reply).toMatchObject({
      status,
      json: { status: 'errored', statusCode: status, error: { name: 'AdapterError' } },
    });
    expect((reply.json.error as { message: string }).message).toContain(message);
  });

  it('another content type is refused, so that a web page cannot ask in passing', () => {
    const ask = adapter([held()]);
    expect(ask(ETH, { 'content-type': 'text/plain' }).status).toBe(400);
    expect(ask(ETH, { 'content-type': 'application/json; charset=utf-8' }).status).toBe(200);
  });

  it('no text whatever makes reading a request throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void readAdapterRequest(text)));
  });
});

describe('the token', () => {
  it('must be carried where one is set', () => {
    const ask = adapter([held()], { token: TOKEN });
    for (const authorization of [
      '',
      'Bearer',
      `Basic ${TOKEN}`,
      'Bearer other',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN} x`,
    ])
      expect(ask(ETH, authorization === '' ? {} : { authorization })).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
        json: { statusCode: 401, status: 'errored' },
      });
    expect(ask(ETH, { authorization: `Bearer ${TOKEN}` }).status).toBe(200);
  });

  it('is read from the environment as a secret', () => {
    const { environment, secrets } = loadEnvironment({
      EXTERNAL_ADAPTER_TOKEN: TOKEN,
      EXTERNAL_ADAPTER_RATE_LIMIT: '60',
    });
    expect(environment.externalAdapter).toEqual({ token: TOKEN, requestsPerMinute: 60 });
    expect(createMask(secrets)(`authorization: Bearer ${TOKEN}`)).not.toContain(TOKEN);
  });

  it.each(['short', 'with blanks in between it', 'x'.repeat(513)])(
    'that is %j is refused at start without being repeated',
    (token) => {
      expect(() => loadEnvironment({ EXTERNAL_ADAPTER_TOKEN: token })).toThrow(
        /^(?!.*short)(?!.*blanks)(?!.*xxx).*16 to 512 printable characters/s,
      );
    },
  );
});

describe('the rate limit', () => {
  it('refuses what is over it, says how long to wait, and lets through again', () => {
    const ask = adapter([held({ goodUntilMs: clock.now() + 600_000 })], { requestsPerMinute: 30 });
    for (let asked = 0; asked < 30; asked += 1) expect(ask(ETH).status).toBe(200);
    expect(ask(ETH)).toMatchObject({
      status: 429,
      headers: { 'retry-after': '2' },
      json: { status: 'errored', statusCode: 429, error: { name: 'AdapterRateLimitError' } },
    });
    clock.advance(2_000);
    expect(ask(ETH).status).toBe(200);
    expect(ask(ETH).status).toBe(429);
  });

  it('is each address’s own', () => {
    const ask = adapter([held()], { requestsPerMinute: 1 });
    expect(ask(ETH, {}, '192.0.2.1').status).toBe(200);
    expect(ask(ETH, {}, '::ffff:192.0.2.1').status).toBe(429);
    expect(ask(ETH, {}, '192.0.2.2').status).toBe(200);
  });

  it('stands before the token, so that guessing is limited', () => {
    const ask = adapter([held()], { requestsPerMinute: 1, token: TOKEN });
    expect(ask(ETH).status).toBe(401);
    expect(ask(ETH, { authorization: `Bearer ${TOKEN}` }).status).toBe(429);
  });
});
