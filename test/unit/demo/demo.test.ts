/** The demo's own judgement: options, configuration, verification, summary. */
import { describe, expect, it } from 'vitest';
import { feedsFile } from '../../../demo/configuration.js';
import { parseOptions } from '../../../demo/options.js';
import type { Proxies, RoundData } from '../../../demo/proxies.js';
import { countReasons, grouped, renderSummary, spread } from '../../../demo/summary.js';
import { compareAnswer, compareOrder, createVerifier } from '../../../demo/verify.js';
import { BTC, both, ETH, said } from './rounds.js';

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
