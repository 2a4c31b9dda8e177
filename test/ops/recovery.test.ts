/** Recovery: each test destroys something for good, runs the script that brings it back, and measures how long that took. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ANVIL_KEYS } from '../support/anvil.js';
import { ROOT } from './support/kube.js';
import { freePort, start, until } from './support/processes.js';
import { type Daemon, startRedis, startWorld, type World } from './support/world.js';

/** The objective: a quarter of an hour. What the tests measure lies far below it. */
const OBJECTIVE_SECONDS = 900;
const MINUTES = 60_000;

const script = (name: string) => join(ROOT, 'scripts', name);
/** Never synchronously: the venues are served by this process, and would be silent meanwhile. */
async function run(
  name: string,
  args: string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<{ status: number | NodeJS.Signals; said: string; stdout: string; stderr: string }> {
  const [command, ...first] = name.endsWith('.mjs') ? [process.execPath, script(name)] : [script(name)];
  const child = spawn(command as string, [...first, ...args], { env: { ...process.env, ...options.env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  const [code, signal] = await once(child, 'close');
  return { status: code ?? signal, said: stdout + stderr, stdout, stderr };
}

let safe: string;
const people: { identity: string; recipient: string }[] = [];
let recipients: string;

beforeAll(() => {
  safe = mkdtempSync(join(tmpdir(), 'oracle-safe-'));
  for (const name of ['ada', 'grace', 'mallory']) {
    const identity = join(safe, `${name}.txt`);
    execFileSync('age-keygen', ['-o', identity], { stdio: 'ignore' });
    people.push({
      identity,
      recipient: execFileSync('age-keygen', ['-y', identity], { encoding: 'utf8' }).trim(),
    });
  }
  recipients = join(safe, 'recipients.txt');
  writeFileSync(recipients, `# on call\n${people[0]!.recipient}\n${people[1]!.recipient}\n`);
});
afterAll(() => rmSync(safe, { recursive: true, force: true }));

describe('a backup of keys', () => {
  const key = ANVIL_KEYS[0];
  let directory: string;
  let backup: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(safe, 'keys-'));
    writeFileSync(join(directory, 'PRIVATE_KEY'), `${key}\n`);
    backup = join(safe, 'keys.age');
    const result = await run('backup-keys.sh', [
      '--recipients',
      recipients,
      '--out',
      backup,
      join(directory, 'PRIVATE_KEY'),
    ]);
    expect(result.status, result.said).toBe(0);
    expect(result.said).not.toContain(key.slice(2, 20));
  });

  it('shows nothing of the key', async () => {
    const bytes = readFileSync(backup);
    expect(bytes.includes(Buffer.from(key.slice(2)))).toBe(false);
    expect(statSync(backup).mode & 0o077).toBe(0);
  });

  it('is opened by each recipient, and by nobody else', async () => {
    for (const { identity } of people.slice(0, 2))
      expect((await run('restore-keys.sh', ['--in', backup, '--identity', identity, '--check'])).status).toBe(
        0,
      );
    const stranger = await run('restore-keys.sh', [
      '--in',
      backup,
      '--identity',
      people[2]!.identity,
      '--check',
    ]);
    expect(stranger.status).not.toBe(0);
    expect(stranger.said).toContain('no identity matched');
  });

  it('brings the destroyed file back, readable for its owner only', async () => {
    const began = performance.now();
    rmSync(directory, { recursive: true });
    const result = await run('restore-keys.sh', [
      '--in',
      backup,
      '--identity',
      people[1]!.identity,
      '--out',
      directory,
    ]);
    expect(result.status, result.said).toBe(0);
    expect(readFileSync(join(directory, 'PRIVATE_KEY'), 'utf8')).toBe(`${key}\n`);
    expect(statSync(join(directory, 'PRIVATE_KEY')).mode & 0o777).toBe(0o600);
    expect(result.said).not.toContain(key.slice(2, 20));
    expect((performance.now() - began) / 1000).toBeLessThan(OBJECTIVE_SECONDS);
  });

  it('takes a key from a pipe and gives it to a pipe', async () => {
    const piped = join(safe, 'piped.age');
    const taken = await run(
      'backup-keys.sh',
      ['--recipients', recipients, '--out', piped, '--stdin', 'PRIVATE_KEY'],
      { input: key },
    );
    expect(taken.status, taken.said).toBe(0);
    const given = await run('restore-keys.sh', [
      '--in',
      piped,
      '--identity',
      people[0]!.identity,
      '--stdout',
      'PRIVATE_KEY',
    ]);
    expect(given.stdout).toBe(key);
  });

  it('is refused for a single recipient, over an existing file, of an empty key, and when damaged', async () => {
    const alone = join(safe, 'alone.txt');
    writeFileSync(alone, `${people[0]!.recipient}\n`);
    const file = join(safe, 'one.key');
    writeFileSync(file, key);
    expect(
      (await run('backup-keys.sh', ['--recipients', alone, '--out', join(safe, 'x.age'), file])).said,
    ).toContain('at least two');
    expect((await run('backup-keys.sh', ['--recipients', recipients, '--out', backup, file])).said).toContain(
      'not overwritten',
    );
    const empty = await run(
      'backup-keys.sh',
      ['--recipients', recipients, '--out', join(safe, 'e.age'), '--stdin', 'K'],
      { input: '' },
    );
    expect(empty.status).not.toBe(0);
    expect(existsSync(join(safe, 'e.age'))).toBe(false);
    const damaged = join(safe, 'damaged.age');
    const bytes = readFileSync(backup);
    bytes[bytes.length - 5]! ^= 1;
    writeFileSync(damaged, bytes);
    expect(
      (await run('restore-keys.sh', ['--in', damaged, '--identity', people[0]!.identity, '--check'])).status,
    ).not.toBe(0);
    expect(
      (await run('restore-keys.sh', ['--in', backup, '--identity', people[0]!.identity, '--out', directory]))
        .said,
    ).toContain('exists already');
  });
});

describe('a lost Redis', () => {
  let world: World | undefined;
  afterEach(async () => world?.close());

  it(
    'is restored into an empty one, and the publisher goes on with the next round',
    async () => {
      world = await startWorld({ heartbeat: '6s' });
      const redis = await world.startRedis();
      const daemon = await world.startDaemon({ env: { STATE_URL: redis.url } });
      const roundOf = async (of: Daemon) => (await of.status()).groups[0].round as number;
      await until(async () => (await roundOf(daemon)) >= 2, 'two rounds are made', 60_000);
      const backup = join(safe, 'state.age');
      const taken = await run('backup-state.sh', ['--recipients', recipients, '--out', backup], {
        env: { STATE_URL: redis.url },
      });
      expect(taken.status, taken.said).toBe(0);
      const before = await audit(redis.url);
      expect(before.length).toBeGreaterThan(0);
      // All that the publisher keeps is in it, but for what ends by itself; drafts come and go with each transaction.
      const standing = (key: string) => !/^op:(lease:|probe$|draft:)/.test(key);
      const client = new Redis(redis.url);
      const kept = (await client.keys('*')).filter(standing).sort();
      await client.quit();
      expect(new Set(kept.map((key) => key.split(':')[1]))).toEqual(
        new Set(['audit', 'journal', 'round', 'spending']),
      );
      expect(keysIn(await copy('dump', redis.url)).filter(standing)).toEqual(kept);

      // Both are gone, with the disk.
      const began = performance.now();
      daemon.child.kill('SIGKILL');
      redis.process.child.kill('SIGKILL');
      await Promise.all([daemon.ended, redis.process.ended]);
      rmSync(redis.directory, { recursive: true });
      const lastRound = await chainRound(world);

      const fresh = await world.startRedis();
      expect(await audit(fresh.url)).toEqual([]);
      const restored = await run('restore-state.sh', ['--in', backup, '--identity', people[0]!.identity], {
        env: { STATE_URL: fresh.url },
      });
      expect(restored.status, restored.said).toBe(0);
      expect((await audit(fresh.url)).slice(-before.length)).toEqual(before);
      const again = await world.startDaemon({ env: { STATE_URL: fresh.url } });
      await until(async () => (await chainRound(world!)) > lastRound, 'a round is made again', 60_000);
      const seconds = (performance.now() - began) / 1000;
      console.log(`recovery of Redis and publisher: ${seconds.toFixed(1)} s`);
      expect(seconds).toBeLessThan(OBJECTIVE_SECONDS);
      expect(again.output()).not.toContain('"level":"error"');
    },
    3 * MINUTES,
  );

  it(
    'is not needed: started empty, the publisher takes the chain as the truth',
    async () => {
      world = await startWorld({ heartbeat: '6s' });
      const redis = await world.startRedis();
      const daemon = await world.startDaemon({ env: { STATE_URL: redis.url } });
      await until(async () => (await chainRound(world!)) >= 2, 'two rounds are made', 60_000);
      await daemon.stop();
      const client = new Redis(redis.url);
      await client.flushall();
      await client.quit();
      const lastRound = await chainRound(world);
      await world.startDaemon({ env: { STATE_URL: redis.url } });
      await until(async () => (await chainRound(world!)) > lastRound, 'a round is made again', 60_000);
      expect(await chainRound(world)).toBe(lastRound + 1);
    },
    3 * MINUTES,
  );

  it('is copied for one deployment alone, also where several share it, and through a Sentinel', async () => {
    const redis = await startRedis(safe);
    const client = new Redis(redis.url);
    const values = { 'op:round:1': 'alone', 'op:staging:round:1': 'staging', 'op:prod:round:1': 'prod' };
    for (const [key, value] of Object.entries(values)) await client.set(key, value);
    await client.set('op:prod:lease:key:0x1', 'a process');
    expect(keysIn(await copy('dump', redis.url))).toEqual(['op:round:1']);
    const prod = await copy('dump', `${redis.url}/0/prod`);
    expect(keysIn(prod)).toEqual(['op:prod:round:1']);

    await client.set('op:prod:round:1', 'newer');
    for (const url of [redis.url, `${redis.url}/0/staging`]) {
      const foreign = await copy('load', url, prod.stdout);
      expect([foreign.status, foreign.stderr]).toEqual([1, expect.stringContaining('of another deployment')]);
    }
    expect(await client.get('op:staging:round:1')).toBe('staging');
    expect(await client.get('op:prod:round:1')).toBe('newer');

    const port = await freePort();
    const file = join(redis.directory, 'sentinel.conf');
    writeFileSync(file, `sentinel monitor main 127.0.0.1 ${new URL(redis.url).port} 1\n`);
    const sentinel = start('redis-server', [
      file,
      '--sentinel',
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
    ]);
    try {
      await until(() => sentinel.output().includes('+monitor master main'), 'the Sentinel watches');
      const loaded = await copy('load', `redis+sentinel://127.0.0.1:${port}/main/0/prod`, prod.stdout);
      expect([loaded.status, loaded.stderr]).toEqual([0, expect.stringContaining('1 keys')]);
      expect(await client.get('op:prod:round:1')).toBe('prod');
    } finally {
      await sentinel.stop();
    }
    await client.quit();
    await redis.process.stop();
    const secret = await copy('dump', 'rediss://:hidden@127.0.0.1:1/0?ca=/nowhere.pem');
    expect([secret.status, secret.stderr]).toEqual([1, expect.stringContaining('/nowhere.pem')]);
    expect(secret.stderr).not.toContain('hidden');
  });

  it('is not touched by a backup that is cut off, foreign, or of a Redis that is away', async () => {
    const redis = await startRedis(safe);
    const load = (input: string, url = redis.url) =>
      spawnSync(process.execPath, [join(ROOT, 'scripts/ops/state-copy.mjs'), 'load'], {
        encoding: 'utf8',
        input,
        env: { ...process.env, STATE_URL: url },
      });
    const client = new Redis(redis.url);
    await client.set('op:round:1', 'seven');
    const whole = execFileSync(process.execPath, [join(ROOT, 'scripts/ops/state-copy.mjs'), 'dump'], {
      encoding: 'utf8',
      env: { ...process.env, STATE_URL: redis.url },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await client.set('op:round:1', 'eight');
    const cut = load(whole.split('\n').slice(0, -2).join('\n'));
    expect([cut.status, cut.stderr]).toEqual([1, expect.stringContaining('cut off')]);
    expect(load('{"some":"thing"}\n{"else":1}').stderr).toContain('no backup of the state');
    expect(await client.get('op:round:1')).toBe('eight');
    expect(load(whole).status).toBe(0);
    expect(await client.get('op:round:1')).toBe('seven');
    await client.quit();
    await redis.process.stop();
    expect(load(whole).stderr).toContain('Redis does not answer');
  });
});

describe('a lost region', () => {
  let world: World;
  let regions: string;
  let driver: string;
  beforeAll(async () => {
    world = await startWorld({ heartbeat: '6s' });
    regions = join(world.directory, 'regions');
    driver = join(world.directory, 'driver.sh');
    writeFileSync(driver, DRIVER.replaceAll('@ROOT@', ROOT).replaceAll('@REGIONS@', regions));
    chmodSync(driver, 0o755);
    for (const name of ['east', 'west']) {
      mkdirSync(join(regions, name), { recursive: true });
      const redis = await world.startRedis();
      // A daemon of each region is started once to learn its environment, and stopped.
      const daemon = await world.startDaemon({ env: { STATE_URL: redis.url } });
      await daemon.stop();
      const lines = Object.entries(daemon.env).map(([key, value]) => `export ${key}='${value}'`);
      writeFileSync(join(regions, name, 'env'), `${lines.join('\n')}\n`, { mode: 0o600 });
    }
    execFileSync(driver, ['start', 'east']);
    await until(() => valid(driver, 'east'), 'the region east is valid', 60_000);
  }, 3 * MINUTES);
  afterAll(async () => {
    for (const region of ['east', 'west']) spawnSync(driver, ['kill', region]);
    await world?.close();
  });

  it(
    'is replaced by another within the objective, with the state from the backup',
    async () => {
      const stateUrl = execFileSync(driver, ['state-url', 'east'], { encoding: 'utf8' });
      const backup = join(safe, 'region.age');
      expect(
        (
          await run('backup-state.sh', ['--recipients', recipients, '--out', backup], {
            env: { STATE_URL: stateUrl },
          })
        ).status,
      ).toBe(0);
      execFileSync(driver, ['kill', 'east']);
      writeFileSync(join(regions, 'east', 'down'), '');
      const lastRound = await chainRound(world);

      const began = performance.now();
      const result = await run('failover.sh', [
        ...['--from', 'east', '--to', 'west', '--driver', driver],
        ...['--state', backup, '--identity', people[1]!.identity],
      ]);
      expect(result.status, result.said).toBe(0);
      expect(result.said).toContain('east cannot be reached');
      await until(async () => (await chainRound(world)) > lastRound, 'the new region makes a round', 60_000);
      const seconds = (performance.now() - began) / 1000;
      console.log(`failover: ${seconds.toFixed(1)} s`);
      expect(seconds).toBeLessThan(OBJECTIVE_SECONDS);
    },
    3 * MINUTES,
  );

  it(
    'gets the work back, gracefully, and never makes a round beside the other',
    async () => {
      rmSync(join(regions, 'east', 'down'));
      const lastRound = await chainRound(world);
      const result = await run(
        'failover.sh',
        ['--from', 'west', '--to', 'east', '--planned', '--driver', driver],
        {
          env: { VALIDATE_RPC_URL: world.rpcUrl },
        },
      );
      expect(result.status, result.said).toBe(0);
      expect(result.said).toContain('rounds checked from outside: main');
      await until(
        async () => (await chainRound(world)) > lastRound,
        'the first region makes a round',
        60_000,
      );
      expect(readFileSync(join(regions, 'west', 'exit'), 'utf8').trim()).toBe('0');
      expect(valid(driver, 'west')).toBe(false);
    },
    3 * MINUTES,
  );

  it('is not changed when the target cannot be reached, or a planned source cannot', async () => {
    writeFileSync(join(regions, 'west', 'down'), '');
    const target = await run('failover.sh', ['--from', 'east', '--to', 'west', '--driver', driver]);
    expect([target.status, target.said]).toEqual([1, expect.stringContaining('nothing was changed')]);
    const source = await run('failover.sh', [
      '--from',
      'west',
      '--to',
      'east',
      '--planned',
      '--driver',
      driver,
    ]);
    expect([source.status, source.said]).toEqual([1, expect.stringContaining('nothing was changed')]);
    expect(valid(driver, 'east')).toBe(true);
  });

  describe('of which a part fails', () => {
    const backup = () => join(safe, 'region.age');
    const fails = (region: string, verb: string) => {
      const file = join(regions, region, `fails-${verb}`);
      writeFileSync(file, '');
      return { mend: () => rmSync(file, { force: true }) };
    };
    const failover = (from: string, to: string, ...more: string[]) =>
      run('failover.sh', ['--from', from, '--to', to, '--driver', driver, ...more]);
    beforeAll(() => rmSync(join(regions, 'west', 'down'), { force: true }));
    afterEach(() => {
      for (const region of ['east', 'west'])
        for (const verb of ['stop', 'start', 'status', 'state-url'])
          rmSync(join(regions, region, `fails-${verb}`), { force: true });
    });

    it('changes nothing when it is planned and the state cannot be restored, or the old one does not stop', async () => {
      fails('west', 'state-url');
      const state = ['--state', backup(), '--identity', people[1]!.identity];
      const unrestored = await failover('east', 'west', '--planned', ...state);
      expect([unrestored.status, unrestored.said]).toEqual([
        1,
        expect.stringContaining('nothing was stopped'),
      ]);
      fails('east', 'stop');
      const unstopped = await failover('east', 'west', '--planned');
      expect([unstopped.status, unstopped.said]).toEqual([
        1,
        expect.stringContaining('west was not started. Put east back with'),
      ]);
      expect(valid(driver, 'east')).toBe(true);
      expect(valid(driver, 'west')).toBe(false);
    });

    it(
      'goes on when it is not planned: no state, an old one that does not stop, a new one that is slow to start',
      async () => {
        fails('west', 'state-url');
        fails('east', 'stop');
        const { mend } = fails('west', 'start');
        setTimeout(mend, 3_000);
        const lastRound = await chainRound(world);
        const state = ['--state', backup(), '--identity', people[1]!.identity];
        const result = await failover('east', 'west', ...state);
        expect(result.status, result.said).toBe(0);
        expect(result.said).toContain('WARNING: the state could not be restored into west');
        expect(result.said).toContain('WARNING: east did not stop, and may still publish');
        expect(result.said).toContain('WARNING: starting west failed');
        expect(result.said).toContain('NOT checked from outside: main');
        expect(valid(driver, 'west')).toBe(true);
        // Both run now, with the same key and each with a Redis of its own: rounds go on, and no number is taken twice.
        await until(async () => (await chainRound(world)) > lastRound + 1, 'rounds go on', 60_000);
        execFileSync(driver, ['kill', 'west']);
      },
      3 * MINUTES,
    );

    it('says what it waits for, and that it waited in vain', async () => {
      fails('west', 'status');
      fails('east', 'stop');
      const result = await failover('east', 'west', '--deadline', '3');
      execFileSync(driver, ['kill', 'west']);
      expect(result.status).toBe(1);
      expect(result.said).toContain('not yet: no replica told its status; status west: out of order');
      expect(result.said).toContain('west is not valid after 3 s');
    });
  });

  describe('is called valid', () => {
    // biome-ignore lint/suspicious/noExplicitAny: the status as JSON.
    let status: any;
    beforeAll(async () => {
      await until(() => valid(driver, 'east'), 'the region east is valid', 60_000);
      status = JSON.parse(execFileSync(driver, ['status', 'east'], { encoding: 'utf8' }));
    });
    const validate = async (change: (copy: typeof status) => void, env: Record<string, string> = {}) => {
      const copy = structuredClone(status);
      change(copy);
      return run('failover-validate.mjs', [], { input: JSON.stringify(copy), env });
    };
    const nothing = () => undefined;

    it('not while a feed is late, but for one whose market is closed', async () => {
      const late = (feed: typeof status) => {
        feed.ageSeconds = feed.heartbeatSeconds + 1;
      };
      const open = await validate(({ feeds }) => late(feeds[0]));
      expect([open.status, open.stdout]).toEqual([1, expect.stringContaining('heartbeat')]);
      const closed = await validate(({ feeds }) => {
        late(feeds[0]);
        feeds[0].reason = 'market_closed';
      });
      expect([closed.status, closed.stdout]).toEqual([
        0,
        expect.stringContaining('market closed, not checked: ETH/USD'),
      ]);
    });

    it('only by what endpoints from outside say of their own chain, and says what they did not say', async () => {
      // What the session's shell exports for cast is no endpoint from outside.
      const unset = await validate(nothing, { RPC_URL: 'http://127.0.0.1:1' });
      expect([unset.status, unset.stdout]).toEqual([
        0,
        expect.stringContaining('NOT checked from outside: main'),
      ]);
      const env = { VALIDATE_RPC_URL: world.rpcUrl };
      const two = await validate((copy) => {
        copy.chains.push({ ...copy.chains[0], name: 'other', id: 5 });
        copy.groups.push({ ...copy.groups[0], name: 'far', chain: 'other', round: 1_000_000 });
        copy.groups.at(-1).leader = true;
      }, env);
      expect([two.status, two.stdout]).toEqual([
        0,
        expect.stringMatching(/checked from outside: main; NOT checked from outside: other/),
      ]);
      const ahead = await validate(({ groups }) => {
        groups[0].round += 1_000;
      }, env);
      expect([ahead.status, ahead.stdout]).toEqual([1, expect.stringContaining('for the publisher and at')]);
      const strange = await validate(({ chains }) => {
        chains[0].id = 5;
      }, env);
      expect([strange.status, strange.stdout]).toEqual([1, expect.stringContaining('does not serve')]);
      const away = await validate(nothing, { VALIDATE_RPC_URL: 'http://user:secret@127.0.0.1:1/key' });
      expect([away.status, away.stdout]).toEqual([1, expect.stringContaining('127.0.0.1:1 gives no answer')]);
      expect(away.said).not.toMatch(/secret|key|at async/);
    });
  });
});

describe('a region that is a Kubernetes cluster', () => {
  it('is stopped, started and asked with these commands', async () => {
    const bin = mkdtempSync(join(safe, 'bin-'));
    const log = join(bin, 'log');
    writeFileSync(
      join(bin, 'kubectl'),
      `#!/usr/bin/env bash\necho "$*" >>${log}\ncase "$*" in *"get pods"*) echo pod/a; echo pod/b;; *"get secret"*) printf cmVkaXM6Ly94;; esac\n`,
      { mode: 0o755 },
    );
    const env = { PATH: `${bin}:${process.env.PATH}`, NAMESPACE: 'oracle-prod' };
    for (const verb of ['reachable', 'stop', 'start', 'status'])
      expect((await run('failover-kubectl.sh', [verb, 'eu-west'], { env })).status).toBe(0);
    expect((await run('failover-kubectl.sh', ['state-url', 'eu-west'], { env })).stdout).toBe('redis://x');
    const said = readFileSync(log, 'utf8');
    expect(said).toContain('--context eu-west');
    expect(said).toContain('scale deployment/oracle-publisher --replicas=0');
    expect(said).toContain('scale deployment/oracle-publisher --replicas=2');
    expect(said).toContain('exec pod/b --container publisher -- node dist/cli/main.js status --json');
  });
});

/** A region on this machine: a directory with an environment, a process, and files `down` and `fails-VERB` for its faults. */
const DRIVER = `#!/usr/bin/env bash
set -euo pipefail
verb=$1 region=@REGIONS@/$2
if [ -e "$region/fails-$verb" ]; then echo "$verb $2: out of order" >&2; exit 1; fi
. "$region/env"
case "$verb" in
  reachable) [ ! -e "$region/down" ] ;;
  start)
    ( set +e; node @ROOT@/dist/cli/main.js run >>"$region/log" 2>&1 & echo $! >"$region/pid"; wait $!; echo $? >"$region/exit" ) </dev/null >/dev/null 2>&1 &
    ;;
  stop)
    rm -f "$region/exit"
    kill -TERM "$(cat "$region/pid")"
    while [ ! -e "$region/exit" ]; do sleep 0.1; done
    ;;
  kill) kill -KILL "$(cat "$region/pid")" ;;
  status) node @ROOT@/dist/cli/main.js status --json ;;
  state-url) printf %s "$STATE_URL" ;;
  *) exit 2 ;;
esac
`;

function valid(driver: string, region: string): boolean {
  const status = spawnSync(driver, ['status', region], { encoding: 'utf8' });
  if (status.status !== 0) return false;
  return (
    spawnSync(process.execPath, [script('failover-validate.mjs')], { input: status.stdout }).status === 0
  );
}

/** The contract's round of group 1, read from the chain itself. */
async function chainRound(world: World): Promise<number> {
  const data = `0x6638a0fa${'1'.padStart(64, '0')}`;
  const result = (await world.rpc('eth_call', [{ to: world.aggregator, data }, 'latest'])) as string;
  return Number.parseInt(result.slice(2, 66), 16);
}

/** Runs the copying of a state by itself, without encryption. */
const copy = (mode: 'dump' | 'load', url: string, input = '') =>
  run('ops/state-copy.mjs', [mode], { input, env: { STATE_URL: url } });

const keysIn = ({ stdout }: { stdout: string }): string[] =>
  stdout
    .trim()
    .split('\n')
    .flatMap((line) => JSON.parse(line).key ?? [])
    .sort();

/** All entries of the audit streams. */
async function audit(url: string): Promise<unknown[]> {
  const client = new Redis(url);
  const keys = (await client.keys('op:*')).sort();
  const entries: unknown[] = [];
  for (const key of keys)
    if ((await client.type(key)) === 'stream') entries.push(...(await client.xrange(key, '-', '+')));
  await client.quit();
  return entries;
}
