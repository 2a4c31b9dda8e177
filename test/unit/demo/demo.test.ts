/** The demo's own judgement and its texts: options, verification, summary, screen and plain lines. */
import { describe, expect, it } from 'vitest';
import { feedsFile } from '../../../demo/configuration.js';
import type { SaidRound, Status } from '../../../demo/daemon.js';
import { createDisplay } from '../../../demo/display.js';
import { parseOptions } from '../../../demo/options.js';
import type { Proxies, RoundData } from '../../../demo/proxies.js';
import { countReasons, grouped, renderSummary, spread } from '../../../demo/summary.js';
import { compareAnswer, compareOrder, createVerifier } from '../../../demo/verify.js';
import { feedRow, trimZeros, type View } from '../../../demo/view.js';

const BTC = { name: 'BTC/USD', decimals: 8, proxy: '0x01' } as const;
const ETH = { name: 'ETH/USD', decimals: 8, proxy: '0x02' } as const;

const said = (round: number, answers: SaidRound['answers'], gasUsed = 37_000n): SaidRound => ({
  event: 'round_confirmed',
  round,
  timestamp: 1_000 + 5 * round,
  answers,
  hash: `0x${round}`,
  gasUsed,
  seconds: 1 + round / 10,
});
const both = (round: number, btc: bigint, eth: bigint) =>
  said(round, [
    { feed: 'BTC/USD', answer: btc, reason: 'deviation' },
    { feed: 'ETH/USD', answer: eth, reason: 'companion' },
  ]);

describe('the options', () => {
  it('take ROUNDS from make, and none when it is empty', () => {
    expect(parseOptions(['--rounds', '20'])).toMatchObject({ ok: true, options: { rounds: 20 } });
    expect(parseOptions(['--rounds', ''])).toMatchObject({ ok: true, options: { rounds: undefined } });
    expect(parseOptions([])).toMatchObject({
      ok: true,
      options: { heartbeatSeconds: 10, deviation: '0.25', seed: 1 },
    });
  });

  it.each([
    [['--rounds', '0'], '--rounds "0"'],
    [['--rounds', '1e3'], '--rounds "1e3"'],
    [['--deviation', '0'], '--deviation "0"'],
    [['--speed', '-1'], '--speed'],
    [['--what'], '--what'],
    [['20'], '20'],
  ])('refuse %j and name it', (args, named) => {
    const result = parseOptions(args);
    expect(result.ok).toBe(false);
    expect(result.ok ? '' : result.message).toContain(named);
  });
});

describe('the feeds file', () => {
  it('points every exchange at its own server and bridges USDT for Binance', () => {
    const file = feedsFile({ kraken: 'http://127.0.0.1:4001' });
    expect(file).toContain('kraken:\n    baseUrl: http://127.0.0.1:4001\n');
    expect(file).toContain('- binance: BTCUSDT\n        convert: USDT/USD\n');
    expect(file).toContain('- name: USDT/USD\n');
  });
});

describe('the verification', () => {
  const answer = { feed: 'BTC/USD', answer: 5n };
  const at = { round: 3, timestamp: 1_015 };
  it.each<[string, RoundData | undefined, string | undefined]>([
    ['nothing when all is equal', { round: 3, answer: 5n, updatedAt: 1_015 }, undefined],
    [
      'nothing when the block was earlier than the tick',
      { round: 3, answer: 5n, updatedAt: 1_014 },
      undefined,
    ],
    ['an answer that is off by one', { round: 3, answer: 6n, updatedAt: 1_015 }, 'says 6'],
    ['another round', { round: 2, answer: 5n, updatedAt: 1_015 }, 'round 2'],
    ['an answer dated after its report', { round: 3, answer: 5n, updatedAt: 1_016 }, 'dated 1016'],
    ['a missing round', undefined, 'no data'],
  ])('tells %s', (_what, found, expected) => {
    const difference = compareAnswer('getRoundData', at, answer, found);
    if (expected === undefined) expect(difference).toBeUndefined();
    else expect(difference).toContain(expected);
  });

  it('tells of rounds that are left out or come twice', () => {
    expect(compareOrder([both(1, 1n, 1n), both(2, 1n, 1n)])).toEqual([]);
    expect(compareOrder([both(1, 1n, 1n), both(3, 1n, 1n)])).toHaveLength(1);
    expect(compareOrder([both(1, 1n, 1n), both(1, 1n, 1n)])).toHaveLength(1);
    expect(compareOrder([both(2, 1n, 1n), both(3, 1n, 1n)])).toHaveLength(1);
  });

  /** A chain whose rounds can be set. */
  function chain() {
    const held = new Map<string, Map<number, RoundData>>();
    const proxies: Proxies = {
      at: async (proxy, round) => held.get(proxy)?.get(round),
      latest: async (proxy) => [...(held.get(proxy)?.values() ?? [])].at(-1),
      height: async () => 1n,
    };
    const hold = (proxy: string, data: RoundData) => {
      held.set(proxy, (held.get(proxy) ?? new Map()).set(data.round, data));
    };
    return { proxies, hold };
  }

  it('reads every answer back through the proxies, and the newest once more at the end', async () => {
    const { proxies, hold } = chain();
    const verifier = createVerifier(proxies, [BTC, ETH]);
    const rounds = [both(1, 100n, 10n), both(2, 101n, 11n)];
    for (const round of rounds) {
      hold(BTC.proxy, { round: round.round, answer: round.answers[0]!.answer!, updatedAt: round.timestamp });
      hold(ETH.proxy, { round: round.round, answer: round.answers[1]!.answer!, updatedAt: round.timestamp });
      await verifier.check(round);
    }
    await verifier.finish(rounds);
    expect(verifier.result()).toEqual({ getRoundData: 4, latestRoundData: 6, differences: [] });
  });

  it('finds a wrong answer, a round that the daemon kept to itself, and a feed that nobody deployed', async () => {
    const { proxies, hold } = chain();
    const verifier = createVerifier(proxies, [BTC]);
    const round = both(1, 100n, 10n);
    hold(BTC.proxy, { round: 1, answer: 99n, updatedAt: round.timestamp });
    await verifier.check(round);
    hold(BTC.proxy, { round: 2, answer: 100n, updatedAt: round.timestamp });
    await verifier.finish([round]);
    const { differences } = verifier.result();
    expect(differences.some((text) => text.includes('getRoundData says 99'))).toBe(true);
    expect(differences.some((text) => text.includes('unknown feed, ETH/USD'))).toBe(true);
    expect(differences.some((text) => text.includes('latestRoundData tells of round 2'))).toBe(true);
  });

  it('lets a feed be missing from a round', async () => {
    const { proxies } = chain();
    const verifier = createVerifier(proxies, [BTC]);
    await verifier.check(said(1, [{ feed: 'BTC/USD', answer: undefined, reason: 'too_few_sources' }]));
    expect(verifier.result()).toEqual({ getRoundData: 0, latestRoundData: 0, differences: [] });
  });
});

describe('the summary', () => {
  it('takes the lower of two middles, and nothing of nothing', () => {
    expect(spread([3, 1, 2, 4])).toEqual({ min: 1, median: 2, max: 4 });
    expect(spread([])).toBeUndefined();
    expect(grouped(1_234_567n)).toBe('1,234,567');
  });

  it('counts a reason once per round and once per answer', () => {
    const counts = countReasons([both(1, 1n, 1n), both(2, 1n, 1n)]);
    expect(counts.get('deviation')).toEqual({ rounds: 2, answers: 2 });
    expect(counts.get('companion')).toEqual({ rounds: 2, answers: 2 });
  });

  it('names what differed', () => {
    const lines = renderSummary({
      rounds: [both(1, 1n, 1n), { ...both(2, 1n, 1n), gasUsed: 40_000n }],
      elapsedMs: 12_345,
      heartbeatSeconds: 10,
      verification: { getRoundData: 4, latestRoundData: 3, differences: ['BTC/USD, round 2: …'] },
      daemonExit: 'ended with code 0',
    }).join('\n');
    expect(lines).toContain('2 in 12 s');
    expect(lines).toContain('min 37,000, median 37,000, max 40,000');
    expect(lines).toContain('at most 5 s; the heartbeat is 10 s');
    expect(lines).toContain('BTC/USD, round 2: …');
  });
});

describe('what is shown', () => {
  const status: Status = {
    groups: [{ lastTransaction: { hash: '0xabc', gasUsed: 37_402n, blockNumber: 44n } }],
    feeds: [
      {
        name: 'BTC/USD',
        price: '13660.12000000',
        deviation: { percent: '0.15', threshold: '0.3', ratio: 0.5 },
        heartbeatSeconds: 10,
        reason: 'not_due',
        sources: [
          { label: 'kraken:XXBTZUSD', used: true },
          { label: 'bitstamp:btcusd', used: false, code: 'stale' },
        ],
      },
    ],
  };
  const found = { round: 7, answer: 1_365_500_000_000n, updatedAt: 1_000 };
  const row = feedRow(BTC, status, found, 1_003_400, 10);

  it('joins the status page with what the chain itself says', () => {
    expect(row).toMatchObject({
      median: '13660.12',
      onChain: '13655.00',
      deviation: '50 %',
      age: '3 of 10 s',
      fresh: '1 of 2',
      reason: 'not_due',
    });
  });

  it('shows what is known before the daemon answers', () => {
    expect(feedRow(BTC, undefined, undefined, 0, 10)).toMatchObject({ onChain: '-', age: '- of 10 s' });
  });

  it.each([
    ['1.50000000', '1.50'],
    ['0.46527000', '0.46527'],
    ['100', '100'],
    ['-2.00', '-2.00'],
  ])('prints %s as %s', (text, expected) => {
    expect(trimZeros(text)).toBe(expected);
  });

  const view: View = {
    elapsedMs: 61_000,
    recordedMs: Date.parse('2019-06-26T19:45:00Z'),
    speed: 30,
    height: 61n,
    round: 7,
    wantedRounds: 20,
    feeds: [row],
    transaction: '0xabc, 37402 gas, block 44',
    exchanges: [
      { name: 'coinbase', pid: 11, url: 'http://127.0.0.1:1', state: 'ended by SIGKILL' },
      { name: 'bitstamp', pid: 12, url: 'http://127.0.0.1:2', state: 'running' },
    ],
  };
  const places = {
    rpcUrl: 'http://127.0.0.1:3',
    aggregator: '0x0a',
    metricsUrl: 'http://127.0.0.1:8000/metrics',
    statusUrl: 'http://127.0.0.1:8080/',
    logFile: 'demo/.run/x/daemon.log',
  };

  function show(isTTY: boolean, looks: readonly View[]) {
    let text = '';
    const display = createDisplay(
      { isTTY, columns: 200, rows: 60, write: (part) => (text += part) },
      () => 1_234,
    );
    display.begin(places, view.exchanges);
    for (const look of looks) display.update(look, []);
    display.end();
    return text;
  }

  it('draws a terminal over its last drawing, with the metrics, the pids and how to kill one that lives', () => {
    const text = show(true, [view, view]);
    expect(text).toContain('round 7 of 20');
    expect(text).toContain('2019-06-26 19:45:00');
    expect(text).toContain('http://127.0.0.1:8000/metrics');
    expect(text).toContain('kill 12 (bitstamp)');
    const height = text.split('\x1b[J')[1]!.split('\n').length - 1;
    expect(text).toContain(`\x1b[${height}A\r\x1b[J`);
  });

  it('never draws more lines or columns than the window has', () => {
    let text = '';
    const display = createDisplay(
      { isTTY: true, columns: 40, rows: 10, write: (part) => (text += part) },
      () => 0,
    );
    display.begin(places, view.exchanges);
    display.update(view, []);
    const lines = text.split('\x1b[J')[1]!.split('\n');
    expect(lines).toHaveLength(10);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
  });

  it('prints a feed again without a terminal only when its sources or its guard changed', () => {
    const held = { ...row, median: '-', fresh: '0 of 2', reason: 'too_few_sources', detail: '1 of 2' };
    const text = show(false, [view, view, { ...view, feeds: [held] }, { ...view, feeds: [held] }]);
    const lines = text.split('\n').filter((line) => line.includes('BTC/USD'));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('sources 0 of 2  reason too_few_sources (1 of 2)');
    expect(text).not.toContain('\x1b');
  });

  it('says after a round what brought a feed into it, but never hides that it is held back by now', () => {
    let text = '';
    const display = createDisplay({ write: (part) => (text += part) }, () => 0);
    const round = both(3, 1n, 1n);
    display.update({ ...view, feeds: [{ ...row, reason: 'pending' }] }, [round]);
    display.update({ ...view, feeds: [{ ...row, median: '-', reason: 'too_few_sources' }] }, [round]);
    expect(text).toContain('round 3 confirmed in 1.30 s, 37000 gas');
    expect(text).toMatch(/median 13660\.12 .* reason deviation\n/);
    expect(text).toMatch(/median - .* reason too_few_sources\n/);
  });
});
