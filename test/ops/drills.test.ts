/** For each page, the real fault: the page arrives, the fault is mended, the resolution arrives. */
import { type Address, encodeFunctionData } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oracleAggregatorAbi } from '../../src/chain/generated/contracts.js';
import { ANVIL_ADDRESSES } from '../support/anvil.js';
import { type Drills, MINUTES, roundsOf, startDrills } from './support/drill.js';
import { until } from './support/processes.js';
import { type Daemon, startWorld, type World } from './support/world.js';

let world: World;
let daemon: Daemon;
let drills: Drills;
const drill: Drills['drill'] = (...args) => drills.drill(...args);

/** As the admin, whom the node signs for: the deploying key, which publishes as well. The node gives the nonce. */
async function setSigners(signers: readonly (string | undefined)[], threshold: number): Promise<void> {
  const data = encodeFunctionData({
    abi: oracleAggregatorAbi,
    functionName: 'setSigners',
    args: [1, signers.map((signer) => signer as Address).sort(), threshold],
  });
  await world.rpc('eth_sendTransaction', [
    { from: ANVIL_ADDRESSES[0], to: world.aggregator, data, gas: '0x100000' },
  ]);
}

describe('with one replica', () => {
  beforeAll(async () => {
    world = await startWorld({ heartbeat: '10s', chains: [{ name: 'main', minBalance: '10 ether' }] });
    daemon = await world.startDaemon({
      env: { NODE_OPTIONS: `--require ${new URL('./support/stop-timers.cjs', import.meta.url).pathname}` },
    });
    drills = await startDrills([daemon]);
    await until(async () => (await roundsOf(daemon)) > 1, 'the first rounds are made', 60_000);
  }, 2 * MINUTES);
  afterAll(async () => {
    await drills?.monitoring.close();
    await world?.close();
  });

  it('the watchdog reaches the dead man’s switch', async () => {
    const page = await drills.monitoring.page('OracleWatchdog', 'firing', 0, 30_000);
    expect(page.receiver).toBe('deadman');
  });

  it(
    'all venues fail: too few sources, stale feeds, no updates, the freshness budget burns',
    async () => {
      await drill(
        ['OracleSourceQuorumLost', 'OracleFeedStale', 'OracleNoUpdates', 'OracleFreshnessBudgetBurnFast'],
        () => world.venues.fail(503),
        () => world.venues.fail(200),
      );
    },
    6 * MINUTES,
  );

  it(
    'the chain makes no blocks: a transaction is stuck, a deviation is not served',
    async () => {
      await drill(
        ['OracleTransactionStuck', 'OracleDeviationNotServed'],
        async () => {
          await world.rpc('evm_setIntervalMining', [0]);
          world.venues.set('ETH', '3300');
        },
        () => world.rpc('evm_setIntervalMining', [1]),
      );
    },
    6 * MINUTES,
  );

  it(
    'the node is frozen: the chain is unhealthy',
    async () => {
      await drill(
        ['OracleAdapterUnhealthy'],
        () => process.kill(world.anvil.pid, 'SIGSTOP'),
        () => process.kill(world.anvil.pid, 'SIGCONT'),
      );
    },
    6 * MINUTES,
  );

  it(
    'the signer is taken out of the set: unauthorised, and every update fails',
    async () => {
      await drill(
        ['OracleSignerUnauthorised', 'OracleUpdateErrorRatioHigh'],
        () => setSigners([ANVIL_ADDRESSES[2]], 1),
        () => setSigners([ANVIL_ADDRESSES[0]], 1),
      );
    },
    6 * MINUTES,
  );

  it(
    'the threshold on chain is raised above the signatures at hand: the quorum is lost',
    async () => {
      await drill(
        ['OracleSignerQuorumLost'],
        () => setSigners([ANVIL_ADDRESSES[0], ANVIL_ADDRESSES[2]], 2),
        () => setSigners([ANVIL_ADDRESSES[0]], 1),
      );
    },
    6 * MINUTES,
  );

  it(
    'the key is nearly empty: the balance is critical',
    async () => {
      await drill(
        ['OracleBalanceCritical'],
        () => world.rpc('anvil_setBalance', [ANVIL_ADDRESSES[0], `0x${(2n * 10n ** 18n).toString(16)}`]),
        () => world.rpc('anvil_setBalance', [ANVIL_ADDRESSES[0], `0x${(9_000n * 10n ** 18n).toString(16)}`]),
      );
    },
    6 * MINUTES,
  );

  it(
    'the loop hangs: it is seen although the process answers, and the probe that restarts it fails',
    async () => {
      await drill(
        ['OracleLoopStalled'],
        () => process.kill(daemon.pid, 'SIGUSR2'),
        async () => {
          await until(
            async () => (await fetch(`${daemon.url}/livez`)).status === 503,
            '/livez fails',
            45_000,
            500,
          );
          // What the kubelet does now.
          daemon.child.kill('SIGKILL');
          await daemon.ended;
          daemon = await world.startDaemon({ env: portsOf(daemon) });
        },
      );
    },
    6 * MINUTES,
  );

  it(
    'the process is killed: the publisher is absent',
    async () => {
      await drill(
        ['OraclePublisherAbsent'],
        async () => {
          daemon.child.kill('SIGKILL');
          await daemon.ended;
        },
        async () => {
          daemon = await world.startDaemon({ env: portsOf(daemon) });
        },
      );
    },
    6 * MINUTES,
  );
});

const portsOf = ({ env }: Daemon): Record<string, string> => ({
  HTTP_PORT: env.HTTP_PORT ?? '',
  METRICS_PORT: env.METRICS_PORT ?? '',
});
