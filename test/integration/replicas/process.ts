/** A replica as a process of its own, to be killed and stopped: says at every look of 5 ms what it holds. */
import { systemClock } from '../../../src/common/time.js';
import { createCoordinator } from '../../../src/replicas/coordinator.js';
import { openState } from '../../../src/state/open.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { groupsOf, keysOf } from './fleet.js';

const [url = '', name = '', keys = '1', groups = '1', leaseMs = '1000'] = process.argv.slice(2);
const metrics = createMetrics();
const log = createLogger({ level: 'silent' });
const state = await openState({ url, log, clock: systemClock, metrics });
const coordinator = createCoordinator({
  state,
  clock: systemClock,
  log,
  metrics,
  random: Math.random,
  replicaId: name,
  keys: keysOf(Number(keys)),
  groups: groupsOf(Number(groups)),
  leaseMs: Number(leaseMs),
  chainView: { healthy: () => true, lateGroups: () => [], foreignRound: () => false },
});
const say = () => {
  const held = groupsOf(Number(groups)).filter((group) => coordinator.holds(group.name));
  process.stdout.write(`${JSON.stringify({ atMs: Date.now(), held: held.map((group) => group.name) })}\n`);
};
setInterval(say, 5);
process.on('SIGTERM', () => {
  void coordinator.release().then(() => {
    say();
    process.exit(0);
  });
});
await coordinator.run(new AbortController().signal);
