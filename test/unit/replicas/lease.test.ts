import { describe, expect, it } from 'vitest';
import {
  elapsedMs,
  isConfirmed,
  isHeld,
  isRenewalDue,
  leaseTimes,
  type Moment,
} from '../../../src/replicas/lease.js';
import { createOutageWatch } from '../../../src/replicas/outage.js';

const times = leaseTimes(5_000);
const at = (ms: number, wallStepMs = 0): Moment => ({
  monotonicMs: ms,
  wallMs: 1_700_000_000_000 + ms + wallStepMs,
});
const lease = { value: 'me', confirmed: at(0) };

describe('lease times', () => {
  it('keep failover within the lease time: time to live and two looks make it up', () => {
    for (const leaseMs of [200, 1_000, 5_000, 30_000]) {
      const { ttlMs, pollMs, trustMs, renewMs } = leaseTimes(leaseMs);
      expect(ttlMs + 2 * pollMs).toBeLessThanOrEqual(leaseMs);
      expect(trustMs).toBeLessThan(ttlMs);
      expect(renewMs + 3 * pollMs).toBeLessThan(trustMs);
    }
  });
});

describe('a lease', () => {
  it('is good until its trust ends, on the monotonic clock', () => {
    expect(isConfirmed(lease, at(times.trustMs - 1), times)).toBe(true);
    expect(isConfirmed(lease, at(times.trustMs), times)).toBe(false);
  });

  it('ends early when the wall clock went ahead (a suspended machine), and not late when it was set back', () => {
    expect(isConfirmed(lease, at(100, 3_600_000), times)).toBe(false);
    expect(isConfirmed(lease, at(times.trustMs - 1, -3_600_000), times)).toBe(true);
    expect(isConfirmed(lease, at(times.trustMs, -3_600_000), times)).toBe(false);
    expect(elapsedMs(at(0), at(10, -50))).toBe(10);
  });

  it('without the store is held only while the coordinator is awake', () => {
    const carried = { ...lease, withoutStore: at(1_000) };
    const now = at(60_000);
    expect(isHeld(carried, now, at(59_500), times)).toBe(true);
    expect(isHeld(carried, now, at(60_000 - times.pauseMs), times)).toBe(false);
    expect(isHeld(lease, now, now, times)).toBe(false);
    expect(isHeld({ value: 'me' }, at(0), at(0), times)).toBe(false);
  });

  it('is renewed at a third of its time, and at once when it was only found', () => {
    expect(isRenewalDue(lease, at(times.renewMs - 1), times)).toBe(false);
    expect(isRenewalDue(lease, at(times.renewMs), times)).toBe(true);
    expect(isRenewalDue({ value: 'me' }, at(0), times)).toBe(true);
  });
});

describe('an outage', () => {
  const watch = () => createOutageWatch(at(0), times);

  it('begins with the second look that fails in a row, and ends with one that is answered', () => {
    const outage = watch();
    outage.begin(at(250));
    expect(outage.failed(at(550), 'timeout')).toBe(false);
    expect(outage.now()).toBeUndefined();
    outage.begin(at(800));
    expect(outage.failed(at(801), 'not_connected')).toBe(true);
    expect(outage.now()).toEqual({ since: at(801), code: 'not_connected' });
    outage.begin(at(1_050));
    expect(outage.failed(at(1_051), 'loading')).toBe(false);
    expect(outage.now()).toEqual({ since: at(801), code: 'loading' });
    outage.begin(at(1_300));
    expect(outage.succeeded(at(1_301))).toMatchObject({ since: at(801) });
    expect(outage.now()).toBeUndefined();
  });

  it('is not seen in a look that failed because this process was stopped', () => {
    const outage = watch();
    outage.begin(at(250));
    expect(outage.failed(at(250 + times.pauseMs + 1), 'timeout')).toBe(false);
    const woken = 250 + times.pauseMs + 1;
    outage.begin(at(woken + 250));
    expect(outage.failed(at(woken + 251), 'timeout')).toBe(false);
    outage.begin(at(woken + 500));
    expect(outage.failed(at(woken + 501), 'timeout')).toBe(true);
  });

  it('is not seen in the first look after a stop between two looks', () => {
    const outage = watch();
    outage.begin(at(250));
    outage.failed(at(251), 'timeout');
    expect(outage.begin(at(3_000))).toBe('awake');
    expect(outage.failed(at(3_001), 'timeout')).toBe(false);
    expect(outage.begin(at(3_001 + times.ttlMs))).toBe('woken');
  });

  it('is followed by a calm of half a lease', () => {
    const outage = watch();
    expect(outage.calm(at(0))).toBe(false);
    outage.begin(at(250));
    outage.failed(at(300), 'timeout');
    expect(outage.calm(at(300 + times.ttlMs / 2))).toBe(true);
    expect(outage.calm(at(301 + times.ttlMs / 2))).toBe(false);
  });
});
