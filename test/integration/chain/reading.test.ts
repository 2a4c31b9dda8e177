import { encodeDeployData, encodeFunctionData } from 'viem';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDeployer } from '../../../src/chain/deployer.js';
import { createFeedReader } from '../../../src/chain/feed-reader.js';
import {
  feedProxyAbi,
  feedProxyFactoryAbi,
  feedProxyFactoryBytecode,
  oracleAggregatorAbi,
} from '../../../src/chain/generated/contracts.js';
import { createMemoryKey } from '../../../src/chain/keys/memory.js';
import { whole } from '../../../src/common/rational.js';
import { systemClock } from '../../../src/common/time.js';
import type { Address } from '../../../src/common/words.js';
import type { AggregatorSource } from '../../../src/config/types.js';
import { createMemoryState } from '../../../src/state/memory.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { startChaosProxy } from '../../chaos/proxy.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS, type Anvil } from '../../support/anvil.js';
import { testChainConfig } from '../../support/chain/config.js';
import { createRig, type Rig, startWorld } from '../../support/chain/rig.js';

let anvil: Anvil;
let aggregator: Address;
let rig: Rig | undefined;
const signal = () => AbortSignal.timeout(30_000);
const ANSWER = 2_345_67890000n;

beforeAll(async () => {
  ({ anvil, aggregator } = await startWorld());
});
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});
afterAll(() => anvil.stop());

const deployer = () =>
  createDeployer({
    config: testChainConfig({ rpcUrls: [anvil.url] }),
    key: createMemoryKey(ANVIL_KEYS[3]),
    state: createMemoryState({ clock: systemClock }),
    clock: systemClock,
    log: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    random: Math.random,
  });

describe('the deployer', () => {
  it('creates a contract at the address that its own nonce gives', async () => {
    const made = deployer();
    await made.start(signal());
    const data = encodeDeployData({
      abi: feedProxyFactoryAbi,
      bytecode: feedProxyFactoryBytecode,
      args: [aggregator],
    });
    const { contractAddress, hash } = await made.sendAndConfirm({ reason: 'factory', data }, signal());
    const receipt = (await anvil.rpc('eth_getTransactionReceipt', [hash])) as { contractAddress: string };
    expect(contractAddress?.toLowerCase()).toBe(receipt.contractAddress);
    expect(await made.codeAt(contractAddress!, signal())).not.toBe('0x');
  });

  it('says which error of the contract stands in the way, before it sends', async () => {
    const made = deployer();
    await made.start(signal());
    const data = encodeFunctionData({ abi: oracleAggregatorAbi, functionName: 'unpause', args: [1] });
    await expect(made.sendAndConfirm({ reason: 'unpause', to: aggregator, data }, signal())).rejects.toThrow(
      'unpause: would revert with NotPaused(1)',
    );
  });
});

describe('a feed of another chain', () => {
  let source: AggregatorSource;
  beforeAll(async () => {
    rig = await createRig({ urls: [anvil.url], aggregator });
    await rig.transmitter.send(rig.job(ANSWER), signal());
    const made = deployer();
    await made.start(signal());
    const factory = encodeDeployData({
      abi: feedProxyFactoryAbi,
      bytecode: feedProxyFactoryBytecode,
      args: [aggregator],
    });
    const { contractAddress } = await made.sendAndConfirm({ reason: 'factory', data: factory }, signal());
    const data = encodeFunctionData({ abi: feedProxyFactoryAbi, functionName: 'deploy', args: [1, 0] });
    await made.sendAndConfirm({ reason: 'proxy', to: contractAddress!, data }, signal());
    const where = encodeFunctionData({
      abi: feedProxyFactoryAbi,
      functionName: 'proxyAddress',
      args: [1, 0],
    });
    const address = `0x${(await made.call(contractAddress!, where, signal())).slice(-40)}` as Address;
    source = {
      kind: 'aggregator',
      label: 'mirror',
      venue: 'aggregator',
      quote: 'USD',
      scale: whole(1n),
      invert: false,
      deadlineMs: 5_000,
      rpcUrls: [anvil.url],
      chainId: 31_337,
      address,
      staleAfterMs: 60_000,
    };
  });

  it('is read with its decimals and its own time', async () => {
    const read = await createFeedReader()(source, signal());
    expect(read).toMatchObject({ answer: ANSWER, decimals: 8 });
    expect(Math.abs(read.updatedAt - Date.now() / 1_000)).toBeLessThan(60);
    expect(feedProxyAbi.some((item) => item.type === 'function' && item.name === 'latestRoundData')).toBe(
      true,
    );
  });

  it('is read from the next endpoint when the first is gone', async () => {
    const rpcUrls = ['http://127.0.0.1:9/secret-path', anvil.url];
    expect(await createFeedReader()({ ...source, rpcUrls }, signal())).toMatchObject({ answer: ANSWER });
  });

  it.each<[string, Partial<AggregatorSource>, RegExp]>([
    ['another chain', { chainId: 1 }, /127\.0\.0\.1:\d+#0: is of chain 31337, not 1/],
    ['other decimals', { decimals: 18 }, /the feed has 8 decimals, not 18/],
    ['no contract', { address: `0x${'11'.repeat(20)}` }, /answered in another form/],
    [
      'endpoints that are gone',
      { rpcUrls: ['http://127.0.0.1:9/secret-path'] },
      /^127\.0\.0\.1:9#0: connection failed$/,
    ],
  ])('with %s is refused by name, without the URL', async (_what, change, reason) => {
    const message = await createFeedReader()({ ...source, ...change }, signal()).catch(
      (error: Error) => error.message,
    );
    expect(message).toMatch(reason);
    expect(message).not.toContain('secret-path');
  });
});

describe('balances', () => {
  it('are metrics with the days that they last, and a low one is warned of once', async () => {
    rig = await createRig({
      urls: [anvil.url],
      aggregator,
      config: { minBalanceWei: 20_000n * 10n ** 18n },
    });
    const text = await rig.metrics.registry.metrics();
    expect(text).toMatch(/oracle_transmitter_balance\{adapter="local",address="0xf39F\w+"\} 9999\.\d+/);
    expect(text).toContain('oracle_transmitter_min_balance{adapter="local"} 20000');
    expect(text).toMatch(/oracle_transmitter_runway_days\{adapter="local",address="0xf39F\w+"\} 3650/);
    expect(rig.lines().filter(({ message }) => message === 'balance is low')).toMatchObject([
      { address: ANVIL_ADDRESSES[0] },
    ]);
  });
});

describe('a group', () => {
  it('is read from an endpoint that is up to date when another one lags behind a round already seen', async () => {
    const honest = await startChaosProxy({ upstream: anvil.url });
    const stale = await startChaosProxy({ upstream: anvil.url });
    try {
      rig = await createRig({ urls: [stale.url, honest.url], aggregator });
      const before = BigInt(String(await anvil.rpc('eth_blockNumber')));
      expect(await rig.transmitter.send(rig.job(ANSWER + 1n), signal())).toMatchObject({ code: 'confirmed' });
      const { round } = await rig.group();
      stale.set({ frozenAt: before });
      for (let reads = 0; reads < 5; reads += 1) expect((await rig.group()).round).toBe(round);
    } finally {
      await Promise.all([honest.close(), stale.close()]);
    }
  });

  it('that went back on every endpoint is the chain’s truth', async () => {
    rig = await createRig({ urls: [anvil.url], aggregator });
    const { round } = await rig.group();
    const snapshot = await anvil.rpc('evm_snapshot');
    await rig.transmitter.send(rig.job(ANSWER + 2n), signal());
    expect((await rig.group()).round).toBe(round + 1);
    await anvil.rpc('evm_revert', [snapshot]);
    expect((await rig.group()).round).toBe(round);
  });
});
