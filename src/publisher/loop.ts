/** The wake-ups: node-cron says when, never whether something is due. */
import cron from 'node-cron';

/** Each second. */
const WAKE_UP = '* * * * * *';

/** Runs an iteration at each wake-up of the cron, never two at once; a wake-up meanwhile is kept, not lost. */
export async function loop(signal: AbortSignal, iterate: () => Promise<void>): Promise<void> {
  let woken = false;
  let resume: (() => void) | undefined;
  const wake = () => {
    woken = true;
    resume?.();
  };
  const task = cron.schedule(WAKE_UP, wake, { suppressMissedWarning: true });
  signal.addEventListener('abort', wake, { once: true });
  try {
    while (!signal.aborted) {
      woken = false;
      await iterate();
      if (woken || signal.aborted) continue;
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
    }
  } finally {
    signal.removeEventListener('abort', wake);
    await task.destroy();
  }
}
