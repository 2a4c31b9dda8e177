import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/common/words.js';
import { createCoordinator } from '../../../src/replicas/coordinator.js';
import { createMemoryState } from '../../../src/state/memory.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';

const K1: Address = '0x1111111111111111111111111111111111111111';
const K2: Address = '0x2222222222222222222222222222222222222222';
const clock = { now: () => 0, monotonic: () => 0 };
const group = (id: number, chain = 'main') => ({ name: `${chain}-${id}`, id, chain });

function alone(keys: Address[], groups = [group(3), group(1), group(2)]) {
  const metrics = createMetrics();
  const coordinator = createCoordinator({
    state: createMemoryState({ clock }),
    clock,
    log: createLogger({ level: 'silent' }),
    metrics,
    random: () => 0,
    replicaId: 'only',
    keys,
    groups,
    chainView: { healthy: () => true, lateGroups: () => [], foreignRound: () => false },
  });
  const leader = async () =>
    new Map((await metrics.groupLeader.get()).values.map(({ labels, value }) => [labels.group, value]));
  return { coordinator, leader };
}

describe('one replica with its state in memory', () => {
  it('holds every group at once, with all its keys, dealt by id', async () => {
    const { coordinator, leader } = alone([K1, K2]);
    expect([1, 2, 3].map((id) => coordinator.keyFor(`main-${id}`))).toEqual([K1, K2, K1]);
    expect(coordinator.holds('main-2')).toBe(true);
    expect(coordinator.holds('other')).toBe(false);
    expect(coordinator.ownKeys()).toEqual([K1, K2]);
    expect(coordinator.view()).toMatchObject({ role: 'alone', replica: 'only' });
    expect(await leader()).toEqual(
      new Map([
        ['main-1', 1],
        ['main-2', 1],
        ['main-3', 1],
      ]),
    );
  });

  it('holds the groups without a key as well, for a dry run', () => {
    const { coordinator } = alone([]);
    expect([coordinator.holds('main-1'), coordinator.keyFor('main-1')]).toEqual([true, undefined]);
  });

  it('holds nothing once it was released, and its run ends', async () => {
    const { coordinator, leader } = alone([K1]);
    const running = coordinator.run(new AbortController().signal);
    await coordinator.release();
    await running;
    expect(coordinator.holds('main-1')).toBe(false);
    expect(coordinator.keyFor('main-1')).toBeUndefined();
    expect(coordinator.ownKeys()).toEqual([]);
    expect([...(await leader()).values()]).toEqual([0, 0, 0]);
  });

  it('follows a reloaded configuration', async () => {
    const { coordinator, leader } = alone([K1]);
    coordinator.regroup([group(4)]);
    expect([coordinator.holds('main-1'), coordinator.holds('main-4')]).toEqual([false, true]);
    expect((await leader()).get('main-1')).toBe(0);
  });
});
