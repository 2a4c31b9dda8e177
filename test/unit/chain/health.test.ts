import { describe, expect, it } from 'vitest';
import { claimToProve, createBlockTimer, judgeHeads, lagBlocks } from '../../../src/chain/rpc/heads.js';
import {
  afterFailure,
  afterSuccess,
  compareHealth,
  type Health,
  isHealthy,
  mayProbe,
  newHealth,
  quarantined,
  released,
} from '../../../src/chain/rpc/health.js';
import type { BlockHeader } from '../../../src/chain/rpc/shapes.js';

const middle = () => 0.5;
const head = (number: bigint, timestamp = Number(number)): BlockHeader => ({
  number,
  timestamp,
  hash: `0x${number.toString(16).padStart(64, '0')}`,
  parentHash: `0x${'0'.repeat(64)}`,
});
const up = (over: Partial<Health> = {}): Health => ({ ...newHealth(), head: head(10n), ...over });
const timeout = { type: 'timeout' } as const;

describe('an endpoint', () => {
  it('is usable only once it has shown a block', () => {
    expect(isHealthy(newHealth())).toBe(false);
    expect(isHealthy(up())).toBe(true);
  });

  it('bears two failures and is quarantined at the third in a row', () => {
    let health = up();
    for (let failures = 0; failures < 2; failures += 1) health = afterFailure(health, timeout, 0, middle);
    expect(isHealthy(health)).toBe(true);
    health = afterFailure(afterSuccess(health, 5, 0), timeout, 0, middle);
    expect(isHealthy(health)).toBe(true);
    for (let failures = 0; failures < 2; failures += 1) health = afterFailure(health, timeout, 0, middle);
    expect(health.quarantine).toEqual({ reason: 'timeout', untilMs: 1_000 });
  });

  it('is quarantined when more than half of its calls fail, without three in a row', () => {
    let health = up();
    for (let call = 0; call < 60 && !health.quarantine; call += 1)
      health = call % 3 === 0 ? afterSuccess(health, 5, 0) : afterFailure(health, timeout, 0, middle);
    expect(health.quarantine?.reason).toBe('timeout');
  });

  it('pauses for twice as long each time, up to five minutes', () => {
    let health = up();
    const pauses: number[] = [];
    for (let nowMs = 0; pauses.length < 12; ) {
      health = quarantined(health, 'timeout', nowMs, middle);
      pauses.push((health.quarantine?.untilMs ?? 0) - nowMs);
      nowMs = health.quarantine?.untilMs ?? 0;
      expect(mayProbe(health, nowMs - 1)).toBe(false);
      health = { ...released(health, nowMs), head: head(1n) };
    }
    expect(pauses.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(Math.max(...pauses)).toBe(300_000);
  });

  it('that stays healthy long enough begins with a short pause again', () => {
    let health = quarantined(quarantined(up(), 'timeout', 0, middle), 'timeout', 2_000, middle);
    health = { ...released(health, 10_000), head: head(1n) };
    health = afterSuccess(health, 5, 11_000);
    expect(health.strikes).toBeGreaterThan(0);
    expect(afterSuccess(health, 5, 10_000 + health.lastPauseMs * 10 + 1).strikes).toBe(0);
  });

  it('that tells when to come back is left alone for that long, without a strike', () => {
    const health = afterFailure(up(), { type: 'rate_limited', retryAfterMs: 7_000 }, 0, () => 0);
    expect(health.quarantine).toEqual({ reason: 'rate_limited', untilMs: 7_000 });
    expect(health.strikes).toBe(0);
  });

  it('that refuses us for good is left alone for the longest pause', () => {
    expect(afterFailure(up(), { type: 'http_status', permanent: true }, 0, middle).quarantine?.untilMs).toBe(
      300_000,
    );
  });

  it('with few errors is asked before one that is faster, and one ahead before one behind', () => {
    const order = [
      up({ errorRate: 0.3, latencyMs: 1 }),
      up({ latencyMs: 80 }),
      up({ latencyMs: 20 }),
      up({ latencyMs: 1, head: head(7n) }),
    ].sort(compareHealth);
    expect(order.map(({ latencyMs }) => latencyMs)).toEqual([20, 80, 1, 1]);
    expect(order.at(-1)?.errorRate).toBe(0.3);
  });
});

describe('heads of several endpoints', () => {
  const claim = (index: number, number: bigint, before?: bigint) => ({
    index,
    head: head(number),
    ...(before === undefined ? {} : { before: head(before) }),
  });

  it('one far above all others has to be proven', () => {
    expect(claimToProve([claim(0, 1_100n), claim(1, 100n), claim(2, 99n)], 10n)?.index).toBe(0);
    expect(claimToProve([claim(0, 105n), claim(1, 100n)], 10n)).toBeUndefined();
    expect(claimToProve([claim(0, 1_100n)], 10n)).toBeUndefined();
  });

  it('behind and going back are faults, a reorganisation of the allowed depth is none', () => {
    expect(judgeHeads([claim(0, 100n), claim(1, 89n), claim(2, 98n, 102n)], 10n, 2n)).toEqual([
      { index: 1, fault: 'height_lag' },
      { index: 2, fault: 'height_regression' },
    ]);
    expect(judgeHeads([claim(0, 98n, 100n)], 10n, 2n)).toEqual([]);
  });

  it('may lag by ten seconds’ worth of blocks, at least three', () => {
    expect([12, 2, 0.25, 0].map(lagBlocks)).toEqual([3n, 5n, 40n, 50n]);
  });

  it('tell the time between blocks', () => {
    const timer = createBlockTimer();
    expect(timer.seconds()).toBe(1);
    timer.observe(head(1n, 100));
    timer.observe(head(5n, 108));
    expect(timer.seconds()).toBe(2);
    timer.observe(head(2n, 102));
    expect(timer.seconds()).toBe(1);
  });
});
