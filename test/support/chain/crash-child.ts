/**
 * A process that publishes rounds on the daemon's own path and kills itself at a given step, as `kill -9` would. Driven by
 * test/integration/chain/crash.test.ts; prints one JSON line at the end when it survives.
 */
import { createChain } from '../../../src/chain/chain.js';
import { createMemoryKey } from '../../../src/chain/keys/memory.js';
import type { Transmitter } from '../../../src/chain/types.js';
import type { Key } from '../../../src/common/key.js';
import { sleep, systemClock } from '../../../src/common/time.js';
import { openState } from '../../../src/state/open.js';
import type { StateStore } from '../../../src/state/store.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { ANVIL_KEYS } from '../anvil.js';
import { testChainConfig } from './config.js';
import type { CrashOrder, CrashStep } from './crash-steps.js';
import { senderReport, transmitData } from './report.js';

const order = JSON.parse(process.argv[2] ?? '{}') as CrashOrder;
const dieAt = (step: CrashStep): void => {
  if (order.step === step) process.kill(process.pid, 'SIGKILL');
};

function fragile(key: Key): Key {
  return {
    ...key,
    async sign(preimage) {
      dieAt('before-sign');
      const signature = await key.sign(preimage);
      dieAt('after-sign');
      return signature;
    },
  };
}

function fragileStore(store: StateStore): StateStore {
  return {
    ...store,
    async set(name, value, options) {
      const pending = name.startsWith('journal:') && value.includes('"pending"');
      const booked = name.startsWith('journal:') && !pending;
      if (booked) dieAt('before-booked');
      const done = await store.set(name, value, options);
      if (pending) dieAt('after-store');
      if (booked) dieAt('after-booked');
      return done;
    },
  };
}

const realFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const body = typeof init?.body === 'string' ? init.body : '';
  const asksReceipt = body.includes('eth_getTransactionReceipt');
  if (asksReceipt) dieAt('while-waiting');
  const response = await realFetch(input, init);
  if (body.includes('eth_sendRawTransaction')) dieAt('after-send');
  if (asksReceipt && !(await response.clone().text()).includes('"result":null')) dieAt('after-receipt');
  return response;
};

const log = createLogger({ level: process.env.LOG_TESTS ? 'debug' : 'silent' });
const metrics = createMetrics();
const state = await openState({ url: order.stateUrl, log, clock: systemClock, metrics });
const chain = createChain({
  config: testChainConfig({ rpcUrls: [order.url], aggregator: order.aggregator }),
  keys: [fragile(createMemoryKey(ANVIL_KEYS[0]))],
  state: fragileStore(state),
  clock: systemClock,
  log,
  metrics,
  random: Math.random,
});
const signal = AbortSignal.timeout(60_000);
const found = await chain.start(signal);
if (!found.ok) throw new Error(found.problems.join('; '));
const transmitter = chain.transmitters[0] as Transmitter;
const round = async () => (await chain.readGroups([1], signal))[0]?.round ?? 0;
while ((await round()) < order.rounds) {
  const outcome = await transmitter.send(
    {
      reason: 'crash test',
      decidedAtMs: systemClock.monotonic(),
      async prepare(inner) {
        const [group] = await chain.readGroups([1], inner);
        // As the publisher: nothing is due any more when the round has come by itself.
        if (!group || group.round >= order.rounds) return undefined;
        const timestamp = Math.max(Math.floor(Date.now() / 1_000), group.signedAt + 1);
        const next = { group: 1, round: group.round + 1, timestamp };
        return { data: transmitData(senderReport(next, [BigInt(next.round)])), rounds: [next] };
      },
    },
    signal,
  );
  if (outcome.code !== 'confirmed') await sleep(100);
}
await state.close();
process.stdout.write(`${JSON.stringify({ round: await round(), lines: found.lines })}\n`);
