import { describe, expect, it } from 'vitest';
import { type HealthInput, health, livez, readyz } from '../../../src/server/health.js';

const GOOD: HealthInput = {
  nowMs: 100_000,
  lastIterationMs: 99_500,
  started: true,
  chains: [{ name: 'main', healthy: true }],
  stateAvailable: true,
  stopping: false,
};
const codes = (changes: Partial<HealthInput>) => {
  const input = { ...GOOD, ...changes };
  return [livez(input).status, readyz(input).status, health(input).status];
};

describe('the probes: alive, ready, both', () => {
  it.each([
    ['all is well', {}, [200, 200, 200]],
    [
      'an outage of the endpoints restarts nobody',
      { chains: [{ name: 'main', healthy: false }] },
      [200, 503, 503],
    ],
    ['Redis away is degraded, no failure', { stateAvailable: false }, [200, 200, 200]],
    ['a loop that hangs is to be restarted', { lastIterationMs: 60_000 }, [503, 200, 503]],
    ['not ready before the start-up checks', { started: false }, [200, 503, 503]],
    ['not ready while stopping', { stopping: true }, [200, 503, 503]],
  ])('%s', (_name, changes, expected) => {
    expect(codes(changes)).toEqual(expected);
  });
  it('says what is wrong', () => {
    expect(health({ ...GOOD, stateAvailable: false }).body).toContain('the state store is away');
    expect(readyz({ ...GOOD, chains: [{ name: 'besu', healthy: false }] }).body).toContain(
      'chain besu has no healthy endpoint',
    );
  });
});
