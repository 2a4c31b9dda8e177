/** Every configuration that is shipped or shown in a document is one that loads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { feedsFile } from '../../../demo/configuration.js';
import { shippedPresets } from '../../../src/config/presets.js';
import { load } from '../../support/load-config.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const examplesOf = (path: string) =>
  [...read(path).matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
const indent = (text: string) => text.replace(/^(?=.)/gm, '  ');
const FEED = 'feeds:\n  - name: ETH/USD\n    minSources: 1\n    sources: [{ SOURCE }]\n';

describe('an example', () => {
  it.each(
    ['README.md', 'config/README.md'].flatMap((path) =>
      examplesOf(path).map((text, index) => [path, index + 1, text] as const),
    ),
  )('of %s loads (the %i.)', (_path, _number, text) => {
    expect(load(text, { TOKEN: 'a-token' }).config.groups[0]?.feeds).not.toHaveLength(0);
  });

  it('stands in config/README.md for each kind that has no other description', () => {
    const text = examplesOf('config/README.md').join('');
    for (const kind of ['aggregator:', 'feed:', 'external-adapter:']) expect(text).toContain(kind);
  });

  it('of a preset loads', () => {
    const [preset = '', stream = ''] = examplesOf('config/sources/README.md');
    const presets = `sources:\n${indent(preset)}  mine:\n${indent(stream)}    kind: websocket\n    url: "wss://x.example"\n    path: $.p\n    fixedQuote: USD\n`;
    for (const source of ['kraken: XETHZUSD', 'mine: ETH'])
      expect(load(presets + FEED.replace('SOURCE', source)).config.groups).toHaveLength(1);
  });
});

describe('what is shipped', () => {
  it.each([
    'config',
    'compose/config',
    'k8s/base/config',
    'k8s/overlays/dev/config',
    'k8s/overlays/staging/config',
    'k8s/overlays/prod/config',
    'k8s/overlays/prod-shadow/config',
  ])('loads: %s/feeds.yaml', (directory) => {
    expect(load(read(`${directory}/feeds.yaml`)).config.groups).toHaveLength(1);
  });

  it('loads: the demo’s configuration', () => {
    const urls = Object.fromEntries(
      ['coinbase', 'kraken', 'binance', 'bitstamp'].map((name) => [name, 'http://127.0.0.1:9']),
    );
    expect(load(feedsFile(urls)).config.groups[0]?.feeds).toHaveLength(4);
  });

  it('are presets that keep the rules of one’s own', () => {
    const touched = [...shippedPresets().keys()].map((name) => `  ${name}: { deadline: 3s }\n`).join('');
    expect(
      load(`sources:\n${touched}${FEED.replace('SOURCE', 'kraken: XETHZUSD')}`).config.groups,
    ).toHaveLength(1);
  });
});
