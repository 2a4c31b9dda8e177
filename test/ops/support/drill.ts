/** A drill: the real fault behind a page; the page arrives, the fault is mended, the resolution arrives. */
import { expect } from 'vitest';
import { until } from './processes.js';
import { type Daemon, type Monitoring, startMonitoring } from './world.js';

/** Time in the rules runs 20 times faster. */
const TIME_SCALE = 0.05;
export const MINUTES = 60_000;

export interface Drills {
  readonly monitoring: Monitoring;
  /** Causes a fault, sees every page arrive, mends the fault, sees every page resolved. */
  drill(alerts: readonly string[], cause: () => unknown, mend: () => unknown): Promise<void>;
}

/** Starts the monitoring of these daemons. */
export async function startDrills(daemons: readonly Daemon[]): Promise<Drills> {
  const monitoring = await startMonitoring(
    daemons.map(({ metricsUrl }) => metricsUrl),
    TIME_SCALE,
  );
  const firing = async () =>
    (await monitoring.query('ALERTS{alertstate="firing",severity="critical"}')).map(
      ({ metric }) => metric.alertname,
    );
  const quiet = () => until(async () => (await firing()).length === 0, 'no page is firing', 2 * MINUTES, 500);
  return {
    monitoring,
    async drill(alerts, cause, mend) {
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
    },
  };
}

/** Rounds that a daemon has made for one feed. */
export const roundsOf = async (daemon: Daemon): Promise<number> =>
  (await daemon.metric('oracle_updates_sent_total', { feed: 'ETH/USD' })) ?? 0;
