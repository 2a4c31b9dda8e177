import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Address } from '../../../src/common/words.js';
import { type ChaosProxy, type Faults, startChaosProxy } from '../../chaos/proxy.js';
import { ANVIL_ADDRESSES, type Anvil } from '../../support/anvil.js';
import { createRig, type Rig, startWorld } from '../../support/chain/rig.js';

let anvil: Anvil;
let aggregator: Address;
let rig: Rig | undefined;
let proxies: ChaosProxy[] = [];

beforeAll(async () => {
  ({ anvil, aggregator } = await startWorld());
  // The set was written in one of the first blocks, far below every range here.
  for (let blocks = 0; blocks < 1_200; blocks += 100) await anvil.rpc('anvil_mine', ['0x64']);
});
afterEach(async () => {
  await rig?.close();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});
afterAll(() => anvil.stop());

/** Searches for the set that group 1 has on chain, behind endpoints with these faults. */
async function search(...faults: readonly Faults[]) {
  proxies = await Promise.all(
    faults.map((each) => startChaosProxy({ upstream: anvil.url, faults: each, random: () => 0 })),
  );
  rig = await createRig({ urls: proxies.map(({ url }) => url), aggregator, running: true });
  const { chain } = rig;
  const { signersHash } = await rig.group();
  return { rig, find: () => chain.findSigners(1, signersHash, AbortSignal.timeout(20_000)) };
}

describe('a signer set is found in the events', () => {
  it.each([
    ['of 1000 blocks at once, Besu’s', 1_000n],
    ['of 100 blocks at once', 100n],
    ['of 20 blocks at once', 20n],
  ])('within the limit %s, and every endpoint stays in use', async (_what, logsRange) => {
    const { rig, find } = await search({ logsRange }, { logsRange });
    expect(await find()).toEqual([ANVIL_ADDRESSES[0]]);
    expect(rig.chain.endpoints().map(({ healthy }) => healthy)).toEqual([true, true]);
    expect(rig.lines().some(({ event }) => event === 'endpoint_lost')).toBe(false);
    expect(await rig.transmitter.send(rig.job(5n), AbortSignal.timeout(20_000))).toMatchObject({
      code: 'confirmed',
    });
  });

  it('although the other endpoint of two fails', async () => {
    const { find } = await search({ logsRange: 1_000n }, { only: /eth_getLogs/, cut: true });
    expect(await find()).toEqual([ANVIL_ADDRESSES[0]]);
  });

  it('or the search says that it could not ask: that is no "not found"', async () => {
    const { find } = await search({ only: /eth_getLogs/, loseReply: 502 });
    await expect(find()).rejects.toThrow(/signers of group 1: HTTP 502/);
    proxies[0]?.set({});
    expect(await find()).toEqual([ANVIL_ADDRESSES[0]]);
  });
});
