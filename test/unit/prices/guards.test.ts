/** The guards that need more than one tick's observations: jumps, market hours, and what is remembered of a tick. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { FeedConfig, MarketHours } from '../../../src/config/types.js';
import { createSlots, type Slots } from '../../../src/prices/slots.js';
import { createTicks, type Ticks } from '../../../src/prices/ticks.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { exact, feed, feedSource, httpSource, manualClock } from '../../support/prices/feeds.js';

let clock: ReturnType<typeof manualClock>;
let slots: Slots;
let ticks: Ticks;

const source = httpSource({ label: 'a:1', url: 'http://a.invalid/' });

function configure(over: Partial<FeedConfig> = {}): void {
  const config = feed({ sources: [source], ...over });
  slots.apply([config]);
  ticks.apply([config]);
}

function observe(value: string, slot = slots.of('ETH/USD')[0]!.id): void {
  const at = clock.now();
  slots.record(
    slot,
    { ok: true, value: exact(value), observedAtMs: at, timeFrom: 'receipt', receivedAtMs: at },
    1,
    at,
  );
}

/** Moves on by a second, observes, and asks with what the chain holds. */
function step(value: string | undefined, onChain: string | undefined) {
  clock.advance(1_000);
  if (value !== undefined) observe(value);
  const context = onChain === undefined ? {} : { onChainAnswer: BigInt(onChain) * 100_000_000n };
  return ticks.price('ETH/USD', clock.tick(), context);
}

beforeEach(() => {
  clock = manualClock();
  slots = createSlots(createMetrics());
  ticks = createTicks(slots, clock);
  configure();
});

describe('jump hold', () => {
  beforeEach(() => configure({ maxJump: { percent: exact('10'), confirmTicks: 2 } }));

  it('a move at the limit passes, one over it is held until it was seen in two further ticks', () => {
    expect(step('1100', '1000')).toMatchObject({ ok: true });
    expect(step('1100.00000001', '1000')).toMatchObject({
      ok: false,
      code: 'jump_unconfirmed',
      detail: '1100.00000001 against 1000.00000000 on chain is over 10 %, seen in 1 of 3 ticks',
    });
    expect(step('1200', '1000')).toMatchObject({ ok: false, code: 'jump_unconfirmed' });
    expect(step('1200', '1000')).toMatchObject({ ok: true, answer: 120_000_000_000n });
    expect(step('1200', '1000')).toMatchObject({ ok: true });
    expect(step('1210', '1200')).toMatchObject({ ok: true });
    expect(step('1500', '1200')).toMatchObject({ ok: false });
  });

  it('a spike that is gone at the next tick never gets out', () => {
    expect(step('10', '1000')).toMatchObject({ ok: false });
    expect(step('1000', '1000')).toMatchObject({ ok: true });
    expect(step('10', '1000')).toMatchObject({ ok: false });
    expect(step('10', '1000')).toMatchObject({ ok: false });
    expect(step('1000', '1000')).toMatchObject({ ok: true });
  });

  it('a jump to the other side starts anew', () => {
    expect(step('2000', '1000')).toMatchObject({ ok: false });
    expect(step('2000', '1000')).toMatchObject({ ok: false });
    expect(step('500', '1000')).toMatchObject({ ok: false });
    expect(step('500', '1000')).toMatchObject({ ok: false });
    expect(step('500', '1000')).toMatchObject({ ok: true });
  });

  it('also where the limit is wide enough to hold both sides: a rate near zero', () => {
    configure({ positive: false, maxJump: { percent: exact('300'), confirmTicks: 1 } });
    expect(step('6', '1')).toMatchObject({ ok: false });
    expect(step('-5', '1')).toMatchObject({ ok: false });
    expect(step('-5', '1')).toMatchObject({ ok: true });
  });

  it('a tick without a price neither confirms nor starts anew', () => {
    expect(step('2000', '1000')).toMatchObject({ ok: false });
    clock.advance(120_000);
    expect(step(undefined, '1000')).toMatchObject({ ok: false, code: 'too_few_sources' });
    expect(step('2000', '1000')).toMatchObject({ ok: false });
    expect(step('2000', '1000')).toMatchObject({ ok: true });
  });

  it('asking twice for one tick does not confirm twice', () => {
    step('2000', '1000');
    for (let i = 0; i < 5; i += 1)
      expect(ticks.price('ETH/USD', clock.tick(), { onChainAnswer: 100_000_000_000n })).toMatchObject({
        ok: false,
        code: 'jump_unconfirmed',
      });
  });

  it('a spike on top of a jump that is being confirmed is a jump of its own', () => {
    for (let i = 0; i < 2; i += 1) expect(step('1250', '1000')).toMatchObject({ ok: false });
    expect(step('1000000', '1000')).toMatchObject({ ok: false, code: 'jump_unconfirmed' });
    expect(step('1000000', '1000')).toMatchObject({ ok: false });
    expect(step('1000000', '1000')).toMatchObject({ ok: true });
  });

  it('while the chain lags after a confirmed jump, a spike is held like any other', () => {
    for (let i = 0; i < 9; i += 1) step('1250', '1000');
    expect(step('1250', '1000')).toMatchObject({ ok: true });
    expect(step('1000000', '1000')).toMatchObject({ ok: false, code: 'jump_unconfirmed' });
    expect(step('1250', '1000')).toMatchObject({ ok: false, detail: expect.stringContaining('1 of 3') });
    expect(step('1250', '1000')).toMatchObject({ ok: false });
    expect(step('1250', '1000')).toMatchObject({ ok: true });
  });

  it('a market that runs on gets through while the last ticks lie within the limit of one another', () => {
    expect(step('1200', '1000')).toMatchObject({ ok: false });
    expect(step('1250', '1000')).toMatchObject({ ok: false });
    expect(step('1300', '1000')).toMatchObject({ ok: true });
    expect(step('1350', '1000')).toMatchObject({ ok: true });
    // Within 10 % of 1300 and 1350, no longer of 1250.
    expect(step('1430', '1000')).toMatchObject({ ok: true });
    expect(step('1580', '1000')).toMatchObject({ ok: false });
  });

  it('a fall is measured like the rise that would undo it', () => {
    expect(step('2000', '1000')).toMatchObject({ ok: false });
    expect(step('1819', '1000')).toMatchObject({ ok: false, detail: expect.stringContaining('2 of 3') });
    expect(step('1654', '1000')).toMatchObject({ ok: false, detail: expect.stringContaining('2 of 3') });
    expect(step('1503', '1000')).toMatchObject({ ok: false, detail: expect.stringContaining('1 of 3') });
  });

  it('one reading of a slow source does not confirm itself, however many ticks pass', () => {
    expect(step('3000', '1000')).toMatchObject({ ok: false });
    for (let i = 0; i < 50; i += 1)
      expect(step(undefined, '1000')).toMatchObject({ ok: false, detail: expect.stringContaining('1 of 3') });
  });

  it('a steady market whose source is read once a minute gets through with the second further reading', () => {
    const readings = [1, 2, 3].map(() => {
      const first = step('3000', '1000');
      for (let i = 0; i < 58; i += 1) expect(step(undefined, '1000').ok).toBe(first.ok);
      clock.advance(1_000);
      return first.ok;
    });
    expect(readings).toEqual([false, false, true]);
  });

  it('of several sources as many as must agree on a price must have observed anew', () => {
    const sources = ['a', 'b', 'c'].map((label) => httpSource({ label, url: `http://${label}.invalid/` }));
    configure({ sources, minSources: 2, maxJump: { percent: exact('10'), confirmTicks: 1 } });
    const observed = (...labels: string[]) => {
      clock.advance(1_000);
      for (const slot of slots.of('ETH/USD'))
        if (labels.includes(slot.source.label)) observe('2000', slot.id);
      return ticks.price('ETH/USD', clock.tick(), { onChainAnswer: 100_000_000_000n }).ok;
    };
    expect(observed('a', 'b', 'c')).toBe(false);
    expect([observed('a'), observed('a'), observed('a')]).toEqual([false, false, false]);
    expect(observed('c')).toBe(true);
  });

  it('before the first round there is nothing to jump from', () => {
    expect(step('2000', undefined)).toMatchObject({ ok: true });
  });

  it('who asks without the chain’s answer does not let a jump through for those who ask with it', () => {
    expect(step('2000', undefined)).toMatchObject({ ok: true });
    expect(ticks.price('ETH/USD', clock.tick(), { onChainAnswer: 100_000_000_000n })).toMatchObject({
      ok: false,
      code: 'jump_unconfirmed',
    });
  });

  it('within one tick the verdict follows the chain', () => {
    expect(step('1200', '1000')).toMatchObject({ ok: false });
    const moved = { onChainAnswer: 119_000_000_000n };
    expect(ticks.price('ETH/USD', clock.tick(), moved)).toMatchObject({ ok: true });
  });

  it('an answer of zero on chain: any move is a jump, and gets out when confirmed', () => {
    expect(step('1', '0')).toMatchObject({ ok: false });
    step('1', '0');
    expect(step('1', '0')).toMatchObject({ ok: true });
  });

  it('a reload of the limit applies at once and keeps what was seen', () => {
    step('1200', '1000');
    configure({ maxJump: { percent: exact('30'), confirmTicks: 2 } });
    expect(step('1200', '1000')).toMatchObject({ ok: true });
  });
});

describe('market hours of a feed', () => {
  // The clock of these tests starts on a Tuesday at 22:13:20 UTC.
  const hours = (closed: MarketHours['closed'], to: number): MarketHours => ({
    timeZone: 'UTC',
    open: new Map([[2, [[0, to]]]]),
    holidays: new Set(),
    closed,
  });

  it('pause: nothing is published while closed', () => {
    configure({ market: hours('pause', 22 * 60 + 14) });
    expect(step('1000', '990')).toMatchObject({ ok: true });
    clock.advance(60_000);
    expect(step('1000', '990')).toMatchObject({ ok: false, code: 'market_closed' });
  });

  it('repeat: the answer on chain, with the time it was made, whatever the sources say', () => {
    configure({ market: hours('repeat', 22 * 60 + 14) });
    expect(step('1000', '990')).toMatchObject({ ok: true, answer: 100_000_000_000n });
    const madeAt = clock.now();
    clock.advance(60_000);
    expect(step('5', '990')).toMatchObject({
      ok: true,
      answer: 99_000_000_000n,
      observedAtMs: madeAt,
      used: [],
    });
  });

  it('repeat after a restart: as old as the close', () => {
    configure({ market: hours('repeat', 22 * 60) });
    expect(step('5', '990')).toMatchObject({
      ok: true,
      answer: 99_000_000_000n,
      observedAtMs: Date.UTC(2023, 10, 14, 22, 0),
    });
    expect(step('5', undefined)).toMatchObject({ ok: false, code: 'market_closed' });
  });
});

describe('ticks', () => {
  it('the answer of a tick stays, also over a reload and for the last 128 ticks', () => {
    const first = step('1000', undefined);
    const tick = clock.tick();
    configure({ minSources: 2 });
    observe('2000');
    for (let i = 0; i < 127; i += 1) step('3000', undefined);
    expect(ticks.price('ETH/USD', tick)).toEqual(first);
    step('3000', undefined);
    expect(ticks.price('ETH/USD', tick)).not.toEqual(first);
  });

  it('a tick that has not come has no answer yet, and none that sticks', () => {
    observe('1000');
    const later = clock.tick() + 60;
    expect(ticks.price('ETH/USD', later)).toMatchObject({ ok: false, detail: 'the tick has not come' });
    clock.advance(60_000);
    observe('1100');
    expect(ticks.price('ETH/USD', later)).toMatchObject({ ok: true, answer: 110_000_000_000n });
  });

  it('asked for late, a tick has newer observations; its price is not dated after it, and counts them once', () => {
    const doubled = feed({
      name: '2ETH/USD',
      sources: [feedSource({ inputs: ['ETH/USD'], scale: exact('2') })],
    });
    const jumpy = { ...doubled, maxJump: { percent: exact('10'), confirmTicks: 1 } };
    slots.apply([feed({ sources: [source] }), jumpy]);
    ticks.apply([feed({ sources: [source] }), jumpy]);
    clock.advance(500);
    observe('1000');
    const tick = clock.tick();
    expect(ticks.price('ETH/USD', tick)).toMatchObject({ ok: true, observedAtMs: tick * 1_000 });
    const context = { onChainAnswer: 100_000_000_000n };
    expect(ticks.price('2ETH/USD', tick, context)).toMatchObject({ ok: false });
    clock.advance(1_000);
    expect(ticks.price('2ETH/USD', tick + 1, context)).toMatchObject({ ok: false, code: 'jump_unconfirmed' });
  });

  it('rounds half to even, once, and refuses what would read as zero', () => {
    configure({ decimals: 2 });
    expect(step('0.125', undefined)).toMatchObject({ answer: 12n });
    expect(step('0.135', undefined)).toMatchObject({ answer: 14n });
    expect(step('0.005', undefined)).toMatchObject({ ok: false, code: 'not_positive' });
  });
});
