import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../../src/common/time.js';
import type { Address, Hex } from '../../../src/common/words.js';
import { ANVIL_ADDRESSES, type Anvil } from '../../support/anvil.js';
import { createRig, type Rig, type RigOptions, startWorld } from '../../support/chain/rig.js';

const ME = ANVIL_ADDRESSES[0];
const JOURNAL = `journal:31337:${ME.toLowerCase()}`;
let anvil: Anvil;
let aggregator: Address;
const rigs: Rig[] = [];
const rig = async (options: Omit<RigOptions, 'aggregator'> = {}) => {
  const made = await createRig({ urls: [anvil.url], aggregator, ...options });
  rigs.push(made);
  return made;
};
const signal = () => AbortSignal.timeout(40_000);
const mine = (blocks = 1) => anvil.rpc('anvil_mine', [`0x${blocks.toString(16)}`]);
const head = async () => Number(await anvil.rpc('eth_blockNumber'));

/** `oracle_transaction_oldest_pending_seconds`. */
async function pendingSeconds({ metrics }: Rig): Promise<number> {
  const text = await metrics.registry.metrics();
  return Number(/^oracle_transaction_oldest_pending_seconds\{adapter="local"\} (.+)$/m.exec(text)?.[1]);
}

/** A transaction of ours that waits in the pool, and the job that waits for it. */
async function inFlight(owner: Rig) {
  const gone = new AbortController();
  const outcome = owner.transmitter.send(owner.job(1n), gone.signal);
  const waiting = async () => {
    const content = (await anvil.rpc('txpool_content')) as {
      pending: Record<string, Record<string, { hash: Hex }>>;
    };
    return Object.values(content.pending).flatMap((own) => Object.values(own))[0]?.hash;
  };
  await expect.poll(waiting).toBeDefined();
  const hash = await waiting();
  return {
    hash,
    outcome,
    /** As kill -9 leaves it: in the pool and in the journal. */
    async kill() {
      gone.abort();
      expect(await outcome).toMatchObject({ code: 'failed', cause: 'not_confirmed' });
    },
  };
}

beforeEach(async () => {
  ({ anvil, aggregator } = await startWorld());
  await anvil.rpc('evm_setAutomine', [false]);
});
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((made) => made.close()));
  await anvil.stop();
});

describe('the age of the oldest pending transaction', () => {
  it('of another replica’s key goes back to zero when that replica has booked it', async () => {
    const owner = await rig({ config: { replaceAfterMs: 20_000 } });
    const { outcome } = await inFlight(owner);
    const standby = await rig({ state: owner.state, running: true });
    await expect.poll(() => pendingSeconds(standby), { timeout: 5_000 }).toBeGreaterThan(1);
    await mine();
    expect(await outcome).toMatchObject({ code: 'confirmed' });
    await expect.poll(() => pendingSeconds(standby), { timeout: 3_000 }).toBe(0);
  });

  it('after a crash is that of what waits, and zero once it has landed, before any job has booked it', async () => {
    const killed = await rig();
    const { kill } = await inFlight(killed);
    await kill();
    const restarted = await rig({ state: killed.state, running: true });
    await expect.poll(() => pendingSeconds(restarted), { timeout: 5_000 }).toBeGreaterThan(1);
    const journal = await restarted.state.get(JOURNAL);
    await mine();
    await expect.poll(() => pendingSeconds(restarted), { timeout: 3_000 }).toBe(0);
    expect(await restarted.state.get(JOURNAL), 'a look writes nothing').toBe(journal);
    await anvil.rpc('evm_setAutomine', [true]);
    expect(await restarted.transmitter.send(restarted.job(2n), signal())).toMatchObject({
      code: 'confirmed',
    });
    expect(restarted.lines().some(({ event }) => event === 'open_transaction_landed')).toBe(true);
  });
});

describe('a start says of each key what chain and journal hold, and writes nothing', () => {
  const found = async (before: Rig) => {
    const journal = await before.state.get(JOURNAL);
    const { found, state } = await rig({ state: before.state });
    expect(await state.get(JOURNAL)).toBe(journal);
    return found.filter((line) => line.includes('transmitter'));
  };
  const line = (next: number, journal: string) => [
    `local: transmitter ${ME}: next nonce by the chain ${next}; journal: ${journal}`,
  ];

  it('when nothing is open', async () => {
    const first = await rig();
    expect(await found(first)).toEqual(line(0, 'nothing open'));
  });

  it('when a killed process left a transaction, for as long as it waits, is lost, or has landed', async () => {
    const killed = await rig();
    const { hash, kill } = await inFlight(killed);
    await kill();
    expect(await found(killed)).toEqual(line(0, 'nonce 0 open with 1 signature(s): waits in the pool'));
    const raw = JSON.parse((await killed.state.get(JOURNAL)) ?? '{}').pending.attempts[0].raw;
    await anvil.rpc('anvil_dropTransaction', [hash]);
    expect(await found(killed)).toEqual(line(0, 'nonce 0 open with 1 signature(s): no endpoint knows it'));
    await anvil.rpc('eth_sendRawTransaction', [raw]);
    await mine();
    expect(await found(killed)).toEqual(
      line(1, `nonce 0 open with 1 signature(s): landed in block ${await head()}`),
    );
  });
});

describe('confirmations', () => {
  it('that take longer than the deadline for inclusion do not turn a good round into a failure', async () => {
    const { transmitter, job } = await rig({ config: { confirmations: 6, confirmationDeadlineMs: 2_500 } });
    await anvil.rpc('evm_setIntervalMining', [1]);
    for (const answer of [1n, 2n])
      expect(await transmitter.send(job(answer), signal())).toMatchObject({ code: 'confirmed' });
  });

  it('are waited for no longer than the deadline when blocks stay away', async () => {
    const { transmitter, job } = await rig({ config: { confirmations: 6, confirmationDeadlineMs: 1_500 } });
    const outcome = transmitter.send(job(1n), signal());
    await sleep(300);
    await mine(2);
    expect(await outcome).toMatchObject({
      code: 'failed',
      cause: 'not_confirmed',
      detail: expect.stringMatching(/^in block \d+, not yet 6 deep$/),
    });
  });

  it('count as well for what an earlier process left: it is booked when it is deep enough', async () => {
    const killed = await rig();
    const { kill } = await inFlight(killed);
    await kill();
    await mine();
    const config = { confirmations: 4 };
    const restarted = await rig({ state: killed.state, config });
    const { round } = await restarted.group();
    const next = restarted.transmitter.send(restarted.job(2n), signal());
    await sleep(800);
    await mine(2);
    await sleep(800);
    const landed = () => restarted.lines().filter(({ event }) => event === 'open_transaction_landed');
    expect(landed(), 'three blocks deep').toEqual([]);
    await mine();
    await expect.poll(landed).toHaveLength(1);
    await anvil.rpc('evm_setIntervalMining', [1]);
    expect(await next).toMatchObject({ code: 'confirmed', rounds: [{ round: round + 1 }] });
  });
});
