import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMask } from '../../../src/telemetry/logger.js';
import { openTracing, ROUND_STEPS, type RoundTrace } from '../../../src/telemetry/tracing.js';
import { json } from '../../support/prices/venue.js';
import { type Receiver, type Span, startCollector, traceOf } from './receivers.js';

const SECRET = 'very-secret-api-key';
const START = 1_700_000_000_000;
const roundOf = (steps: number, error?: string): RoundTrace => ({
  attributes: { 'oracle.group': 'default', 'oracle.feeds': ['ETH/USD'] },
  steps: ROUND_STEPS.slice(0, steps).map((name, index) => ({
    name,
    startMs: START + index * 10,
    endMs: START + (index + 1) * 10,
  })),
  ...(error === undefined ? {} : { error }),
});

async function start(batchDelayMs = 10, headers: Record<string, string> = {}) {
  const collector = await startCollector();
  onTestFinished(() => collector.close());
  const lines: { event: string; level: string; detail?: string }[] = [];
  const log = pino(
    { formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  const tracing = await openTracing({
    endpoint: `${collector.url}/`,
    headers,
    serviceName: 'oracle-test',
    serviceVersion: '1.2.3',
    instance: 'pod-1',
    mask: createMask([SECRET]),
    log,
    batchDelayMs,
  });
  onTestFinished(() => tracing.close());
  const arrived = (id: string | undefined) => collector.until(traceOf(id), 'the trace');
  return { collector, tracing, lines, arrived };
}
const shape = (spans: readonly Span[]) =>
  [...spans]
    .sort((a, b) => Number(a.startNs - b.startNs) || (a.parentSpanId === undefined ? -1 : 1))
    .map(({ name }) => name);
/** Waits until the collector was asked that often. */
const asked = (collector: Receiver<Span>, times: number) =>
  expect.poll(() => collector.asked.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(times);

describe('the trace of a round', () => {
  it('has a root and under it a span per step, in order, at the times of the round', async () => {
    const { tracing, arrived } = await start();
    const spans = await arrived(tracing.round(roundOf(5)));
    expect(shape(spans)).toEqual(['round', ...ROUND_STEPS]);
    const root = spans.find(({ name }) => name === 'round');
    for (const span of spans) expect(span.parentSpanId).toBe(span === root ? undefined : root?.spanId);
    expect(root).toMatchObject({
      startNs: BigInt(START) * 1_000_000n,
      endNs: BigInt(START + 50) * 1_000_000n,
      attributes: { 'oracle.group': 'default', 'oracle.feeds': ['ETH/USD'] },
      resource: { 'service.name': 'oracle-test', 'service.version': '1.2.3', 'service.instance.id': 'pod-1' },
    });
  });

  it('that failed ends with the step that failed, and both it and the root are errors', async () => {
    const { tracing, arrived } = await start();
    const spans = await arrived(tracing.round(roundOf(3, 'paused: GroupPaused')));
    expect(shape(spans)).toEqual(['round', 'sources', 'decision', 'signing']);
    const failed = spans.filter(({ status }) => status.code === 2);
    expect(failed.map(({ name }) => name).sort()).toEqual(['round', 'signing']);
    for (const { status } of failed) expect(status.message).toBe('paused: GroupPaused');
  });

  it('keeps its order when the clock was set back meanwhile', async () => {
    const { tracing, arrived } = await start();
    const [first, second] = roundOf(2).steps;
    const back = { ...second!, startMs: START - 5_000, endMs: START - 4_000 };
    const spans = await arrived(tracing.round({ attributes: {}, steps: [first!, back] }));
    for (const { startNs, endNs } of spans) expect(endNs >= startNs).toBe(true);
    expect(shape(spans)).toEqual(['round', 'sources', 'decision']);
  });

  it('shows no secret, wherever it stands', async () => {
    const { tracing, collector, arrived } = await start();
    const [first] = roundOf(1).steps;
    const event = { name: 'observation', atMs: START, attributes: { source: `x?key=${SECRET}` } };
    const id = tracing.round({
      attributes: { a: SECRET, list: [`b ${SECRET}`] },
      steps: [{ ...first!, attributes: { c: SECRET }, events: [event] }],
      error: `refused: ${SECRET}`,
    });
    await arrived(id);
    expect(collector.text()).toContain('[redacted]');
    expect(collector.text()).not.toContain(SECRET);
  });
});

describe('the way to the collector', () => {
  it('carries the headers that were set', async () => {
    const { tracing, collector, arrived } = await start(10, {
      authorization: 'Bearer token-of-the-collector',
    });
    await arrived(tracing.round(roundOf(5)));
    expect(collector.asked[0]?.headers).toMatchObject({
      authorization: 'Bearer token-of-the-collector',
      'content-type': 'application/json',
    });
  });

  it('sends a batch again that was refused for the moment', async () => {
    const { tracing, collector, arrived } = await start();
    let refused = 0;
    const take = collector.take;
    collector.answer((one, response) => {
      refused += 1;
      if (refused === 1) json('{}', 503, { 'retry-after': '0' })(one, response);
      else take(one, response);
    });
    await arrived(tracing.round(roundOf(5)));
    expect(refused).toBe(2);
  });

  it('away is said once, and once that it is back; rounds meanwhile cost nothing', async () => {
    const { tracing, collector, lines, arrived } = await start();
    const take = collector.take;
    collector.answer(json('{}', 400));
    for (let batch = 1; batch <= 3; batch += 1) {
      expect(tracing.round(roundOf(5))).toMatch(/^[0-9a-f]{32}$/);
      await asked(collector, batch);
    }
    collector.answer(take);
    await arrived(tracing.round(roundOf(5)));
    await expect.poll(() => lines.map(({ event }) => event)).toEqual(['traces_away', 'traces_back']);
    expect(lines[0]).toMatchObject({ level: 'warn', detail: 'HTTP status 400' });
  });

  it('holds a bounded number of spans while the collector hangs', async () => {
    const { tracing, collector } = await start(50);
    collector.answer(() => undefined);
    for (let round = 0; round < 5_000; round += 1) tracing.round(roundOf(5));
    await asked(collector, 1);
    collector.answer(collector.take);
    const begun = performance.now();
    await tracing.close();
    expect(performance.now() - begun).toBeLessThan(5_000);
    // Of 30,000 spans the 2,048 that are held at the most, and the batches that were under way.
    expect(collector.received.length).toBeGreaterThan(1_000);
    expect(collector.received.length).toBeLessThan(3_000);
  });

  it('that hangs does not hold the end up', async () => {
    const { tracing, collector, lines } = await start();
    collector.answer(() => undefined);
    tracing.round(roundOf(5));
    await asked(collector, 1);
    const begun = performance.now();
    await tracing.close();
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(lines.map(({ event }) => event)).toContain('traces_lost');
  });

  it('sends at the end what is still gathered', async () => {
    const { tracing, collector } = await start(60_000);
    const id = tracing.round(roundOf(5));
    await tracing.close();
    expect(traceOf(id)(collector.received)).toHaveLength(6);
  });
});
