import { afterEach, describe, expect, it } from 'vitest';
import type { Address } from '../../src/common/words.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS, type Anvil, type AnvilOptions } from '../support/anvil.js';
import { testChainConfig } from '../support/chain/config.js';
import { createRig, type Rig, startWorld } from '../support/chain/rig.js';
import { seededRandom } from '../support/chain/seeded.js';
import { deployAggregator } from '../support/deploy.js';
import { expectClaim, publish } from './claims.js';
import type { PoolRules } from './pool-rules.js';
import { type ChaosProxy, type Faults, startChaosProxy } from './proxy.js';

const GWEI = 1_000_000_000n;
const ROUNDS = 3;
let anvil: Anvil;
let aggregator: Address;
let rig: Rig | undefined;
let proxies: ChaosProxy[] = [];

interface Scene {
  /** Faults of each endpoint, from the start. */
  readonly endpoints: readonly Faults[];
  readonly rules?: PoolRules;
  readonly chain?: AnvilOptions;
  readonly config?: Parameters<typeof testChainConfig>[0];
  /** Rounds published before the faults begin. */
  readonly honest?: number;
}

/** The endpoints are healthy while the daemon starts, then go wrong. */
async function stage({ endpoints, rules, chain = {}, config = {}, honest = 0 }: Scene) {
  ({ anvil, aggregator } = await startWorld(chain));
  // A past, so that an endpoint can be behind.
  await anvil.rpc('anvil_mine', ['0x64']);
  proxies = await Promise.all(
    endpoints.map((_faults, index) =>
      startChaosProxy({ upstream: anvil.url, random: seededRandom(index + 7), ...(rules ? { rules } : {}) }),
    ),
  );
  const settings = {
    rpcTimeoutMs: 500,
    replaceAfterMs: 700,
    pollIntervalMs: 100,
    confirmationDeadlineMs: 8_000,
    ...config,
  };
  rig = await createRig({ urls: proxies.map(({ url }) => url), aggregator, config: settings, running: true });
  await publish(rig, honest);
  proxies.forEach((proxy, index) => {
    proxy.set(endpoints[index] ?? {});
  });
  return { rig, config: testChainConfig(settings) };
}

async function survives(scene: Scene, rounds = ROUNDS): Promise<readonly string[]> {
  const { rig, config } = await stage(scene);
  const codes = await publish(rig, rounds);
  await expectClaim({ anvil, aggregator, proxies, config }, rounds + (scene.honest ?? 0));
  return codes;
}

afterEach(async () => {
  await rig?.close();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  await anvil.stop();
});

const SEND = /^eth_sendRawTransaction$/;

describe('every due round lands once, without a gap, within the caps, when an endpoint', () => {
  it.each<[string, Scene]>([
    ['takes the transaction and answers 502', { endpoints: [{ only: SEND, loseReply: 502 }] }],
    ['sends each transaction twice and answers the second reply', { endpoints: [{ sendTwice: true }] }],
    ['swallows every second transaction', { endpoints: [{ only: SEND, swallow: true, chance: 0.5 }] }],
    ['cuts a third of all connections', { endpoints: [{ cut: true, chance: 0.33 }] }],
    ['answers a fifth of all calls too late', { endpoints: [{ delayMs: 800, chance: 0.2 }] }],
    ['answers a tenth of all calls with rubbish', { endpoints: [{ garbage: true, chance: 0.1 }] }],
    ['limits the rate', { endpoints: [{ limitSeconds: 1, chance: 0.1 }] }],
    ['estimates a tenth of the gas', { endpoints: [{ gasDivisor: 10 }] }],
    ['estimates ten times the gas', { endpoints: [{ gasDivisor: 0.1 }] }],
    ['quotes a thousand times the fees', { endpoints: [{ feeFactor: 300 }] }],
    ['quotes a hundredth of the fees', { endpoints: [{ feeFactor: 0.01 }] }],
    [
      'has neither eth_fillTransaction nor a suggested tip',
      { endpoints: [{ without: /fillTransaction|maxPriorityFee|signTransaction|createAccessList/ }] },
    ],
    [
      'counts one nonce too many once the key has a record',
      { endpoints: [{ nonceOffset: 1 }], rules: 'geth', honest: 1 },
    ],
    ['counts one nonce too few', { endpoints: [{ nonceOffset: -1 }], rules: 'geth' }],
    ['holds to the rules of geth', { endpoints: [{}], rules: 'geth', chain: { blockTime: 1 } }],
    ['holds to the rules of Besu', { endpoints: [{}], rules: 'besu', chain: { blockTime: 1 } }],
  ])('%s', async (_what, scene) => {
    await survives(scene);
  });
});

describe('with a second, honest endpoint it also holds when the first', () => {
  it.each<[string, Faults, RegExp | undefined]>([
    ['is gone', { cut: true }, /network/],
    ['is of another chain from now on', { chainId: 1 }, undefined],
    ['claims to be a thousand blocks ahead', { heightOffset: 1_000 }, /invalid_reply/],
    ['falls a thousand blocks behind', { heightOffset: -3 }, undefined],
    ['stands still at an old block', { frozenAt: 1n }, /height_/],
    ['counts five nonces too many', { nonceOffset: 5 }, undefined],
    ['counts no nonces at all', { nonceOffset: -1_000 }, undefined],
    ['quotes a thousand times the fees', { feeFactor: 1_000 }, undefined],
    ['limits the rate for ten seconds', { limitSeconds: 10 }, /rate_limited/],
    ['swallows every transaction', { only: SEND, swallow: true }, undefined],
  ])('%s', async (_what, faults, reason) => {
    await survives({ endpoints: [faults, {}] });
    if (reason === undefined) return;
    await expect
      .poll(() => rig?.chain.endpoints()[0], { timeout: 5_000 })
      .toMatchObject({ healthy: false, reason: expect.stringMatching(reason) });
  });

  it('asked to be left alone: it is, for as long as it asked', async () => {
    const { rig } = await stage({ endpoints: [{ limitSeconds: 2 }, {}] });
    await publish(rig, 2);
    const [limited] = proxies as [ChaosProxy, ChaosProxy];
    await expect.poll(() => rig.chain.endpoints()[0]?.reason).toBe('rate_limited');
    const until = Date.now() + 1_500;
    const before = limited.times().length;
    await expect.poll(() => Date.now() > until, { timeout: 3_000 }).toBe(true);
    expect(limited.times().length).toBe(before);
    limited.set({});
    await expect.poll(() => rig.chain.endpoints()[0]?.healthy, { timeout: 10_000 }).toBe(true);
    const events = rig.lines().filter(({ message }) => /^endpoint (lost|back)$/.test(String(message)));
    expect(events.map(({ message }) => message)).toEqual(['endpoint lost', 'endpoint back']);
  });
});

describe('a nonce that is refused as too low', () => {
  const tooLow = (rig: Rig) => rig.lines().filter(({ event }) => event === 'nonce_taken');

  it('for a transaction that the gateway sent twice: the round is confirmed and its cost is booked', async () => {
    const { rig } = await stage({ endpoints: [{ sendTwice: true }] });
    expect(await publish(rig, 6)).toEqual(Array(6).fill('confirmed'));
    expect(tooLow(rig)).toEqual([]);
    const metrics = await rig.metrics.registry.metrics();
    for (const status of ['sent', 'confirmed'])
      expect(metrics).toContain(`{adapter="local",operation="transmit",status="${status}"} 6`);
    expect(await rig.state.get(`spending:31337:${ANVIL_ADDRESSES[0].toLowerCase()}`)).toMatch(/\d{10}/);
  });

  it('is our own although its receipt comes late, as long as an endpoint knows the transaction', async () => {
    const { rig } = await stage({ endpoints: [{ sendTwice: true, hideReceipts: true }] });
    const outcome = rig.transmitter.send(rig.job(1n), AbortSignal.timeout(20_000));
    const [proxy] = proxies as [ChaosProxy];
    await expect.poll(() => proxy.calls().eth_getTransactionReceipt ?? 0).toBeGreaterThan(7);
    proxy.set({});
    expect(await outcome).toMatchObject({ code: 'confirmed' });
    expect(tooLow(rig)).toEqual([]);
  });

  it('does not deploy a contract twice', async () => {
    await stage({ endpoints: [{ sendTwice: true }] });
    const [proxy] = proxies as [ChaosProxy];
    await deployAggregator({
      url: proxy.url,
      privateKey: ANVIL_KEYS[2],
      groups: [{ signers: [ANVIL_ADDRESSES[0]] }],
    });
    // The contract and its group.
    expect(Number(await anvil.rpc('eth_getTransactionCount', [ANVIL_ADDRESSES[2], 'latest']))).toBe(2);
  });
});

describe('a chain without fees', () => {
  const config = { fees: { mode: 'zero' as const, maxFeeWei: 0n, maxPriorityFeeWei: 0n } };

  it('takes transactions at zero, and an equal one in place of one that does not land', async () => {
    const { rig, config: settings } = await stage({
      endpoints: [{}],
      rules: 'besu-free-gas',
      chain: { args: ['--base-fee', '0', '--gas-price', '0'] },
      config,
    });
    await publish(rig, 2);
    await anvil.rpc('evm_setAutomine', [false]);
    const outcome = rig.transmitter.send(rig.job(3n), AbortSignal.timeout(20_000));
    const [proxy] = proxies as [ChaosProxy];
    await expect.poll(() => proxy.sent().length).toBe(3);
    // A block without it: the transaction is left out, though it could have been taken.
    await anvil.rpc('anvil_dropTransaction', [proxy.sent()[2]?.hash]);
    await anvil.rpc('evm_mine');
    await expect.poll(() => proxy.sent().length, { timeout: 5_000 }).toBeGreaterThan(3);
    await anvil.rpc('evm_setIntervalMining', [1]);
    expect(await outcome).toMatchObject({ code: 'confirmed', effectiveGasPriceWei: 0n });
    expect(proxy.sent().every(({ maxFeeWei }) => maxFeeWei === 0n)).toBe(true);
    await expectClaim({ anvil, aggregator, proxies, config: settings }, 3);
  });
});

describe('a market that rises', () => {
  it('is followed by geth’s rules until the transaction lands', async () => {
    const { rig, config } = await stage({ endpoints: [{}], rules: 'geth' });
    await anvil.rpc('evm_setAutomine', [false]);
    const outcome = rig.transmitter.send(rig.job(1n), AbortSignal.timeout(40_000));
    const [proxy] = proxies as [ChaosProxy];
    for (let bids = 1; bids <= 3; bids += 1) {
      await expect.poll(() => proxy.sent().length, { timeout: 5_000 }).toBeGreaterThanOrEqual(bids);
      const bid = proxy.sent().at(-1)?.maxFeeWei ?? 0n;
      await anvil.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${(bid + GWEI).toString(16)}`]);
      await anvil.rpc('evm_mine');
    }
    await anvil.rpc('evm_setIntervalMining', [1]);
    expect(await outcome).toMatchObject({ code: 'confirmed' });
    await expectClaim({ anvil, aggregator, proxies, config }, 1);
    const bids = proxy.sent().map(({ maxFeeWei }) => maxFeeWei);
    expect(bids).toEqual([...bids].sort((a, b) => Number(a - b)));
  });
});
