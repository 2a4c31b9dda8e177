/** What stands in several files, or where nothing reads it, is never ignored in silence. */
import { describe, expect, it } from 'vitest';
import { ANVIL_ADDRESSES } from '../../support/anvil.js';
import { load, refused, threeVenues } from '../../support/load-config.js';

const FEEDS = threeVenues();
const SIGNERS = `signers: ["${ANVIL_ADDRESSES[0]}", "${ANVIL_ADDRESSES[1]}"]`;
const GROUPS = `groups:\n  - name: one\n    feeds:\n${FEEDS.split('\n').slice(1, -1).join('\n').replace(/^/gm, '    ')}\n`;

describe('several files', () => {
  it('may keep feeds and their group apart', () => {
    const { config } = load({ 'a.yaml': `group: { threshold: 2, ${SIGNERS} }\n`, 'b.yaml': FEEDS });
    expect(config.groups[0]).toMatchObject({ threshold: 2, signers: { length: 2 } });
  });

  it.each([
    [
      'a threshold and signers in a second `group`',
      {
        'a.yaml': `group: { heartbeat: 60s }\n${FEEDS}`,
        'b.yaml': `\ngroup: { threshold: 2, ${SIGNERS} }\n`,
      },
      'b.yaml:2 group: stands in a.yaml as well; write it in one file only',
    ],
    [
      'a second `poll`',
      { 'a.yaml': `poll: 2s\n${FEEDS}`, 'b.yaml': 'poll: 30s\n' },
      'b.yaml:1 poll: stands in a.yaml as well; write it in one file only',
    ],
    [
      'a second `logLevel`',
      { 'a.yaml': FEEDS, 'b.yaml': 'logLevel: info\n', 'c.yaml': 'logLevel: debug\n' },
      'c.yaml:1 logLevel: stands in b.yaml as well; write it in one file only',
    ],
    [
      '`group` beside `groups` only',
      { 'a.yaml': `group: { deviation: 0.1 }\n${GROUPS}` },
      'a.yaml:1 group: belongs to a plain list of `feeds`, and there is none; a group of `groups` has its settings beside its `name`',
    ],
    [
      '`group` beside an empty list',
      { 'a.yaml': `feeds: []\ngroup: { deviation: 0.1 }\n${GROUPS}` },
      'a.yaml:2 group: belongs to a plain list of `feeds`, and there is none; a group of `groups` has its settings beside its `name`',
    ],
  ])('%s is refused', (_name, files, expected) => {
    expect(refused(files)).toEqual([expected]);
  });

  it('33 feeds over two files are one too many for a group', () => {
    const many = (from: number, count: number) =>
      `feeds:\n${Array.from({ length: count }, (_, i) => `  - { name: F${from + i}/USD, minSources: 1, sources: [{ coinbase: F${from + i}-USD }] }\n`).join('')}`;
    expect(load({ 'a.yaml': many(0, 20), 'b.yaml': many(20, 12) }).config.groups[0]?.feeds).toHaveLength(32);
    expect(refused({ 'a.yaml': many(0, 20), 'b.yaml': many(20, 13) })).toEqual([
      'b.yaml:14 feeds[12] "F32/USD": is one too many: a group holds at most 32 feeds, this one has 33; spread them over `groups`',
    ]);
  });
});
