/** Drills that need more than one publisher. */
import { describe, it, onTestFinished } from 'vitest';
import { ANVIL_KEYS } from '../support/anvil.js';
import { MINUTES, roundsOf, startDrills } from './support/drill.js';
import { until } from './support/processes.js';
import { type Daemon, startWorld } from './support/world.js';

describe('with a holder and a stand-by that share one key', () => {
  it(
    'Redis and the holder die together: nobody holds the groups, until the chain shows them late and the stand-by takes over',
    async () => {
      const world = await startWorld({ heartbeat: '15s' });
      onTestFinished(() => world.close());
      const redis = await world.startRedis();
      const env = { STATE_URL: redis.url };
      const holder = await world.startDaemon({ env });
      await until(async () => (await roundsOf(holder)) > 1, 'the first rounds are made', 60_000);
      const standby = await world.startDaemon({ env });
      const drills = await startDrills([holder, standby]);
      onTestFinished(() => drills.monitoring.close());
      await until(
        async () => (await drills.monitoring.query('sum(oracle_group_leader) == 1')).length > 0,
        'one replica holds the group',
        30_000,
      );
      const madeBefore = await roundsOf(standby);
      await drills.drill(
        ['OracleGroupWithoutHolder'],
        async () => {
          redis.process.child.kill('SIGKILL');
          holder.child.kill('SIGKILL');
          await holder.ended;
        },
        // Nothing to mend: the stand-by reads the chain.
        () => until(async () => (await roundsOf(standby)) > madeBefore, 'the stand-by makes rounds', 90_000),
      );
    },
    8 * MINUTES,
  );
});

describe('with two deployments that know nothing of each other', () => {
  it(
    'they race for each round, and their reverted transactions burn the budget',
    async () => {
      const world = await startWorld({ heartbeat: '4s', keys: 2 });
      const daemon = await world.startDaemon();
      onTestFinished(() => world.close());
      const drills = await startDrills([daemon]);
      onTestFinished(() => drills.monitoring.close());
      let rival: Daemon | undefined;
      await until(async () => (await roundsOf(daemon)) > 1, 'the first rounds are made', 60_000);
      await drills.drill(
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
    },
    8 * MINUTES,
  );
});
