/** What must hold whatever an endpoint does: every due round lands, once, without a gap, within the caps. */
import { expect } from 'vitest';
import { sleep } from '../../src/common/time.js';
import type { Address } from '../../src/common/words.js';
import type { ChainConfig } from '../../src/config/types.js';
import { ANVIL_ADDRESSES, type Anvil } from '../support/anvil.js';
import { readRoundEvents } from '../support/chain/events.js';
import type { Rig } from '../support/chain/rig.js';
import type { ChaosProxy } from './proxy.js';

const ROUND_MS = 40_000;
export interface Claim {
  readonly anvil: Anvil;
  readonly aggregator: Address;
  readonly proxies: readonly ChaosProxy[];
  readonly config: Pick<ChainConfig, 'fees' | 'gasLimitCap'>;
}

/** Publishes rounds one after another, as the publisher does: what fails is decided again from the chain. */
export async function publish(rig: Rig, rounds: number): Promise<readonly string[]> {
  const codes: string[] = [];
  const first = await patiently(() => rig.group());
  for (let wanted = first.round + 1; wanted <= first.round + rounds; ) {
    const giveUp = Date.now() + ROUND_MS;
    let round = wanted - 1;
    while (round < wanted) {
      if (Date.now() > giveUp)
        throw new Error(`round ${wanted} did not land in ${ROUND_MS} ms: ${codes.slice(-8)}`);
      const outcome = await rig.transmitter.send(rig.job(BigInt(wanted)), AbortSignal.timeout(ROUND_MS));
      codes.push(outcome.code === 'failed' ? `failed: ${outcome.cause}: ${outcome.detail}` : outcome.code);
      if (outcome.code !== 'confirmed') await sleep(50);
      round = (await patiently(() => rig.group())).round;
    }
    wanted = round + 1;
  }
  return codes;
}

/** A read that fails is tried again: the publisher's next tick. */
async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (const giveUp = Date.now() + ROUND_MS; ; await sleep(100)) {
    try {
      return await read();
    } catch (error) {
      if (Date.now() > giveUp) throw error;
    }
  }
}

/** Checks the claim against the chain itself, past every proxy. */
export async function expectClaim(
  { anvil, aggregator, proxies, config }: Claim,
  rounds: number,
): Promise<void> {
  const me = ANVIL_ADDRESSES[0];
  const roundNumbers = (await readRoundEvents(anvil, aggregator))
    .filter(({ group }) => group === 1)
    .map(({ round }) => round);
  expect(roundNumbers, 'each round once, in order').toEqual(
    Array.from({ length: rounds }, (_nothing, index) => index + 1),
  );
  const latest = Number(await anvil.rpc('eth_getTransactionCount', [me, 'latest']));
  const sent = proxies.flatMap((proxy) => proxy.sent());
  const highest = Math.max(...sent.map(({ nonce }) => nonce));
  expect(highest, 'no nonce beyond those used').toBe(latest - 1);
  for (const transaction of sent) {
    expect(transaction.chainId).toBe(31_337);
    expect([aggregator.toLowerCase(), me.toLowerCase()]).toContain(transaction.to?.toLowerCase());
    expect(transaction.valueWei).toBe(0n);
    expect(transaction.gasLimit <= config.gasLimitCap, 'gas limit within the cap').toBe(true);
    expect(transaction.maxFeeWei <= config.fees.maxFeeWei, 'fee within the cap').toBe(true);
    expect(transaction.maxPriorityFeeWei <= config.fees.maxPriorityFeeWei, 'tip within the cap').toBe(true);
    if (transaction.to?.toLowerCase() === me.toLowerCase()) expect(transaction.data).toBe('0x');
  }
}
