/** One transmitter key of one chain: joins the groups that are due into one transaction after another. */
import type { TransmitOutcome, Transmitter } from '../chain/types.js';
import type { Clock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { Logger } from '../telemetry/logger.js';
import { type GroupPart, joinParts } from './transmit.js';

export interface LaneDeps {
  readonly transmitter: Transmitter;
  readonly clock: Clock;
  readonly log: Logger;
  /** Parts of all groups of this lane that are due against the chain's newest state. */
  gather(transmitter: Address, signal: AbortSignal): Promise<readonly GroupPart[]>;
  /** Told of the parts of each transaction that is signed, right before it is sent. */
  signed(parts: readonly GroupPart[]): void;
  /** Told once per job, with the parts of the transaction that the outcome is of. */
  settled(outcome: TransmitOutcome, parts: readonly GroupPart[]): Promise<void>;
}

export interface Lane {
  readonly address: Address;
  /** Starts a job unless one is under way. */
  kick(): void;
  /** Names of the groups that travel in the transaction under way. */
  readonly carries: (group: string) => boolean;
  readonly busy: () => boolean;
  /** Starts no further job; resolves when the one under way has settled. */
  close(): Promise<void>;
}

export function createLane(deps: LaneDeps, signal: AbortSignal): Lane {
  const { transmitter, clock, log } = deps;
  let running: Promise<void> | undefined;
  let closed = false;
  let carried: ReadonlySet<string> = new Set();

  const runJob = async (): Promise<void> => {
    const attempts: (readonly GroupPart[])[] = [];
    const outcome = await transmitter.send(
      {
        reason: 'due',
        decidedAtMs: clock.monotonic(),
        prepare: async (prepareSignal) => {
          const parts = await deps.gather(transmitter.address, prepareSignal);
          if (parts.length === 0) return undefined;
          attempts.push(parts);
          carried = new Set(attempts.flat().map(({ evaluation }) => evaluation.group));
          return { ...joinParts(parts), onSigned: () => deps.signed(parts) };
        },
      },
      signal,
    );
    await deps.settled(outcome, partsOf(outcome, attempts));
  };

  return {
    address: transmitter.address,
    kick() {
      if (closed || running || transmitter.busy()) return;
      running = runJob()
        .catch((error: unknown) => {
          log.error(
            { event: 'lane_failed', err: error, transmitter: transmitter.address },
            'a job failed unexpectedly',
          );
          return deps.settled({ code: 'failed', cause: 'internal', detail: String(error) }, []);
        })
        .finally(() => {
          running = undefined;
          carried = new Set();
        });
    },
    carries: (group) => carried.has(group),
    busy: () => running !== undefined,
    async close() {
      closed = true;
      await running;
    },
  };
}

/**
 * The parts that made the transaction which the outcome tells of: those of the attempt with the same rounds and times.
 * None when it was sent by an earlier job.
 */
function partsOf(
  outcome: TransmitOutcome,
  attempts: readonly (readonly GroupPart[])[],
): readonly GroupPart[] {
  const last = attempts.at(-1) ?? [];
  if (!('rounds' in outcome)) return last;
  const told = JSON.stringify(outcome.rounds);
  const of = (parts: readonly GroupPart[]) => JSON.stringify(joinParts(parts).rounds);
  return attempts.find((parts) => of(parts) === told) ?? [];
}
