/** For each page, the real fault: the page arrives, the fault is mended, the resolution arrives. Time in the rules runs 20 times faster. */
import { type Address, encodeFunctionData } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oracleAggregatorAbi } from '../../src/chain/generated/contracts.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS } from '../support/anvil.js';
import { until } from './support/processes.js';
import { type Daemon, type Monitoring, startMonitoring, startWorld, type World } from './support/world.js';

const TIME_SCALE = 0.05;
const MINUTES = 60_000;

let world: World;
let daemon: Daemon;
let monitoring: Monitoring;

const rounds = async () => (await daemon.metric('oracle_updates_sent_total', { feed: 'ETH/USD' })) ?? 0;
const firing = async () =>
  (await monitoring.query('ALERTS{alertstate="firing",severity="critical"}')).map(
    ({ metric }) => metric.alertname,
  );
const quiet = () => until(async () => (await firing()).length === 0, 'no page is firing', 2 * MINUTES, 500);

/** Causes a fault, sees every page arrive, mends the fault, sees every page resolved. */
async function drill(alerts: readonly string[], cause: () => unknown, mend: () => unknown): Promise<void> {
  await quiet();
  const began = Date.now();
  await cause();
  for (const alert of alerts) {
    const page = await monitoring.page(alert, 'firing', began);
    expect(page.receiver).toBe('pager');
    expect(page.annotations.runbook_url).toMatch(new RegExp(`/${alert}\\.md$`));
    expect(page.annotations.summary).not.toMatch(/<no value>/);
  }
  await mend();
  for (const alert of alerts) await monitoring.page(alert, 'resolved', began, 2 * MINUTES);
  await quiet();
}

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
    monitoring = await startMonitoring([daemon.metricsUrl], TIME_SCALE);
    await until(async () => (await rounds()) > 1, 'the first rounds are made', 60_000);
  }, 2 * MINUTES);
  afterAll(async () => {
    await monitoring?.close();
    await world?.close();
  });

  it('the watchdog reaches the dead man’s switch', async () => {
    const page = await monitoring.page('OracleWatchdog', 'firing', 0, 30_000);
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

describe('with a holder and a stand-by that share one key', () => {
  it(
    'Redis and the holder die together: nobody holds the groups, until the chain shows them late and the stand-by takes over',
    async () => {
      world = await startWorld({ heartbeat: '15s' });
      try {
        const redis = await world.startRedis();
        const env = { STATE_URL: redis.url };
        const holder = await world.startDaemon({ env });
        daemon = holder;
        await until(async () => (await rounds()) > 1, 'the first rounds are made', 60_000);
        daemon = await world.startDaemon({ env });
        monitoring = await startMonitoring([holder.metricsUrl, daemon.metricsUrl], TIME_SCALE);
        await until(
          async () => (await monitoring.query('sum(oracle_group_leader) == 1')).length > 0,
          'one replica holds the group',
          30_000,
        );
        const madeBefore = await rounds();
        await drill(
          ['OracleGroupWithoutHolder'],
          async () => {
            redis.process.child.kill('SIGKILL');
            holder.child.kill('SIGKILL');
            await holder.ended;
          },
          // Nothing to mend: the stand-by reads the chain.
          () => until(async () => (await rounds()) > madeBefore, 'the stand-by makes rounds', 90_000),
        );
      } finally {
        await monitoring?.close();
        await world.close();
      }
    },
    8 * MINUTES,
  );
});

describe('with two deployments that know nothing of each other', () => {
  it(
    'they race for each round, and their reverted transactions burn the budget',
    async () => {
      world = await startWorld({ heartbeat: '4s', keys: 2 });
      daemon = await world.startDaemon();
      try {
        monitoring = await startMonitoring([daemon.metricsUrl], TIME_SCALE);
        let rival: Daemon | undefined;
        await until(async () => (await rounds()) > 1, 'the first rounds are made', 60_000);
        await drill(
          ['OracleTransactionBudgetBurnFast'],
          async () => {
            rival = await world.startDaemon({
              env: { PRIVATE_KEY: [...ANVIL_KEYS.slice(0, 2)].reverse().join(',') },
            });
          },
          async () => {
            await rival?.stop();
          },
        );
      } finally {
        await monitoring?.close();
        await world.close();
      }
    },
    8 * MINUTES,
  );
});
