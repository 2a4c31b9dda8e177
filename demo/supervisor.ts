/** Keeps the children together: one that ends unasked ends the demo, and the demo's end ends them all. */
import { type Child, ChildError, describeExit, type Exit } from './child.js';

export interface Supervisor {
  /** Aborts when a child ended that should not have, with a {@link ChildError} as its reason. */
  readonly failed: AbortSignal;
  /**
   * Takes a child in. @param mayBeKilled ending by a signal is the user's doing then, and told to `onKilled`
   */
  readonly adopt: (child: Child, mayBeKilled?: (exit: Exit) => void) => void;
  /** Asks one child to end; its end is no failure from now on. */
  readonly stop: (child: Child, timeoutMs: number) => Promise<Exit>;
  /** Ends all children, the youngest first. */
  readonly stopAll: () => Promise<void>;
  /** Kills all children at once. */
  readonly killAll: () => void;
}

/** An exchange and the chain have nothing to settle. */
const STOP_TIMEOUT_MS = 5_000;

export function createSupervisor(): Supervisor {
  const failure = new AbortController();
  const children: Child[] = [];
  const expected = new Set<Child>();
  const stop = (child: Child, timeoutMs: number) => {
    expected.add(child);
    return child.stop(timeoutMs);
  };

  return {
    failed: failure.signal,
    adopt: (child, mayBeKilled) => {
      children.push(child);
      void child.exited.then((exit) => {
        if (expected.has(child)) return;
        if (exit.signal && mayBeKilled) return mayBeKilled(exit);
        failure.abort(new ChildError(`${child.name} ${describeExit(exit)}`, child.tail()));
      });
    },
    stop,
    stopAll: async () => {
      for (const child of [...children].reverse()) {
        try {
          await stop(child, STOP_TIMEOUT_MS);
        } catch {
          // It was killed and the system has not removed it yet; nothing more can be done from here.
        }
      }
    },
    killAll: () => {
      for (const child of children) {
        expected.add(child);
        child.kill();
      }
    },
  };
}
