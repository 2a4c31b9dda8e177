import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DaemonProcess, startDaemon } from '../../support/daemon/process.js';
import { FEEDS, startWorld, type World } from '../../support/daemon/world.js';
import { until } from '../../support/redis.js';

/** A directory as kubelet makes it for a ConfigMap: files are links into `..data`, which is swapped as a whole. */
function createMount(directory: string) {
  let version = 0;
  mkdirSync(directory, { recursive: true });
  return {
    write(text: string) {
      version += 1;
      const data = join(directory, `..2026_${version}`);
      mkdirSync(data);
      writeFileSync(join(data, 'feeds.yaml'), text);
      symlinkSync(`..2026_${version}`, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
      if (version === 1) symlinkSync('..data/feeds.yaml', join(directory, 'feeds.yaml'));
      else rmSync(join(directory, `..2026_${version - 1}`), { recursive: true });
    },
    hide: () => rmSync(join(directory, 'feeds.yaml')),
    show: () => symlinkSync('..data/feeds.yaml', join(directory, 'feeds.yaml')),
  };
}

describe('a configuration that changes while the daemon runs', () => {
  let world: World;
  let daemon: DaemonProcess;
  let mount: ReturnType<typeof createMount>;
  let feeds: string;
  /** What the first test brings into force. */
  const tuned = () => feeds.replace('sources:', 'deviation: 1\n    heartbeat: 5m\n    sources:');
  const metric = async (name: string) => {
    const text = await (await fetch(daemon.metricsUrl)).text();
    return text.split('\n').find((line) => line.startsWith(name));
  };
  const status = async () =>
    (await (await fetch(`${daemon.url}/v1/status`)).json()) as {
      configHash: string;
      feeds: {
        heartbeatSeconds: number;
        reason: string;
        deviation: { threshold: string } | null;
        sources: unknown[];
      }[];
    };

  beforeAll(async () => {
    world = await startWorld();
    feeds = world.venues.reduce(
      (text, { url }, index) => text.replaceAll(`$${index + 1}/`, `${url}/`),
      FEEDS,
    );
    const directory = join(world.directory, 'mount');
    mount = createMount(directory);
    mount.write(feeds);
    daemon = await startDaemon({
      ...world.env,
      HEARTBEAT: '10m',
      DEVIATION_THRESHOLD: '50',
      CONFIG_DIR: directory,
    });
    await daemon.line(({ event }) => event === 'round_confirmed', 'the first round');
  });
  afterAll(async () => {
    await daemon?.stop('SIGKILL');
    await world?.close();
  });

  it('a lower deviation is in force without a restart, after the swap that Kubernetes makes', async () => {
    daemon.mark();
    world.price('2040');
    await until(
      'the change is seen and not due',
      async () => (await status()).feeds[0]?.reason === 'not_due',
    );
    const before = await status();
    mount.write(tuned());
    await daemon.line(({ event }) => event === 'config_applied', 'the reload');
    const line = await daemon.line(
      ({ event }) => event === 'round_confirmed',
      'a round by the new threshold',
    );
    expect(line).toMatchObject({
      answers: [{ feed: 'ETH/USD', reason: 'deviation', answer: '204000000000' }],
    });
    const after = await status();
    expect(after.configHash).not.toBe(before.configHash);
    expect(after.feeds[0]).toMatchObject({ heartbeatSeconds: 300, deviation: { threshold: '1' } });
    expect(await metric('oracle_config_hash_info')).toContain(after.configHash.slice(0, 12));
    expect(await metric('oracle_config_reload_success')).toBe('oracle_config_reload_success 1');
    expect(await metric('oracle_feed_heartbeat_seconds')).toMatch(/ 300$/);
  });

  it('a bad file changes nothing, is reported by path, and counted', async () => {
    daemon.mark();
    const before = await status();
    mount.write(feeds.replace('sources:', 'deviation: 0\n    sources:'));
    const line = await daemon.line(({ event }) => event === 'config_refused', 'the refusal');
    expect(line).toMatchObject({
      level: 'error',
      problems: [expect.stringMatching(/^feeds\.yaml:4 feeds\[0\]\.deviation "0": /)],
    });
    expect((await status()).configHash).toBe(before.configHash);
    expect(await metric('oracle_config_reload_success')).toBe('oracle_config_reload_success 0');
    expect(await metric('oracle_config_refused_total')).toBe('oracle_config_refused_total 1');
  });

  it('the file in force put back mends the metric: a rolled back ConfigMap must not alert for ever', async () => {
    daemon.mark();
    const before = await status();
    mount.write(tuned());
    await daemon.line(({ event }) => event === 'config_applied', 'the file in force being back');
    expect((await status()).configHash).toBe(before.configHash);
    expect(await metric('oracle_config_reload_success')).toBe('oracle_config_reload_success 1');
    expect(await metric('oracle_config_refused_total')).toBe('oracle_config_refused_total 1');
  });

  it('a directory that was empty for a moment is no alert for ever', async () => {
    daemon.mark();
    mount.hide();
    await daemon.line(({ event }) => event === 'config_refused', 'the empty directory');
    expect(await metric('oracle_config_reload_success')).toBe('oracle_config_reload_success 0');
    mount.show();
    await daemon.line(({ event }) => event === 'config_applied', 'the file being back');
    expect(await metric('oracle_config_reload_success')).toBe('oracle_config_reload_success 1');
  });

  it('what is the layout of the contract is refused with a reason', async () => {
    daemon.mark();
    mount.write(feeds.replace('name: ETH/USD', 'name: ETH/USD\n    decimals: 6'));
    const line = await daemon.line(({ event }) => event === 'config_refused', 'the refusal');
    expect(String(line.problems)).toContain(
      'groups.default: id, chain, width, history, tick, and the names, decimals',
    );
  });

  it('a source can be removed and the log level raised, and a good file mends the metric', async () => {
    daemon.mark();
    mount.write(`logLevel: debug\n${feeds.replace(/ {6}- http: .*\n {8}name: three\n/, '')}`);
    await daemon.line(({ event }) => event === 'config_applied', 'the reload');
    // Far enough to be due, so that the reason changes: that is said at debug level only.
    world.price('3400');
    await daemon.line(({ level }) => level === 'debug', 'a debug line');
    expect((await status()).feeds[0]?.sources).toHaveLength(2);
    expect(await metric('oracle_config_reload_success')).toBe('oracle_config_reload_success 1');
  });
});
