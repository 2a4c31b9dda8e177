import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../../src/common/words.js';
import { expectClaim } from '../../chaos/claims.js';
import { type ChaosProxy, startChaosProxy } from '../../chaos/proxy.js';
import type { Anvil } from '../../support/anvil.js';
import { testChainConfig } from '../../support/chain/config.js';
import { CRASH_STEPS, type CrashOrder, type CrashStep } from '../../support/chain/crash-steps.js';
import { startWorld } from '../../support/chain/rig.js';
import { type RedisServer, startRedis } from '../../support/redis.js';

const CHILD = fileURLToPath(new URL('../../support/chain/crash-child.ts', import.meta.url));
let anvil: Anvil;
let aggregator: Address;
let proxy: ChaosProxy;
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  ({ anvil, aggregator } = await startWorld());
  await anvil.rpc('evm_setAutomine', [false]);
  await anvil.rpc('evm_setIntervalMining', [1]);
  proxy = await startChaosProxy({ upstream: anvil.url, rules: 'geth' });
});
afterEach(async () => {
  await proxy.close();
  await anvil.stop();
});

/** Runs the child to its end. @returns what it printed, and the signal that ended it */
function run(order: CrashOrder): Promise<{ readonly output: string; readonly signal: string | null }> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve) => {
    child.once('exit', (_code, signal) => resolve({ output, signal }));
  });
}

describe('killed', () => {
  const steps: readonly (readonly [string, CrashStep])[] = [
    ['before it signs', 'before-sign'],
    ['between signing and storing', 'after-sign'],
    ['between storing and sending', 'after-store'],
    ['between sending and the reply', 'after-send'],
    ['while it waits', 'while-waiting'],
    ['as the receipt comes', 'after-receipt'],
    ['between the receipt and the books', 'before-booked'],
    ['after it has booked', 'after-booked'],
  ];
  it.each(steps)('%s, the next process goes on without a duplicate or a gap', async (_what, step) => {
    // One database per step: a journal belongs to one history of the chain.
    const stateUrl = `${redis.url}/${CRASH_STEPS.indexOf(step)}`;
    const order = { url: proxy.url, aggregator, stateUrl, rounds: 2 };
    expect((await run({ ...order, step })).signal).toBe('SIGKILL');
    const { output, signal } = await run(order);
    expect(signal).toBeNull();
    expect(JSON.parse(output)).toMatchObject({ round: 2 });
    const config = testChainConfig();
    await expectClaim({ anvil, aggregator, proxies: [proxy], config }, 2);
  });

  it('with nothing but memory, the next process finds its way by the chain', async () => {
    const order = { url: proxy.url, aggregator, stateUrl: 'memory:', rounds: 2 };
    expect((await run({ ...order, step: 'after-send' })).signal).toBe('SIGKILL');
    const { output } = await run(order);
    expect(JSON.parse(output)).toMatchObject({ round: 2 });
    await expectClaim({ anvil, aggregator, proxies: [proxy], config: testChainConfig() }, 2);
  });
});
