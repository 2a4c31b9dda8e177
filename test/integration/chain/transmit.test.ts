import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Address } from '../../../src/common/words.js';
import { startChaosProxy } from '../../chaos/proxy.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS, type Anvil } from '../../support/anvil.js';
import { createRig, type Rig, type RigOptions, startWorld } from '../../support/chain/rig.js';

let anvil: Anvil;
let aggregator: Address;
const rigs: Rig[] = [];
const rig = async (options: Partial<RigOptions> = {}) => {
  const made = await createRig({ urls: [anvil.url], aggregator, ...options });
  rigs.push(made);
  return made;
};
const signal = () => AbortSignal.timeout(30_000);

beforeAll(async () => {
  ({ anvil, aggregator } = await startWorld());
});
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((made) => made.close()));
});
afterAll(() => anvil.stop());

describe('a round', () => {
  it('lands, is confirmed, and is read back with its answer', async () => {
    const { transmitter, job, group, chain, metrics } = await rig();
    const before = await group();
    const startedAtMs = Date.now();
    const outcome = await transmitter.send(job(2_000n * 10n ** 8n), signal());
    expect(outcome).toMatchObject({ code: 'confirmed', rounds: [{ group: 1, round: before.round + 1 }] });
    const { signedAtMs, sentAtMs, includedAtMs, confirmedAtMs } =
      'timeline' in outcome ? { ...outcome.timeline } : {};
    const moments = [startedAtMs, signedAtMs, sentAtMs, includedAtMs, confirmedAtMs, Date.now()];
    expect(moments).toEqual([...moments].sort((a, b) => Number(a) - Number(b)));
    expect(moments).not.toContain(undefined);
    const after = await group();
    expect(after).toMatchObject({
      round: before.round + 1,
      threshold: 1,
      signers: 1,
      wide: false,
      paused: false,
    });
    expect(after.feeds).toMatchObject([{ answer: 2_000n * 10n ** 8n, round: after.round }]);
    expect(after.blockNumber).toBeGreaterThan(before.blockNumber);
    expect(chain.inclusionSeconds()).toBeGreaterThan(0);
    expect(await metrics.registry.metrics()).toMatch(
      /blockchain_transactions_total\{adapter="local",operation="transmit",status="confirmed"\} 1/,
    );
  });

  it('of two groups travels in one transaction and both are read at one block', async () => {
    const { transmitter, job, chain } = await rig();
    const outcome = await transmitter.send(job(5n, { groups: [1, 2] }), signal());
    expect(outcome).toMatchObject({ code: 'confirmed' });
    const [one, two] = await chain.readGroups([1, 2], signal());
    expect(one?.feeds[0]?.answer).toBe(5n);
    expect(two?.feeds[0]?.answer).toBe(5n);
    expect(one?.blockNumber).toBe(two?.blockNumber);
  });

  it('is refused before anything is signed when the contract would revert, by the name of its error', async () => {
    const { transmitter, job, group, metrics } = await rig();
    const nonce = await anvil.rpc('eth_getTransactionCount', [ANVIL_ADDRESSES[0], 'latest']);
    const { round } = await group();
    const late = job(7n, { timestamp: ({ blockTimestamp }) => blockTimestamp - 100_000 });
    const outcome = await transmitter.send(late, signal());
    expect(outcome).toMatchObject({
      code: 'reverted',
      errorName: 'TimestampNotNewer',
      cause: 'someone_faster',
    });
    expect((await group()).round).toBe(round);
    expect(await anvil.rpc('eth_getTransactionCount', [ANVIL_ADDRESSES[0], 'latest'])).toBe(nonce);
    expect(await metrics.registry.metrics()).toMatch(
      /blockchain_reverts_total\{adapter="local",error="TimestampNotNewer"\} 1/,
    );
  });

  it('of a key that is no signer is called unauthorised', async () => {
    const { transmitter, job } = await rig({ privateKeys: [ANVIL_KEYS[1]] });
    expect(await transmitter.send(job(7n), signal())).toMatchObject({
      code: 'reverted',
      errorName: 'SignersMismatch',
      cause: 'unauthorised',
    });
  });

  it('is withdrawn when nothing is due any more', async () => {
    const { transmitter, job } = await rig();
    expect(await transmitter.send(job(7n, { change: () => undefined }), signal())).toEqual({
      code: 'withdrawn',
    });
  });

  it('one after another by the same key uses one nonce each', async () => {
    const { transmitter, job, group } = await rig();
    const first = Number(await anvil.rpc('eth_getTransactionCount', [ANVIL_ADDRESSES[0], 'latest']));
    const before = await group();
    for (let index = 1; index <= 5; index += 1)
      expect(await transmitter.send(job(BigInt(index)), signal())).toMatchObject({ code: 'confirmed' });
    expect((await group()).round).toBe(before.round + 5);
    expect(Number(await anvil.rpc('eth_getTransactionCount', [ANVIL_ADDRESSES[0], 'latest']))).toBe(
      first + 5,
    );
  });
});

describe('a report dated after the newest block, as reports are where blocks are rare', () => {
  it.each([
    ['is simulated under the pending block', {}],
    ['is sent unproven where the node takes pending for latest', { pendingIsLatest: true }],
  ])('%s', async (_what, faults) => {
    const now = Math.floor(Date.now() / 1_000);
    const quiet = await startWorld({ maxAhead: 5, args: ['--timestamp', String(now - 300)] });
    const proxy = await startChaosProxy({ upstream: quiet.anvil.url, faults });
    try {
      const { transmitter, job } = await rig({ urls: [proxy.url], aggregator: quiet.aggregator });
      await quiet.anvil.rpc('evm_increaseTime', [300]);
      expect(await transmitter.send(job(5n, { timestamp: () => now }), signal())).toMatchObject({
        code: 'confirmed',
      });
    } finally {
      await proxy.close();
      await quiet.anvil.stop();
    }
  });
});

describe('a clock that is ahead of the chain', () => {
  const inWorld = async (
    options: Parameters<typeof startWorld>[0],
    work: (made: Rig, anvil: Anvil) => Promise<void>,
  ) => {
    const other = await startWorld({ maxAhead: 1, ...options });
    try {
      await work(
        await rig({ urls: [other.anvil.url], aggregator: other.aggregator, running: true }),
        other.anvil,
      );
    } finally {
      await other.anvil.stop();
    }
  };
  const now = () => Math.floor(Date.now() / 1_000);

  it('by more than the contract takes: nothing is signed, from the first report on, and why is said', async () => {
    const args = ['--timestamp', String(now() - 60)];
    await inWorld({ blockTime: 1, args }, async ({ transmitter, job, lines, metrics }, { rpc }) => {
      for (let tries = 0; tries < 3; tries += 1)
        expect(await transmitter.send(job(5n, { timestamp: now }), signal())).toMatchObject({
          code: 'failed',
          cause: 'clock_ahead',
          detail: expect.stringMatching(/clock is (59|60|61)\.\d s ahead .* up to 1 s ahead: synchronise/),
        });
      expect(await rpc('eth_getTransactionCount', [ANVIL_ADDRESSES[0], 'pending'])).toBe('0x0');
      expect(lines().filter(({ cause }) => cause === 'clock_ahead')).toHaveLength(3);
      expect(lines().some(({ event }) => event === 'transaction_sent')).toBe(false);
      expect(await metrics.registry.metrics()).toContain(
        'blockchain_transactions_total{adapter="local",operation="transmit",status="failed"} 3',
      );
    });
  });

  it('is not to blame where blocks are rare: the report lands in the next one', async () => {
    await inWorld({}, async ({ transmitter, job, group }, { rpc }) => {
      await rpc('evm_setAutomine', [false]);
      await rpc('evm_setIntervalMining', [5]);
      const { blockTimestamp } = await group();
      await expect.poll(now, { timeout: 5_000 }).toBeGreaterThan(blockTimestamp + 3);
      const report = job(5n, { timestamp: now });
      expect(await transmitter.send(report, signal())).toMatchObject({ code: 'confirmed' });
    });
  });
});

describe('at start', () => {
  const start = (options: Omit<RigOptions, 'aggregator'>, address: Address = aggregator) =>
    createRig({ urls: [anvil.url], ...options, aggregator: address });

  it('another chain id than configured is found', async () => {
    await expect(start({ config: { id: 1 } })).rejects.toThrow(
      /127\.0\.0\.1:\d+#0 is of chain 31337, the configuration says 1/,
    );
  });

  it('an address without code is found', async () => {
    const empty = '0x00000000000000000000000000000000000000aa';
    await expect(start({}, empty)).rejects.toThrow(`there is no contract at ${empty} on chain 31337`);
  });

  it('an endpoint that does not answer is named by host and place', async () => {
    await expect(start({ urls: ['http://127.0.0.1:9/v2/secret-key'] })).rejects.toThrow(
      'local: no endpoint answers (127.0.0.1:9#0)',
    );
  });

  it('one endpoint of two being down is no obstacle', async () => {
    const { chain, lines } = await rig({ urls: ['http://127.0.0.1:9/v2/secret-key', anvil.url] });
    expect(chain.healthy()).toBe(true);
    expect(chain.endpoints().map(({ healthy }) => healthy)).toEqual([false, true]);
    expect(JSON.stringify(lines())).not.toContain('secret-key');
  });
});
