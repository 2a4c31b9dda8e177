import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/common/words.js';
import type { GroupConfig } from '../../../src/config/types.js';
import type { ChainRuntime } from '../../../src/publisher/chain-runtime.js';
import { createSignerSets } from '../../../src/publisher/signer-sets.js';
import { hashSigners } from '../../../src/reports/signing.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { ANVIL_ADDRESSES } from '../../support/anvil.js';

const [OLD, NEW] = ANVIL_ADDRESSES;
const group = { name: 'eth', id: 1, signers: [] as readonly Address[] } as GroupConfig;
const signal = AbortSignal.timeout(20_000);

function searches(search: (call: number) => readonly Address[] | undefined) {
  let nowMs = 0;
  let calls = 0;
  const sets = createSignerSets({
    poolAddresses: [OLD],
    clock: { now: () => nowMs, monotonic: () => nowMs },
    log: createLogger({ level: 'silent' }),
  });
  const runtime = {
    chain: {
      findSigners: async () => {
        calls += 1;
        return search(calls);
      },
    },
  } as unknown as ChainRuntime;
  return {
    calls: () => calls,
    find(atMs: number) {
      nowMs = atMs;
      return sets.find(runtime, group, hashSigners([NEW]), signal);
    },
  };
}

describe('a signer set that the configuration does not know', () => {
  it('is asked for again at once when the endpoints could not be asked, and kept when it is found', async () => {
    const { find, calls } = searches((call) => {
      if (call === 1) throw new Error('HTTP 502');
      return [NEW];
    });
    await expect(find(0)).rejects.toThrow('HTTP 502');
    expect(await find(1)).toEqual([NEW]);
    expect(await find(200_000)).toEqual([NEW]);
    expect(calls()).toBe(2);
  });

  it('and that the events do not show is searched for once a minute', async () => {
    const { find, calls } = searches(() => undefined);
    for (const atMs of [0, 1_000, 59_000, 61_000]) expect(await find(atMs)).toBeUndefined();
    expect(calls()).toBe(2);
  });
});
