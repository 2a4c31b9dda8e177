import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configDir } from '../../support/config-dir.js';
import { command } from '../../support/daemon/process.js';
import { startWorld, type World } from '../../support/daemon/world.js';
import { threeVenues } from '../../support/load-config.js';
import { json } from '../../support/prices/venue.js';

describe('check-config', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(async () => world?.close());

  it('needs neither chain nor key to check files, and names what is wrong with exit code 2', async () => {
    const good = await command(['check-config', '--config', world.directory], {});
    expect(good.code, good.stderr).toBe(0);
    expect(good.stdout).toContain('The configuration is good');
    const directory = configDir({
      'feeds.yaml': 'feeds:\n  - name: ETHUSD\n    sources: [{ kraken: XETHZUSD }]\n',
    });
    const bad = await command(['check-config', '--config', directory], {});
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain('feeds.yaml:2 feeds[0].name "ETHUSD": must be BASE/QUOTE');
    const pattern = configDir({
      'feeds.yaml': `sources:\n  kraken: { quote: "(?<quote>USD" }\n${threeVenues()}`,
    });
    const broken = await command(['check-config', '--config', pattern], {});
    expect(broken.code).toBe(2);
    expect(broken.stderr).toContain(
      'feeds.yaml:2 sources.kraken.quote "(?<quote>USD": must be a regular expression',
    );
  });

  it('--live asks every source and the chain once, and shows each against the median', async () => {
    world.venues[0].answer(json('{"price":2000}'));
    world.venues[1].answer(json('{"price":2010}'));
    world.venues[2].answer(json('{"price":"2002"}'));
    const { code, stdout, stderr } = await command(['check-config', '--live'], world.env);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/ETH\/USD\s+one\s+2000\s+\d+ ms\s+-0\.0999 %\s+\d+ s\s+used/);
    expect(stdout).toMatch(/ETH\/USD\s+= median\s+2002/);
    expect(stdout).toContain('Everything answers as it should.');
  });

  it('--live with a venue that fails says so and ends with 1 when no price is left', async () => {
    for (const venue of [world.venues[0], world.venues[1]]) venue.answer(json('{"error":"down"}', 500));
    const { code, stdout } = await command(['check-config', '--live'], world.env);
    expect(code).toBe(1);
    expect(stdout).toMatch(/ETH\/USD\s+one\s+-.*http_status/);
    expect(stdout).toMatch(/= median\s+-\s+too_few_sources/);
    expect(stdout).toContain('Not everything answers as it should');
  });
});
