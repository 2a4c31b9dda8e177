/** `make demo` from outside: it ends by itself and verifies, and an operator may kill its exchanges one by one. */
import { rmSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lives, type RunningDemo, startDemo } from './demo-driver.js';

const FEEDS = ['BTC/USD', 'ETH/USD', 'LTC/USD', 'XRP/USD'];
const VENUES = ['coinbase', 'kraken', 'binance', 'bitstamp'];

const running: RunningDemo[] = [];
const start = (...args: string[]) => {
  const demo = startDemo(...args);
  running.push(demo);
  return demo;
};

afterEach(async () => {
  for (const demo of running.splice(0)) {
    demo.signal('SIGTERM');
    await demo.exit().catch(() => demo.signal('SIGKILL'));
  }
});

/** Removes the logs that a demo keeps when it failed, where failing is what it was to do. */
function discardLogs(demo: RunningDemo): void {
  const [, directory] = /the logs are in (.+)/.exec(demo.lines().join('\n')) ?? [];
  if (directory) rmSync(directory, { recursive: true });
}

/** The pids that the demo printed, by exchange. */
async function pids(demo: RunningDemo): Promise<Record<string, number>> {
  const found = await Promise.all(
    VENUES.map(async (name) => {
      const match = await demo.line(new RegExp(`exchange ${name}  pid (\\d+)  http://127\\.0\\.0\\.1:\\d+`));
      return [name, Number(match[1])] as const;
    }),
  );
  return Object.fromEntries(found);
}

/** Waits for a line of every feed that matches, from the lines after `from` on. */
const everyFeed = (demo: RunningDemo, pattern: string, from: number) =>
  Promise.all(FEEDS.map((feed) => demo.line(new RegExp(`${feed}  .*${pattern}`), { from })));

/** The page that the demo names, asked for its state. */
async function status(demo: RunningDemo) {
  const [, url] = await demo.line(/status page\s+(http:\S+)/);
  const response = await fetch(new URL('/v1/status', url), { signal: AbortSignal.timeout(5_000) });
  return (await response.json()) as {
    groups: { round: number }[];
    feeds: { name: string; reason: string; ageSeconds: number; heartbeatSeconds: number }[];
  };
}

describe('make demo ROUNDS=5', () => {
  it('ends by itself after the rounds, with every answer verified, and leaves nothing running', async () => {
    const demo = start('--rounds', '5', '--heartbeat', '6');
    const exchanges = await pids(demo);
    const [, rpcUrl = ''] = await demo.line(/chain\s+(http:[^,]+), aggregator 0x/);
    await demo.line(/metrics\s+http:\/\/127\.0\.0\.1:\d+\/metrics/);
    expect(await demo.exit()).toBe(0);

    const text = demo.lines().join('\n');
    const [, rounds = '0'] = /rounds\s+(\d+) in \d+ s/.exec(text) ?? [];
    expect(Number(rounds)).toBeGreaterThanOrEqual(5);
    const answers = Number(/verified\s+(\d+) through getRoundData/.exec(text)?.[1]);
    expect(answers).toBeGreaterThanOrEqual(5 * FEEDS.length);
    expect(text).toMatch(/by first_round\s+1 round\s+4 answers/);
    expect(text).toMatch(/the daemon\s+ended with code 0/);
    expect(text).toMatch(/differences\s+none/);
    for (const pid of Object.values(exchanges)) expect(lives(pid)).toBe(false);
    await expect(fetch(rpcUrl, { method: 'POST', body: '{}' })).rejects.toThrow();
  });

  it('exits 1 and names the round and the feed when the chain holds something else than the daemon said', async () => {
    const demo = start('--rounds', '3', '--heartbeat', '6', '--cli', 'test/e2e/demo-liar.mjs');
    expect(await demo.exit()).toBe(1);
    const text = demo.lines().join('\n');
    expect(text).toMatch(/\w+\/USD, round 2: the daemon said \d+, getRoundData says \d+/);
    expect(text).not.toMatch(/differences\s+none/);
    discardLogs(demo);
  });

  it('exits 1 with the last words of a daemon that died', async () => {
    const demo = start('--rounds', '3', '--cli', 'test/e2e/demo-crash.mjs');
    expect(await demo.exit()).toBe(1);
    const text = demo.lines().join('\n');
    expect(text).toContain('oracle-publisher ended with code 3');
    expect(text).toContain('the sky has fallen');
    discardLogs(demo);
  });

  it('exits 2 with its usage when it is asked for something that it does not know', async () => {
    const demo = start('--rounds', 'many');
    expect(await demo.exit()).toBe(2);
    expect(demo.lines().join('\n')).toMatch(/--rounds "many".*\n(.*\n)*usage: demo/);
  });
});

describe('an operator who kills exchanges in a running demo', () => {
  it('sees rounds go on without one, and nothing published when one is left; Ctrl-C then ends with the summary', async () => {
    const demo = start('--heartbeat', '6');
    const exchanges = await pids(demo);
    const kill = (name: string) => process.kill(exchanges[name] ?? 0, 'SIGKILL');
    await demo.line(/round 2 confirmed/);

    let from = demo.lines().length;
    kill('kraken');
    await demo.line(/exchange kraken was killed by SIGKILL/, { from });
    await everyFeed(demo, 'sources 3 of 4', from);

    from = demo.lines().length;
    const [, next = '0'] = await demo.line(/round (\d+) confirmed/, { from });
    const later = await demo.line(new RegExp(`round ${Number(next) + 2} confirmed in .*`), { from });
    for (const feed of FEEDS) expect(later[0]).toContain(feed);

    from = demo.lines().length;
    kill('coinbase');
    kill('binance');
    await everyFeed(demo, 'reason too_few_sources', from);

    const overdueBy = (heartbeats: number) =>
      vi.waitUntil(
        async () =>
          (await status(demo)).feeds.every(
            ({ ageSeconds, heartbeatSeconds }) => ageSeconds >= heartbeats * heartbeatSeconds,
          ),
        { timeout: 60_000, interval: 250 },
      );
    // A round that was decided just before may still have been on its way.
    await overdueBy(1);
    const { round } = (await status(demo)).groups[0]!;
    await overdueBy(2);
    const state = await status(demo);
    expect(state.groups[0]!.round).toBe(round);
    expect(state.feeds.map(({ reason }) => reason)).toEqual(FEEDS.map(() => 'too_few_sources'));

    demo.signal('SIGINT');
    expect(await demo.exit()).toBe(0);
    expect(demo.lines().join('\n')).toMatch(/differences\s+none/);
    expect(lives(exchanges.bitstamp ?? 0)).toBe(false);
  });
});
