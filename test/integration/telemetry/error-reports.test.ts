import { describe, expect, it, onTestFinished } from 'vitest';
import { openErrorReports } from '../../../src/telemetry/error-reports.js';
import { createLogger, createMask } from '../../../src/telemetry/logger.js';
import { json } from '../../support/prices/venue.js';
import { dsnOf, SENTRY_KEY, type SentryEvent, startSentry } from './receivers.js';

const SECRET = `0x${'ab12'.repeat(16)}`;

async function start() {
  const sentry = await startSentry();
  onTestFinished(() => sentry.close());
  let nowMs = 0;
  const lines: Record<string, unknown>[] = [];
  let take: (line: string) => void = () => undefined;
  const log = createLogger({
    level: 'debug',
    mask: createMask([SECRET]),
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
    onLine: (line) => take(line),
  });
  const reports = await openErrorReports({
    dsn: dsnOf(sentry.url),
    release: 'oracle-publisher@1.2.3',
    environment: 'staging',
    instance: 'pod-1',
    clock: { now: () => nowMs, monotonic: () => nowMs },
    log,
  });
  take = reports.take;
  onTestFinished(() => reports.close());
  const event = (name: string) =>
    sentry.until((events) => events.find(({ tags }) => tags?.event === name), `the report of ${name}`);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { sentry, reports, log, lines, event, pass };
}
const names = (events: readonly SentryEvent[]) => events.map(({ tags }) => tags?.event);

describe('an error in the log', () => {
  it('is reported with its event, group and stack', async () => {
    const { log, event } = await start();
    log.error({ event: 'tick_failed', group: 'majors', err: new TypeError('no price') }, 'a tick failed');
    const report = await event('tick_failed');
    expect(report).toMatchObject({
      level: 'error',
      message: 'a tick failed',
      release: 'oracle-publisher@1.2.3',
      environment: 'staging',
      server_name: 'pod-1',
      tags: { event: 'tick_failed', group: 'majors' },
      fingerprint: ['{{ default }}', 'tick_failed'],
      exception: { values: [{ type: 'TypeError', value: 'no price', mechanism: { handled: true } }] },
    });
    const frames = report.exception?.values[0]?.stacktrace.frames ?? [];
    expect(frames.at(-1)).toMatchObject({ filename: expect.stringContaining('error-reports.test.ts') });
  });

  it('of a refused update is reported by its cause, whatever the groups', async () => {
    const { log, event } = await start();
    const line = { event: 'update_reverted', chain: 'main', groups: ['majors', 'rates'], cause: 'paused' };
    log.error({ ...line, error: 'GroupPaused', args: ['1'] }, 'the contract refused an update');
    expect(await event('update_reverted')).toMatchObject({
      tags: { group: 'majors,rates', chain: 'main', cause: 'paused', error: 'GroupPaused' },
      extra: { args: ['1'] },
      fingerprint: ['update_reverted', 'GroupPaused'],
    });
  });

  it('is sent without a secret, wherever it stood', async () => {
    const { log, event, sentry } = await start();
    log.error({ event: 'leaky', detail: { deep: [SECRET] }, err: new Error(`cannot use ${SECRET}`) }, SECRET);
    await event('leaky');
    expect(sentry.text()).toContain('[redacted]');
    expect(sentry.text()).not.toContain(SECRET.slice(2));
  });

  it('is reported once a minute, and the next report says how many were left out', async () => {
    const { log, event, sentry, pass } = await start();
    const fail = (group: string) => log.error({ event: 'update_failed', group, cause: 'balance' }, 'failed');
    for (let time = 0; time < 10; time += 1) fail('majors');
    fail('rates');
    pass(60_000);
    fail('majors');
    log.error({ event: 'last' }, 'last');
    await event('last');
    const told = sentry.received.map(({ tags, extra }) => [tags?.group, extra?.leftOut]);
    expect(told).toEqual([
      ['majors', undefined],
      ['rates', undefined],
      ['majors', 9],
      [undefined, undefined],
    ]);
  });

  it('only: warnings and less stay here', async () => {
    const { log, event, sentry } = await start();
    log.warn({ event: 'warned' }, 'warned');
    log.info({ event: 'said', level: 'error' }, '{"level":"error"');
    log.fatal({ event: 'end' }, 'the end');
    expect(await event('end')).toMatchObject({ level: 'fatal' });
    expect(names(sentry.received)).toEqual(['end']);
  });
});

describe('a Sentry', () => {
  it('that is away is said once, as a warning, without its key', async () => {
    const { sentry, log, lines } = await start();
    sentry.answer(json('{}', 500));
    for (const event of ['one', 'two', 'three']) log.error({ event }, event);
    await expect.poll(() => sentry.asked.length).toBe(3);
    await expect
      .poll(() => lines.filter(({ level }) => level === 'warn'))
      .toEqual([expect.objectContaining({ event: 'error_reports_away', detail: 'HTTP status 500' })]);
    expect(JSON.stringify(lines)).not.toContain(SENTRY_KEY);
  });

  it('that asks for quiet gets it', async () => {
    const { sentry, log, lines, reports } = await start();
    sentry.answer(json('{}', 429, { 'retry-after': '60' }));
    log.error({ event: 'one' }, 'one');
    await expect.poll(() => lines.map(({ event }) => event)).toContain('error_reports_away');
    log.error({ event: 'two' }, 'two');
    await reports.close();
    expect(sentry.asked).toHaveLength(1);
  });

  it('that hangs takes a bounded number of reports and does not hold the end up', async () => {
    const { sentry, log, reports } = await start();
    sentry.answer(() => undefined);
    for (let error = 0; error < 200; error += 1) log.error({ event: `error_${error}` }, 'failed');
    await expect.poll(() => sentry.asked.length).toBe(32);
    const begun = performance.now();
    await reports.close();
    expect(performance.now() - begun).toBeLessThan(4_000);
    expect(sentry.asked).toHaveLength(32);
  });
});
