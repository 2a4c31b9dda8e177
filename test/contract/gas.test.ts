// What updates and reads cost, measured on anvil: never above the design's ceilings, and never more than 1 % above the
// figures kept in contracts/gas.json. After a change that is meant, `tsx scripts/gas.ts --write` keeps the new ones.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { READS, UPDATES } from '../../scripts/gas/cases.js';
import { type JsonFigure, keyOf, toFigures } from '../../scripts/gas/figures.js';
import type { Figures } from '../../scripts/gas/measure.js';

const GROWTH_ALLOWED = 1.01;

const kept: JsonFigure[] = JSON.parse(
  readFileSync(new URL('../../contracts/gas.json', import.meta.url), 'utf8'),
);
let figures: Figures;

beforeAll(async () => {
  const script = fileURLToPath(new URL('../../scripts/build-contracts.mjs', import.meta.url));
  const build = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect(build.status, build.stderr).toBe(0);
  const { measure } = await import('../../scripts/gas/measure.js');
  figures = await measure();
}, 300_000);

describe('gas', () => {
  test('every update is at or under its ceiling', () => {
    expect(figures.updates).toHaveLength(UPDATES.length);
    expect(figures.updates.filter(({ gas, ceiling }) => gas > ceiling)).toEqual([]);
  });

  test('every read is at or under its ceiling', () => {
    expect(figures.reads).toHaveLength(READS.length);
    expect(figures.reads.filter(({ gas, ceiling }) => gas > ceiling)).toEqual([]);
  });

  test('no figure has grown by more than 1 % over the one kept', () => {
    const before = new Map(kept.map((figure) => [keyOf(figure), figure.gas]));
    const now = toFigures(figures);
    expect([...before.keys()].sort()).toEqual(now.map(keyOf).sort());
    const grown = now.filter((figure) => figure.gas > (before.get(keyOf(figure)) ?? 0) * GROWTH_ALLOWED);
    expect(grown).toEqual([]);
  });
});
