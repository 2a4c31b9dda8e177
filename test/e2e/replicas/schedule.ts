/** The seeded schedule of faults, and the record of what was done to whom. */
import { sleep } from '../../../src/common/time.js';
import { until } from '../../support/redis.js';
import type { Daemon } from './daemon.js';
import type { Seeded } from './seeded.js';
import type { World } from './world.js';

/** What is done. A closed list; the claims know what each excuses. */
export const FAULTS = [
  'kill',
  'terminate',
  'stop',
  'redis_killed',
  'redis_frozen',
  'redis_cut',
  'chain_cut',
  'redis_killed_then_kill',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface Incident {
  readonly fault: Fault;
  /** The daemon that it happened to; absent when it happened to Redis. */
  readonly daemon?: string;
  /** Groups that the daemon led when it began. */
  readonly groups: ReadonlySet<string>;
  readonly fromMs: number;
  /** When all was well again, as far as the schedule can tell. */
  toMs: number;
}

interface Planned {
  readonly fault: Fault;
  readonly lastsMs: number;
  readonly pauseMs: number;
  readonly victim: number;
}

// A daemon that was started needs about so long until it can lead again.
const START_MS = 4_000;

/** Plans faults that fill a time, each kind as often as any other, in the seed's order. */
export function plan(lengthMs: number, seeded: Seeded): Planned[] {
  const planned: Planned[] = [];
  let bag: Fault[] = [];
  for (let atMs = 0; atMs < lengthMs; ) {
    if (bag.length === 0) bag = [...FAULTS];
    const [fault] = bag.splice(seeded.whole(0, bag.length - 1), 1);
    if (!fault) break;
    const one = {
      fault,
      lastsMs: seeded.whole(1_000, 14_000),
      pauseMs: seeded.whole(3_000, 9_000),
      victim: seeded.next(),
    };
    planned.push(one);
    atMs += one.lastsMs + one.pauseMs + START_MS;
  }
  return planned;
}

/** Does what was planned, one after another. @returns the record */
export async function perform(
  world: World,
  planned: readonly Planned[],
  leads: (daemon: Daemon) => ReadonlySet<string>,
  note: (line: string) => void,
): Promise<Incident[]> {
  const incidents: Incident[] = [];
  const { redis } = world;
  for (const { fault, lastsMs, pauseMs, victim } of planned) {
    // Mostly one that leads: the standby's death proves little.
    const leaders = world.daemons.filter((daemon) => leads(daemon).size > 0);
    const pool = leaders.length > 0 && victim < 0.8 ? leaders : world.daemons;
    const daemon = pool[Math.floor(victim * 1_000) % pool.length];
    if (!daemon) continue;
    const happensToRedis = fault === 'redis_killed' || fault === 'redis_frozen';
    const incident: Incident = {
      fault,
      ...(happensToRedis ? {} : { daemon: daemon.name }),
      groups: happensToRedis ? new Set() : leads(daemon),
      fromMs: Date.now(),
      toMs: Number.POSITIVE_INFINITY,
    };
    incidents.push(incident);
    note(
      `${fault} ${happensToRedis ? '' : daemon.name} for ${lastsMs} ms; it led ${[...incident.groups].join(', ') || '-'}`,
    );
    await act(fault, daemon, lastsMs);
    // One that is started again counts as down until it answers.
    await until(`${daemon.name} answers`, () => daemon.leads(), { deadlineMs: 60_000, everyMs: 200 });
    incident.toMs = Date.now();
    await sleep(pauseMs);
  }
  return incidents;

  async function act(fault: Fault, daemon: Daemon, lastsMs: number): Promise<void> {
    switch (fault) {
      case 'kill':
      case 'terminate': {
        const code = await daemon.end(fault === 'kill' ? 'SIGKILL' : 'SIGTERM');
        if (fault === 'terminate' && code !== 0)
          throw new Error(`${daemon.name} ended with ${code} on SIGTERM`);
        await sleep(lastsMs);
        return daemon.start();
      }
      case 'stop':
        daemon.signal('SIGSTOP');
        await sleep(lastsMs);
        return daemon.signal('SIGCONT');
      case 'redis_killed':
        await redis.kill();
        await sleep(lastsMs);
        return redis.start();
      case 'redis_frozen':
        redis.pause();
        await sleep(lastsMs);
        return redis.resume();
      case 'redis_cut':
        daemon.redisWire.cut();
        await sleep(lastsMs);
        return daemon.redisWire.heal();
      case 'chain_cut':
        daemon.chainWire.cut();
        await sleep(lastsMs);
        return daemon.chainWire.heal();
      case 'redis_killed_then_kill':
        await redis.kill();
        await sleep(2_000);
        await daemon.end('SIGKILL');
        await sleep(lastsMs);
        await redis.start();
        return daemon.start();
    }
  }
}
