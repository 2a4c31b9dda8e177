import { encodeFunctionData } from 'viem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { oracleAggregatorAbi } from '../../../src/chain/generated/contracts.js';
import { createMemoryKey } from '../../../src/chain/keys/memory.js';
import { signDraft } from '../../../src/chain/signing.js';
import { sleep } from '../../../src/common/time.js';
import type { Address, Hex } from '../../../src/common/words.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS, type Anvil } from '../../support/anvil.js';
import { createRig, type Rig, type RigOptions, startWorld } from '../../support/chain/rig.js';

const GWEI = 1_000_000_000n;
const ME = ANVIL_ADDRESSES[0];
let anvil: Anvil;
let aggregator: Address;
const rigs: Rig[] = [];
const rig = async (options: Omit<RigOptions, 'aggregator'> = {}) => {
  const made = await createRig({ urls: [anvil.url], aggregator, ...options });
  rigs.push(made);
  return made;
};
const signal = () => AbortSignal.timeout(40_000);
const nonce = async () => Number(await anvil.rpc('eth_getTransactionCount', [ME, 'latest']));
const mine = () => anvil.rpc('evm_mine');
const baseFee = (wei: bigint) => anvil.rpc('anvil_setNextBlockBaseFeePerGas', [`0x${wei.toString(16)}`]);

interface Pooled {
  readonly hash: Hex;
  readonly maxFeePerGas: Hex;
  readonly maxPriorityFeePerGas: Hex;
  readonly input: Hex;
}

/** Our transactions that wait in the pool, by nonce. */
async function pooled(): Promise<readonly Pooled[]> {
  const content = (await anvil.rpc('txpool_content')) as { pending: Record<string, Record<string, Pooled>> };
  const own = Object.entries(content.pending).find(([from]) => from.toLowerCase() === ME.toLowerCase());
  return Object.values(own?.[1] ?? {});
}

/** Waits for a transaction of ours in the pool that is another than those given. */
async function nextPooled(...known: readonly Hex[]): Promise<Pooled> {
  for (const giveUp = Date.now() + 15_000; Date.now() < giveUp; await sleep(20)) {
    const found = (await pooled()).find(({ hash }) => !known.includes(hash));
    if (found) return found;
  }
  throw new Error('no transaction came into the pool');
}

beforeEach(async () => {
  ({ anvil, aggregator } = await startWorld());
  await anvil.rpc('evm_setAutomine', [false]);
});
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((made) => made.close()));
  await anvil.stop();
});

describe('a transaction that does not land', () => {
  it('is replaced at the same nonce with a fresh report and both fees raised, and only the fresh answer is stored', async () => {
    const { transmitter, job, group } = await rig();
    const before = await nonce();
    let answer = 100n;
    const outcome = transmitter.send(
      job(0n, { change: (made) => ({ ...made, data: freshen(made.data, answer) }) }),
      signal(),
    );
    const first = await nextPooled();
    answer = 222n;
    await baseFee(80n * GWEI);
    await mine();
    const second = await nextPooled(first.hash);
    expect(BigInt(second.maxFeePerGas) * 8n).toBeGreaterThanOrEqual(BigInt(first.maxFeePerGas) * 9n);
    expect(BigInt(second.maxPriorityFeePerGas) * 8n).toBeGreaterThanOrEqual(
      BigInt(first.maxPriorityFeePerGas) * 9n,
    );
    expect(await pooled()).toHaveLength(1);
    await mine();
    expect(await outcome).toMatchObject({ code: 'confirmed', hash: second.hash });
    expect((await group()).feeds[0]?.answer).toBe(222n);
    expect(await nonce()).toBe(before + 1);
  });

  it('stays at the highest fee allowed, says so in a metric, and lands when the market comes down', async () => {
    const { transmitter, job, metrics } = await rig({
      config: { fees: { maxFeeWei: 4n * GWEI, maxPriorityFeeWei: 2n * GWEI } },
      running: true,
    });
    const outcome = transmitter.send(job(1n), signal());
    let seen = await nextPooled();
    const fees: bigint[] = [];
    for (let block = 0; block < 3; block += 1) {
      await baseFee(80n * GWEI);
      await mine();
      await sleep(1_300);
      const [now] = await pooled();
      if (now && now.hash !== seen.hash) seen = now;
      fees.push(BigInt(seen.maxFeePerGas));
    }
    expect(Math.max(...fees.map(Number))).toBeLessThanOrEqual(Number(4n * GWEI));
    expect(await metrics.registry.metrics()).toContain('oracle_transmitter_fee_at_cap{adapter="local"} 1');
    await baseFee(GWEI);
    await anvil.rpc('evm_setIntervalMining', [1]);
    expect(await outcome).toMatchObject({ code: 'confirmed' });
    await expect
      .poll(() => metrics.registry.metrics())
      .toContain('oracle_transmitter_fee_at_cap{adapter="local"} 0');
  });

  it('is cancelled by a transfer of nothing when someone was faster, so that its nonce is used and costs least', async () => {
    const { transmitter, job, group } = await rig();
    const before = await nonce();
    const { round } = await group();
    const outcome = transmitter.send(
      job(1n, { change: (made, call) => (call === 1 ? made : undefined) }),
      signal(),
    );
    const first = await nextPooled();
    await baseFee(80n * GWEI);
    await mine();
    const second = await nextPooled(first.hash);
    expect(second.input).toBe('0x');
    await mine();
    expect(await outcome).toEqual({ code: 'withdrawn' });
    expect(await nonce()).toBe(before + 1);
    expect((await group()).round).toBe(round);
  });

  it('is not outbid while the chain stands still, and lands once when it goes on', async () => {
    const { transmitter, job, group } = await rig();
    const { round } = await group();
    const outcome = transmitter.send(job(1n), signal());
    const first = await nextPooled();
    await sleep(3_500);
    expect((await pooled()).map(({ hash }) => hash)).toEqual([first.hash]);
    await mine();
    expect(await outcome).toMatchObject({ code: 'confirmed', hash: first.hash });
    expect((await group()).round).toBe(round + 1);
  });

  it('and was lost by every pool is sent anew without waiting for a block', async () => {
    const { transmitter, job } = await rig();
    const outcome = transmitter.send(job(1n), signal());
    const first = await nextPooled();
    await anvil.rpc('anvil_dropTransaction', [first.hash]);
    await nextPooled();
    await mine();
    expect(await outcome).toMatchObject({ code: 'confirmed' });
  });
});

describe('what is on chain', () => {
  it('and reverted is named by running it again: paused', async () => {
    const { transmitter, job } = await rig();
    const outcome = transmitter.send(job(1n), signal());
    await nextPooled();
    const pause = encodeFunctionData({ abi: oracleAggregatorAbi, functionName: 'pause', args: [1] });
    await sendAs(3, aggregator, pause, 40n * GWEI);
    await mine();
    expect(await outcome).toMatchObject({
      code: 'reverted',
      errorName: 'GroupIsPaused',
      errorArgs: ['1'],
      cause: 'paused',
      gasUsed: expect.any(BigInt),
    });
  });

  it('and vanishes in a reorganisation before it is deep enough is told, and the next job takes up the same nonce', async () => {
    const { transmitter, job, group } = await rig({ config: { confirmations: 4 } });
    const before = await nonce();
    const { round } = await group();
    const snapshot = await anvil.rpc('evm_snapshot');
    const outcome = transmitter.send(job(1n), signal());
    await nextPooled();
    await mine();
    await sleep(400);
    await anvil.rpc('evm_revert', [snapshot]);
    await mine();
    await mine();
    expect(await outcome).toMatchObject({ code: 'failed', cause: 'reorganised' });
    expect((await group()).round).toBe(round);
    const again = transmitter.send(job(2n), signal());
    await nextPooled();
    for (let block = 0; block < 5; block += 1) await mine();
    expect(await again).toMatchObject({ code: 'confirmed' });
    expect(await nonce()).toBe(before + 1);
    expect((await group()).feeds[0]?.answer).toBe(2n);
  });

  it('and vanishes after it was confirmed is taken up at its nonce by the next job', async () => {
    const { transmitter, job, group } = await rig();
    const before = await nonce();
    const snapshot = await anvil.rpc('evm_snapshot');
    const first = transmitter.send(job(1n), signal());
    await nextPooled();
    await mine();
    expect(await first).toMatchObject({ code: 'confirmed' });
    await anvil.rpc('evm_revert', [snapshot]);
    await mine();
    const second = transmitter.send(job(2n), signal());
    await nextPooled();
    await mine();
    expect(await second).toMatchObject({ code: 'confirmed' });
    expect(await nonce()).toBe(before + 1);
    expect((await group()).feeds[0]?.answer).toBe(2n);
  });
});

describe('a process that lost its key to another while its transaction was in the air', () => {
  it('neither outbids nor cancels what the new owner has sent', async () => {
    const first = await rig({ config: { replaceAfterMs: 3_000 } });
    const lost = first.transmitter.send(first.job(1n), signal());
    const theirs = await nextPooled();
    const second = await rig({ state: first.state, config: { replaceAfterMs: 600 } });
    await baseFee(80n * GWEI);
    await mine();
    const taken = second.transmitter.send(second.job(2n), signal());
    const ours = await nextPooled(theirs.hash);
    expect(await lost).toMatchObject({ code: 'failed', detail: 'another process has taken the key over' });
    expect((await pooled()).map(({ hash }) => hash)).toEqual([ours.hash]);
    await anvil.rpc('evm_setIntervalMining', [1]);
    expect(await taken).toMatchObject({ code: 'confirmed' });
    expect(await nonce()).toBe(1);
  });
});

describe('limits', () => {
  it('a market above the cap holds the transaction back before any nonce is used', async () => {
    await baseFee(50n * GWEI);
    await mine();
    const { transmitter, job } = await rig({ config: { fees: { maxFeeWei: 10n * GWEI } } });
    const outcome = await transmitter.send(job(1n), signal());
    expect(outcome).toMatchObject({
      code: 'failed',
      cause: 'fee_cap',
      detail: expect.stringContaining('base fee'),
    });
    expect(await pooled()).toEqual([]);
  });

  it('a ceiling per transaction is kept to the wei', async () => {
    const { transmitter, job } = await rig({ config: { fees: { maxTransactionWei: 200_000n * GWEI } } });
    const outcome = transmitter.send(job(1n), signal());
    const sent = (await nextPooled()) as Pooled & { gas: Hex };
    expect(BigInt(sent.gas) * BigInt(sent.maxFeePerGas)).toBeLessThanOrEqual(200_000n * GWEI);
    await mine();
    await outcome;
  });

  it('a spent budget holds back with the amounts in the reason, also after a restart', async () => {
    await anvil.rpc('evm_setAutomine', [true]);
    const config = { fees: { budgetPerHourWei: 400_000n * GWEI } };
    const { transmitter, job, state } = await rig({ config });
    const codes: string[] = [];
    for (let index = 1; index <= 12; index += 1) {
      const outcome = await transmitter.send(job(BigInt(index)), signal());
      codes.push(outcome.code === 'failed' ? outcome.cause : outcome.code);
      if (outcome.code === 'failed')
        expect(outcome.detail).toMatch(/spent in the last hour.*budget 400000000000000/);
    }
    expect(codes[0]).toBe('confirmed');
    expect(codes.at(-1)).toBe('budget');
    const restarted = await rig({ config, state });
    expect(await restarted.transmitter.send(restarted.job(99n), signal())).toMatchObject({ cause: 'budget' });
  });

  it('an empty balance is told as such', async () => {
    await anvil.rpc('anvil_setBalance', [ME, '0x1']);
    const { transmitter, job } = await rig();
    expect(await transmitter.send(job(1n), signal())).toMatchObject({ code: 'failed', cause: 'balance' });
  });
});

describe('nonces', () => {
  it('used by someone else with the same key are stepped over, without waiting for what was never taken', async () => {
    await anvil.rpc('evm_setAutomine', [true]);
    const { transmitter, job, lines } = await rig();
    expect(await transmitter.send(job(1n), signal())).toMatchObject({ code: 'confirmed' });
    await sendAs(0, ME, '0x', 2n * GWEI);
    await sendAs(0, ME, '0x', 2n * GWEI);
    const outcome = await transmitter.send(job(2n), signal());
    expect(outcome).toMatchObject({ code: 'confirmed' });
    expect(await nonce()).toBe(4);
    expect(lines().filter(({ event }) => event === 'nonce_taken')).toHaveLength(1);
    // Five looks, a second apart, are for a signature that some endpoint may have.
    if (outcome.code === 'confirmed') expect(outcome.seconds).toBeLessThan(4);
  });

  it('of a poisoned journal do not make a gap', async () => {
    await anvil.rpc('evm_setAutomine', [true]);
    const { transmitter, job, state } = await rig();
    await state.set(`journal:31337:${ME.toLowerCase()}`, JSON.stringify({ revision: 99, next: 1_000 }));
    expect(await transmitter.send(job(1n), signal())).toMatchObject({ code: 'confirmed' });
    await state.set(`journal:31337:${ME.toLowerCase()}`, '{"revision":"rubbish"');
    expect(await transmitter.send(job(2n), signal())).toMatchObject({ code: 'confirmed' });
    expect(await nonce()).toBe(2);
  });

  it('under which an unknown transaction of ours waits (restart without a store) are outbid, not skipped', async () => {
    const { transmitter, job, group } = await rig();
    const { round } = await group();
    const gone = new AbortController();
    const lost = transmitter.send(job(1n), gone.signal);
    const first = await nextPooled();
    gone.abort();
    expect(await lost).toMatchObject({ code: 'failed', cause: 'not_confirmed' });
    const restarted = await rig();
    const outcome = restarted.transmitter.send(restarted.job(2n), signal());
    const second = await nextPooled(first.hash);
    expect(BigInt(second.maxFeePerGas)).toBeGreaterThan(BigInt(first.maxFeePerGas));
    await mine();
    expect(await outcome).toMatchObject({ code: 'confirmed', hash: second.hash });
    expect(await nonce()).toBe(1);
    expect((await group()).round).toBe(round + 1);
  });
});

/** Sends as one of anvil's accounts, behind the daemon's back. */
async function sendAs(account: 0 | 3, to: Address, data: Hex, tipWei: bigint): Promise<void> {
  const key = createMemoryKey(ANVIL_KEYS[account]);
  const count = Number(await anvil.rpc('eth_getTransactionCount', [key.address, 'latest']));
  const fees = { type: 'eip1559', maxFeeWei: 200n * GWEI, maxPriorityFeeWei: tipWei } as const;
  const draft = { chainId: 31_337, nonce: count, to, data, gasLimit: 200_000n, fees };
  const signed = await signDraft(draft, key, signal());
  if (!signed.ok) throw new Error(signed.detail);
  await anvil.rpc('eth_sendRawTransaction', [signed.raw]);
}

/** Puts another answer into a report with one narrow feed: its last 7 bytes before the padding of the calldata. */
function freshen(data: Hex, answer: bigint): Hex {
  const end = 2 + 8 + 64 + 64 + 2 * 19;
  return `${data.slice(0, end - 14)}${answer.toString(16).padStart(14, '0')}${data.slice(end)}` as Hex;
}
