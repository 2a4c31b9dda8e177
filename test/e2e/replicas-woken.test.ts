/** A holder that is stopped with a transaction in the air, and woken after another took key and groups over. */
import { afterEach, expect, it } from 'vitest';
import { sleep } from '../../src/common/time.js';
import type { Anvil } from '../support/anvil.js';
import { until } from '../support/redis.js';
import { readChain } from './replicas/claims.js';
import type { Daemon } from './replicas/daemon.js';
import { createSeeded } from './replicas/seeded.js';
import { createWorld, GROUPS, type World } from './replicas/world.js';

let world: World | undefined;
afterEach(() => world?.close());

const sent = (daemon: Daemon) => daemon.lines.filter(({ message }) => message === 'transaction sent');
/** What it sent after a moment, other than the transaction whose sending it may only have come to know of then. */
const sentSince = (daemon: Daemon, sinceMs: number, known: string) =>
  sent(daemon).filter(({ time, hash }) => Date.parse(String(time)) >= sinceMs && hash !== known);
/** The hash of a transaction in the pool. */
const pooled = async (anvil: Anvil): Promise<string | undefined> => {
  const { pending } = (await anvil.rpc('txpool_content')) as {
    pending: Record<string, Record<string, { hash: string }>>;
  };
  return Object.values(pending).flatMap((byNonce) => Object.values(byNonce))[0]?.hash;
};
const leads = async (daemon: Daemon) => (await daemon.leads())?.size ?? 0;
/** Above what is bid while gas is cheap, below the daemon's cap. */
const DEAR_WEI = 50n * 10n ** 9n;
const gasPrice = (wei: bigint) => ['anvil_setNextBlockBaseFeePerGas', [`0x${wei.toString(16)}`]] as const;

it('sends nothing more with a key that is another’s by now, not even to cancel', async () => {
  world = await createWorld(60_000, createSeeded(3), { keyCount: 1, chain: ['replaceAfter: 4s'] });
  const { daemons, anvil } = world;
  const [one, two] = daemons as [Daemon, Daemon];
  one.start();
  await until('one leads', async () => (await leads(one)) === GROUPS.length, { deadlineMs: 30_000 });
  two.start();
  await until(
    'every group has a round',
    async () => {
      const { rounds } = await readChain(world as World);
      return new Set(rounds.map(({ group }) => group)).size === GROUPS.length;
    },
    { deadlineMs: 30_000, everyMs: 500 },
  );

  // Blocks pause until its transaction is offered, and go on dearer than it bids: it stays in the air.
  await anvil.rpc('evm_setIntervalMining', [0]);
  const inTheAir = await until('one has a transaction in the air', () => pooled(anvil), {
    deadlineMs: 40_000,
  });
  one.signal('SIGSTOP');
  await anvil.rpc(...gasPrice(DEAR_WEI));
  await anvil.rpc('evm_setIntervalMining', [1]);
  await until('two leads', async () => (await leads(two)) === GROUPS.length, { deadlineMs: 15_000 });
  await until('two takes the nonce up', () => sent(two).length > 0, { deadlineMs: 20_000 });

  const wokenMs = Date.now();
  one.signal('SIGCONT');
  await until('one notices', () => one.lines.some(({ event }) => event === 'woken' || event === 'key_lost'));
  await sleep(8_000);
  expect(sentSince(one, wokenMs, inTheAir)).toEqual([]);

  const fromMs = Date.now();
  await until(
    'two publishes again',
    async () => {
      const { rounds } = await readChain(world as World);
      return GROUPS.every(({ id }) =>
        rounds.some((round) => round.group === id && round.timestamp * 1_000 > fromMs),
      );
    },
    { deadlineMs: 60_000, everyMs: 500 },
  );
  expect(sentSince(one, wokenMs, inTheAir)).toEqual([]);
  const { rounds } = await readChain(world);
  const numbers = GROUPS.map(({ id }) =>
    rounds.filter(({ group }) => group === id).map(({ round }) => round),
  );
  for (const own of numbers) expect(own).toEqual(own.map((_, at) => at + 1));
}, 240_000);
