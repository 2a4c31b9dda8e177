/** The real daemon with a collector and a Sentry: what arrives there, and that neither ever holds it up. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ROUND_STEPS } from '../../../src/telemetry/tracing.js';
import { ANVIL_ADDRESSES } from '../../support/anvil.js';
import {
  command,
  type DaemonProcess,
  type Env,
  type LogLine,
  startDaemon,
} from '../../support/daemon/process.js';
import { FEEDS, startWorld, type World } from '../../support/daemon/world.js';
import { dsnOf, SENTRY_KEY, type SentryEvent, startCollector, startSentry, traceOf } from './receivers.js';

const VENUE_KEY = 'key-of-the-venue-5f3a';
const COLLECTOR_TOKEN = 'token-of-the-collector';
/** Flushing, and what a busy machine adds to it. */
const STOP_MS = 15_000;

let world: World;
beforeAll(async () => {
  world = await startWorld({
    feeds: FEEDS.replaceAll('/eth"', '/eth?key=$' + '{VENUE_KEY}"'),
    env: { VENUE_KEY, HEARTBEAT: '10s' },
  });
});
afterAll(() => world.close());

async function start(env: Env = {}) {
  const [collector, sentry] = await Promise.all([startCollector(), startSentry()]);
  onTestFinished(async () => void (await Promise.all([collector.close(), sentry.close()])));
  const daemon = await startDaemon({
    ...world.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${COLLECTOR_TOKEN}`,
    SENTRY_DSN: dsnOf(sentry.url),
    SENTRY_ENVIRONMENT: 'test',
    ...env,
  });
  onTestFinished(() => daemon.kill());
  return { collector, sentry, daemon };
}
const named =
  (name: string) =>
  ({ event }: LogLine) =>
    event === name;
const tagged = (name: string) => (events: readonly SentryEvent[]) =>
  events.find(({ tags }) => tags?.event === name);
const nextRound = async (daemon: DaemonProcess): Promise<LogLine> => {
  const line = await daemon.line(named('round_confirmed'), 'a round');
  daemon.mark();
  return line;
};

describe('each round', () => {
  it('is one trace of five spans, in their order, from the sources to the confirmation', async () => {
    const { collector, daemon } = await start();
    const rounds = [await nextRound(daemon), await nextRound(daemon)];
    for (const { traceId, round, hash, group } of rounds) {
      const spans = await collector.until(traceOf(traceId), `the trace of round ${round}`);
      const root = spans.find(({ name }) => name === 'round');
      const steps = ROUND_STEPS.map((name) => spans.find((span) => span.name === name));
      expect(spans).toHaveLength(1 + ROUND_STEPS.length);
      expect(root).toMatchObject({
        parentSpanId: undefined,
        attributes: {
          'oracle.group': group,
          'oracle.round': round,
          'oracle.transaction': hash,
          'oracle.outcome': 'confirmed',
          'oracle.feeds': ['ETH/USD'],
        },
        resource: { 'service.name': 'oracle-publisher' },
      });
      for (const [index, step] of steps.entries()) {
        expect(step?.parentSpanId).toBe(root?.spanId);
        expect(step?.startNs).toBe(steps[index - 1]?.endNs ?? root?.startNs);
        expect(step!.endNs >= step!.startNs).toBe(true);
      }
      expect(root?.endNs).toBe(steps.at(-1)?.endNs);
      const [sources, decision, , , confirmation] = steps;
      const used = sources?.events.map(({ attributes }) => attributes.source) ?? [];
      expect(used.length).toBeGreaterThanOrEqual(2);
      expect(['one', 'two', 'three']).toEqual(expect.arrayContaining(used));
      expect(decision?.events[0]?.attributes).toMatchObject({ feed: 'ETH/USD', answer: '200000000000' });
      expect(confirmation?.events.map(({ name }) => name)).toEqual(['included']);
    }
    expect(rounds[0]?.traceId).not.toBe(rounds[1]?.traceId);
    expect(await daemon.stop()).toBe(0);
  });

  it('arrives even if the daemon is stopped right after it, and nothing of it is secret', async () => {
    const { collector, sentry, daemon } = await start();
    const { traceId } = await nextRound(daemon);
    expect(await daemon.stop()).toBe(0);
    expect(traceOf(traceId)(collector.received)).toHaveLength(1 + ROUND_STEPS.length);
    const bodies = collector.asked.map(({ body }) => body).join('');
    for (const secret of [VENUE_KEY, COLLECTOR_TOKEN, SENTRY_KEY, world.env.PRIVATE_KEY?.slice(2)])
      expect(bodies + daemon.text()).not.toContain(secret);
    expect(bodies).not.toContain('http://');
    expect(collector.asked[0]?.headers.authorization).toBe(`Bearer ${COLLECTOR_TOKEN}`);
    expect(sentry.received).toEqual([]);
  });
});

describe('a collector and a Sentry that hang', () => {
  it('are said once each and hold up neither the rounds nor the stop', async () => {
    const { collector, sentry, daemon } = await start();
    collector.answer(() => undefined);
    sentry.answer(() => undefined);
    await nextRound(daemon);
    await daemon.line(named('traces_away'), 'the collector is said to be away');
    const refused = join(world.directory, 'refused.yaml');
    writeFileSync(refused, 'no: such setting');
    onTestFinished(() => rmSync(refused, { force: true }));
    await daemon.line(named('config_refused'), 'an error to report');
    await daemon.line(named('error_reports_away'), 'Sentry is said to be away');
    daemon.mark();
    await nextRound(daemon);
    const begun = performance.now();
    expect(await daemon.stop()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(STOP_MS);
    for (const event of ['traces_away', 'error_reports_away'])
      expect(daemon.lines.filter(named(event))).toHaveLength(1);
    expect(daemon.lines.at(-1)).toMatchObject({ event: 'stopped' });
  });
});

describe('an error report', () => {
  it('arrives for a promise that nobody caught, before the process ends with 1', async () => {
    const thrown = 'Promise.reject(new RangeError("bug near " + process.env.PRIVATE_KEY))';
    const { sentry, daemon } = await start({ NODE_OPTIONS: later(thrown, 'SIGUSR2') });
    daemon.kill('SIGUSR2');
    expect(await daemon.exited).toBe(1);
    expect(daemon.lines.find(named('unhandled_rejection'))).toMatchObject({ level: 'fatal' });
    expect(tagged('unhandled_rejection')(sentry.received)).toMatchObject({
      level: 'fatal',
      environment: 'test',
      release: expect.stringMatching(/^oracle-publisher@\d/),
      exception: {
        values: [{ type: 'RangeError', value: 'bug near [redacted]', mechanism: { handled: false } }],
      },
    });
    expect(daemon.text() + sentry.text()).not.toContain(world.env.PRIVATE_KEY?.slice(2));
  });

  it('arrives when the start is refused, before the process ends with 2', async () => {
    const { sentry, daemon } = await start({ AGGREGATOR_ADDRESS: ANVIL_ADDRESSES[3] });
    expect(await daemon.exited).toBe(2);
    expect(tagged('start_refused')(sentry.received)).toMatchObject({ level: 'fatal' });
  });

  it('arrives with its group when the key is no signer any more', async () => {
    const { sentry, daemon } = await start();
    await nextRound(daemon);
    for (const change of [
      ['--add', ANVIL_ADDRESSES[1]],
      ['--remove', ANVIL_ADDRESSES[0]],
    ] as const) {
      const rotated = await command(['keys', 'rotate', ...change], world.env);
      expect(rotated.code, rotated.stderr).toBe(0);
    }
    const report = await sentry.until(tagged('update_impossible'), 'the report');
    expect(report).toMatchObject({
      level: 'error',
      tags: { group: 'default', error: 'unauthorised' },
      fingerprint: ['update_impossible', 'unauthorised'],
    });
    expect(await daemon.stop()).toBe(0);
  });
});

/** Runs code within the daemon at a signal: the bug that the daemon does not have. */
const later = (code: string, signal: NodeJS.Signals): string =>
  `--import=data:text/javascript,${encodeURIComponent(`process.on('${signal}', () => { ${code} });`)}`;
