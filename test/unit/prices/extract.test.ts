import { describe, expect, it } from 'vitest';
import { whole } from '../../../src/common/rational.js';
import type { JsonExtraction } from '../../../src/config/types.js';
import { readJson } from '../../../src/prices/json/document.js';
import { createExtractor, type Transformation } from '../../../src/prices/json/extract.js';
import { parseTime } from '../../../src/prices/json/timestamp.js';
import { exact } from '../../support/prices/feeds.js';

const NOW = 1_700_000_000_000;

function read(text: string, how: Partial<JsonExtraction & Transformation> = {}) {
  const json = readJson(text);
  if (!json.ok) return { ok: false as const, code: 'not_json' as const, detail: json.detail };
  const all = { path: '$.p', timeUnit: 'ms' as const, scale: whole(1n), invert: false, ...how };
  return createExtractor(all, all)(json.document, NOW);
}

describe('numbers out of JSON', () => {
  it.each([
    ['0.1', '0.1'],
    ['"0.1"', '0.1'],
    ['123456789012345678901234567890.123456789', '123456789012345678901234567890.123456789'],
    ['1e-7', '0.0000001'],
    ['2.5E+3', '2500'],
    ['" 42.0 "', '42'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['-0', '0'],
  ])('%s is exactly %s', (literal, value) => {
    expect(read(`{"p":${literal}}`)).toMatchObject({ ok: true, value: exact(value) });
  });

  it.each([
    ['null', 'not_a_number'],
    ['true', 'not_a_number'],
    ['""', 'not_a_number'],
    ['"NaN"', 'not_a_number'],
    ['"Infinity"', 'not_a_number'],
    ['"0x10"', 'not_a_number'],
    ['"1,234.5"', 'not_a_number'],
    ['"$1"', 'not_a_number'],
    ['[]', 'not_a_number'],
    ['{"x":1}', 'not_a_number'],
    ['1e400', 'out_of_range'],
    [`"${'9'.repeat(150)}"`, 'out_of_range'],
  ])('%s is an error with a code, never a zero', (literal, code) => {
    expect(read(`{"p":${literal}}`)).toMatchObject({ ok: false, code });
  });

  it('scales, then inverts, exactly', () => {
    expect(read('{"p":"8"}', { scale: { n: 1n, d: 100n } })).toMatchObject({ value: exact('0.08') });
    expect(read('{"p":"8"}', { scale: { n: 1n, d: 100n }, invert: true })).toMatchObject({
      value: exact('12.5'),
    });
    expect(read('{"p":"3"}', { invert: true })).toMatchObject({ value: { n: 1n, d: 3n } });
    expect(read('{"p":0}', { invert: true })).toMatchObject({ ok: false, code: 'out_of_range' });
  });

  it('filters work on values, and the literal is taken from the text', () => {
    const text = '[{"s":"A","v":1.10,"ok":true},{"s":"B","v":2.20,"n":5}]';
    expect(read(text, { path: "$[?@.s == 'B' && @.n > 4].v" })).toMatchObject({ value: exact('2.2') });
    expect(read(text, { path: '$[-1].v' })).toMatchObject({ value: exact('2.2') });
    expect(read(text, { path: '$[?@.ok].v' })).toMatchObject({ value: exact('1.1') });
  });

  it('a path that selects several values selects none', () => {
    expect(read('{"a":{"p":1},"b":{"p":2}}', { path: '$.*.p' })).toMatchObject({ code: 'path_missing' });
  });

  it('keys named like parts of the language are data like any other', () => {
    expect(read('{"__proto__":{"p":1}}', { path: '$.__proto__.p' })).toMatchObject({ value: exact('1') });
    expect(read('{"a":1}', { path: '$.constructor.name' })).toMatchObject({ code: 'path_missing' });
    expect(read('{"a":1}', { path: '$.__proto__' })).toMatchObject({ code: 'path_missing' });
    read('{"__proto__":{"polluted":"1"},"constructor":{"prototype":{"polluted":"1"}}}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('a key with two values is refused: readers differ in which they take', () => {
    expect(read('{"p":1,"p":2}')).toMatchObject({ code: 'not_json', detail: 'a key occurs twice' });
  });

  it('nesting without end is refused, not fatal', () => {
    expect(read('['.repeat(200_000))).toMatchObject({ ok: false, code: 'not_json' });
    const deep = `{"p":${'['.repeat(200)}1${']'.repeat(200)}}`;
    expect(read(deep, { path: '$..nothing' })).toMatchObject({ ok: false, code: 'path_missing' });
  });

  it('a path that is none fails each reading with a code', () => {
    expect(read('{"p":1}', { path: '$.p[' })).toMatchObject({ code: 'path_missing' });
    expect(read('{"p":1}', { errorPath: 'no path' })).toMatchObject({ code: 'path_missing' });
  });
});

describe('errors told with status 200', () => {
  it.each(['null', 'false', '0', '0.0', '""', '"0"', '"00000"', '[]', '{}'])('%s is no error', (literal) => {
    expect(read(`{"p":1,"e":${literal}}`, { errorPath: '$.e' })).toMatchObject({ ok: true });
  });
  it.each(['true', '1', '-1', '"x"', '"0001"', '[0]', '{"a":null}'])('%s is one', (literal) => {
    expect(read(`{"p":1,"e":${literal}}`, { errorPath: '$.e' })).toMatchObject({ code: 'venue_error' });
  });
  it('what the venue says is quoted on one line and cut', () => {
    const result = read(`{"e":"bad\\nline${'x'.repeat(500)}"}`, { errorPath: '$.e' });
    expect(result.ok).toBe(false);
    if (!result.ok) {
      expect(result.detail).not.toMatch(/\n/);
      expect(result.detail.length).toBeLessThan(161);
    }
  });
  it('a market that is not open gives no price', () => {
    const how = { statusPath: '$.s', statusOk: ['online', '1'] };
    expect(read('{"p":1,"s":"online"}', how)).toMatchObject({ ok: true });
    expect(read('{"p":1,"s":1}', how)).toMatchObject({ ok: true });
    expect(read('{"p":1,"s":"halted"}', how)).toMatchObject({ code: 'market_suspended' });
    expect(read('{"p":1}', how)).toMatchObject({ code: 'path_missing' });
  });
});

describe('times', () => {
  it.each([
    ['1700000000', 's', 1_700_000_000_000],
    ['1700000000.9999', 's', 1_700_000_000_999],
    ['1700000000123', 'ms', 1_700_000_000_123],
    ['1700000000123999', 'us', 1_700_000_000_123],
    ['1700000000123999999', 'ns', 1_700_000_000_123],
    ['2023-11-14T22:13:20Z', 'iso', 1_700_000_000_000],
    ['2023-11-14T22:13:20.1239999Z', 'iso', 1_700_000_000_123],
    ['2023-11-14T23:13:20+01:00', 'iso', 1_700_000_000_000],
    ['2023-11-14T23:13:20+0100', 'iso', 1_700_000_000_000],
    ['2023-11-14 22:13:20', 'iso', 1_700_000_000_000],
    ['2023-11-14T22:13:20.5', 'iso', 1_700_000_000_500],
  ] as const)('%s in %s', (text, unit, ms) => {
    expect(parseTime(text, unit)).toBe(ms);
  });
  it.each([
    ['', 'ms'],
    ['0', 's'],
    ['-5', 's'],
    ['1700000000', 'ms'],
    ['1700000000000', 's'],
    ['yesterday', 'iso'],
    ['2023-13-40T22:13:20Z', 'iso'],
    ['14.11.2023', 'iso'],
    ['NaN', 'ms'],
  ] as const)('"%s" in %s is none', (text, unit) => {
    expect(parseTime(text, unit)).toBeUndefined();
  });

  const timed = { timePath: '$.t' };
  it('a time ahead counts as receipt within a minute, beyond it is refused', () => {
    expect(read(`{"p":1,"t":${NOW + 60_000}}`, timed)).toMatchObject({
      observedAtMs: NOW,
      timeFrom: 'venue',
    });
    expect(read(`{"p":1,"t":${NOW + 60_001}}`, timed)).toMatchObject({ code: 'time_invalid' });
  });
  it('a missing time is an error, not the moment of receipt', () => {
    expect(read('{"p":1}', timed)).toMatchObject({ code: 'time_invalid' });
    expect(read('{"p":1,"t":null}', timed)).toMatchObject({ code: 'time_invalid' });
  });
});
