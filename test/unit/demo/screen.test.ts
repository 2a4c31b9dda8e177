/** What the demo shows, on a terminal and without one. */
import { describe, expect, it } from 'vitest';
import type { Status } from '../../../demo/daemon.js';
import { createDisplay } from '../../../demo/display.js';
import { feedRow, trimZeros, type View } from '../../../demo/view.js';
import { BTC, both } from './rounds.js';

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
