/** Oracles that failed in public, replayed against the guard that stops each. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { FeedConfig, HttpSource } from '../../../src/config/types.js';
import { createSlots, type Slots } from '../../../src/prices/slots.js';
import { createTicks, type Ticks } from '../../../src/prices/ticks.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { exact, feed, httpSource, manualClock } from '../../support/prices/feeds.js';

let clock: ReturnType<typeof manualClock>;
let slots: Slots;
let ticks: Ticks;

const venue = (label: string, over: Partial<HttpSource> = {}) =>
  httpSource({ label, url: `http://${label}.invalid/`, ...over });

function configure(...feeds: FeedConfig[]): void {
  slots.apply(feeds);
  ticks.apply(feeds);
}

/** The venues' answers, received now. */
function tell(values: Readonly<Record<string, string>>): void {
  const at = clock.now();
  for (const slot of slots.all()) {
    const value = values[slot.source.label];
    if (value === undefined) continue;
    const reading = {
      ok: true,
      value: exact(value),
      observedAtMs: at,
      timeFrom: 'venue',
      receivedAtMs: at,
    } as const;
    slots.record(slot.id, reading, 1, at);
  }
}

function price(name: string, onChain?: string) {
  const context =
    onChain === undefined ? {} : { onChainAnswer: (exact(onChain).n * 10n ** 8n) / exact(onChain).d };
  return ticks.price(name, clock.tick(), context);
}

beforeEach(() => {
  clock = manualClock();
  slots = createSlots(createMetrics());
  ticks = createTicks(slots, clock);
});

describe('incidents', () => {
  it('Synthetix sKRW 2019: a source a thousand times off, and only two left', () => {
    configure(
      feed({ name: 'KRW/USD', minSources: 3, sources: ['a', 'b', 'c'].map((label) => venue(label)) }),
    );
    tell({ a: '0.00085', b: '0.85' });
    expect(price('KRW/USD')).toMatchObject({ ok: false, code: 'too_few_sources' });
    tell({ a: '0.00085', b: '0.85', c: '0.00086' });
    clock.advance(1_000);
    expect(price('KRW/USD')).toMatchObject({
      ok: false,
      code: 'too_few_sources',
      dropped: [{ source: 'b', code: 'outlier' }],
    });
  });

  it('the same with two configured as enough: they are not averaged', () => {
    configure(feed({ name: 'KRW/USD', minSources: 2, sources: ['a', 'b'].map((label) => venue(label)) }));
    tell({ a: '0.00085', b: '0.85' });
    expect(price('KRW/USD')).toMatchObject({ ok: false, code: 'spread_too_wide' });
  });

  it('Compound DAI 2020: one venue trades at 1.30, the others at 1.00 to 1.03', () => {
    configure(
      feed({ name: 'DAI/USD', minSources: 3, sources: ['a', 'b', 'c', 'd'].map((label) => venue(label)) }),
    );
    tell({ a: '1.30', b: '1.00', c: '1.01', d: '1.03' });
    expect(price('DAI/USD')).toMatchObject({
      ok: true,
      answer: 101_000_000n,
      dropped: [{ source: 'a', code: 'outlier' }],
    });
  });

  it('Compound DAI 2020, with that venue and one other: the spread holds it back', () => {
    configure(feed({ name: 'DAI/USD', minSources: 2, sources: ['a', 'b'].map((label) => venue(label)) }));
    tell({ a: '1.30', b: '1.00' });
    expect(price('DAI/USD')).toMatchObject({ ok: false, code: 'spread_too_wide' });
  });

  it('Pyth BTC 2021: two publishers with a wrong exponent among honest ones', () => {
    const sources = ['a', 'b', 'c', 'd', 'e'].map((label) => venue(label));
    configure(
      feed({ name: 'BTC/USD', minSources: 3, sources, maxJump: { percent: exact('20'), confirmTicks: 3 } }),
    );
    tell({ a: '42000', b: '42010', c: '41990', d: '0.00042', e: '0.0000000042' });
    const found = price('BTC/USD', '42000');
    expect(found).toMatchObject({ ok: true, answer: 4_200_000_000_000n });
    expect(found.dropped.map(({ source }) => source)).toEqual(['d', 'e']);
  });

  it('Pyth BTC 2021, when they are the majority: the jump from the answer on chain is held', () => {
    const sources = ['a', 'b', 'c'].map((label) => venue(label));
    configure(feed({ name: 'BTC/USD', sources, maxJump: { percent: exact('20'), confirmTicks: 3 } }));
    tell({ a: '5402', b: '5402', c: '42000' });
    expect(price('BTC/USD', '42000')).toMatchObject({ ok: false, code: 'jump_unconfirmed' });
  });

  it('Venus and Blizz on LUNA 2022: below its floor a feed goes silent, it does not stand at the floor', () => {
    configure(
      feed({ name: 'LUNA/USD', min: exact('0.10'), sources: ['a', 'b'].map((label) => venue(label)) }),
    );
    tell({ a: '0.11', b: '0.11' });
    expect(price('LUNA/USD')).toMatchObject({ ok: true, answer: 11_000_000n });
    clock.advance(1_000);
    tell({ a: '0.01', b: '0.01' });
    expect(price('LUNA/USD')).toMatchObject({
      ok: false,
      code: 'out_of_bounds',
      detail: '0.01 is below 0.1',
    });
  });

  it('LUNA 2022: venues halt the market; the last price ages and is not stamped anew', () => {
    configure(feed({ name: 'LUNA/USD', minSources: 2, sources: ['a', 'b'].map((label) => venue(label)) }));
    tell({ a: '0.11', b: '0.11' });
    const seenAt = clock.now();
    for (let second = 0; second < 60; second += 5) {
      clock.advance(5_000);
      for (const slot of slots.all())
        slots.record(slot.id, { ok: false, code: 'market_suspended', detail: '' }, 1, clock.now());
      expect(price('LUNA/USD')).toMatchObject({ ok: true, observedAtMs: seenAt });
    }
    clock.advance(5_000);
    expect(price('LUNA/USD')).toMatchObject({ ok: false, code: 'too_few_sources' });
  });

  it('Moonwell cbETH 2026: a ratio is not a price in dollars; with its conversion it is', () => {
    const ratio = (convert?: string) =>
      venue('ratio', { quote: 'ETH', ...(convert === undefined ? {} : { convert }) });
    const eth = feed({ name: 'ETH/USD', sources: [venue('eth')] });
    const rules = { maxJump: { percent: exact('50'), confirmTicks: 5 }, min: exact('10') };
    configure(feed({ name: 'cbETH/USD', sources: [ratio('ETH/USD')], ...rules }), eth);
    tell({ ratio: '1.12', eth: '2000' });
    expect(price('cbETH/USD', '2230')).toMatchObject({ ok: true, answer: 224_000_000_000n });
    configure(feed({ name: 'cbETH/USD', sources: [ratio()], ...rules }), eth);
    clock.advance(1_000);
    expect(price('cbETH/USD', '2230')).toMatchObject({ ok: false, code: 'out_of_bounds' });
  });

  it('a stablecoin is not the dollar: USDC at 0.88 moves what is quoted in it', () => {
    configure(
      feed({ sources: [venue('usdc', { quote: 'USDC', convert: 'USDC/USD' })] }),
      feed({ name: 'USDC/USD', sources: [venue('rate')] }),
    );
    tell({ usdc: '1700', rate: '0.88' });
    expect(price('ETH/USD')).toMatchObject({ ok: true, answer: 149_600_000_000n });
  });
});
