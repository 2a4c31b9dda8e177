/** The canary's comparison, against two status ports that say what each test wants. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ROOT } from './support/kube.js';
import { start } from './support/processes.js';

interface Told {
  readonly price?: string | null;
  readonly reason?: string;
  readonly round?: number;
  readonly dryRun?: boolean;
  readonly age?: number;
}

/** A status port; what it tells may change from one look to the next. */
async function port(tell: (look: number) => Told, dryRun: boolean): Promise<string> {
  let looks = 0;
  const server = createServer((_request, response) => {
    const { price = '3000.00', reason = 'not_due', round = 7, age = 0, ...rest } = tell(looks++);
    const deviation = price === null ? null : { threshold: '0.5' };
    response.end(
      JSON.stringify({
        ...{ version: '1', configHash: 'a', dryRun, ...rest },
        groups: [{ name: 'majors', round }],
        feeds: [
          {
            ...{ name: 'ETH/USD', group: 'majors', price, reason, deviation },
            ...{ ageSeconds: age, heartbeatSeconds: 60 },
          },
        ],
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function compare(live: (look: number) => Told, shadow: (look: number) => Told) {
  const [liveUrl, shadowUrl] = [await port(live, false), await port(shadow, true)];
  const running = start(process.execPath, [
    join(ROOT, 'scripts/ops/compare-shadow.mjs'),
    ...['--live', liveUrl, '--shadow', shadowUrl, '--minutes', '0.03', '--every', '40ms'],
  ]);
  return { status: await running.ended, output: running.output() };
}

/** Twenty looks of waiting, one round. */
const roundAt = (look: number) => ({ round: look < 20 ? 7 : 8 });
const dueAt = (look: number) => ({ reason: look > 15 && look < 20 ? 'heartbeat' : 'not_due' });

it('agrees on equal prices and rounds that the shadow wanted', async () => {
  const { status, output } = await compare(roundAt, (look) => ({ ...roundAt(look), ...dueAt(look) }));
  expect(status, output).toBe(0);
  expect(output).toMatch(/ETH\/USD +\d+ +0\.0000 % +0\.0500 % +0 +0 +ok/);
  expect(output).toMatch(/majors +1 +1 +ok/);
});

it('agrees when the shadow is one tick ahead of a market that moves', async () => {
  const price = (look: number) => String(3000 + 30 * look);
  const { status, output } = await compare(
    (look) => ({ price: price(look) }),
    (look) => ({ price: price(look + 1) }),
  );
  expect(status, output).toBe(0);
});

it.each([
  [
    'prices are further apart than a tenth of the threshold',
    () => ({ price: '3002.00' }),
    'the prices of ETH/USD differ',
  ],
  [
    'the shadow has no price',
    () => ({ price: null, reason: 'too_few_sources' }),
    'the prices of ETH/USD differ',
  ],
  ['the shadow did not want the round', () => ({}), 'wanted 0 of 1 rounds of majors'],
  ['the shadow publishes', () => ({ dryRun: false }), 'is no shadow: it publishes'],
] as const)('differs when %s', async (_name, shadow, problem) => {
  const { status, output } = await compare(roundAt, (look) => ({
    ...(problem.startsWith('wanted') ? {} : dueAt(look)),
    ...shadow(),
  }));
  expect([status, output]).toEqual([1, expect.stringContaining(problem)]);
});

it('agrees with a heartbeat that a slow chain made earlier than the shadow, which measures no inclusion, would have', async () => {
  const { status, output } = await compare(
    (look) => ({ ...roundAt(look), age: look < 20 ? 35 : 0 }),
    roundAt,
  );
  expect(status, output).toBe(0);
  expect(output).toMatch(/majors +1 +1 +ok/);
});

it('does not agree with what does not answer', async () => {
  const running = start(process.execPath, [
    join(ROOT, 'scripts/ops/compare-shadow.mjs'),
    ...[
      '--live',
      'http://127.0.0.1:9',
      '--shadow',
      'http://127.0.0.1:9',
      '--minutes',
      '0.01',
      '--every',
      '50ms',
    ],
  ]);
  expect([await running.ended, running.output()]).toEqual([1, expect.stringContaining('had no answer')]);
  const wrong = start(process.execPath, [join(ROOT, 'scripts/ops/compare-shadow.mjs'), '--live', 'x']);
  expect(await wrong.ended).toBe(2);
});
