/** Every cluster command of the runbooks, run by the real kubectl against a stand-in of the API. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANVIL_KEYS } from '../support/anvil.js';
import { type FakeKubernetes, type FakePod, startFakeKubernetes } from './support/fake-kubernetes.js';
import { type Manifest, ROOT, render } from './support/kube.js';
import { start } from './support/processes.js';
import { type Block, readRunbooks } from './support/runbooks.js';

const TOOLS = join(ROOT, 'node_modules/.bin');
const PATH = [TOOLS, process.env.PATH].join(delimiter);
const KUBECTL = execFileSync('bash', ['-c', 'command -v kubectl'], {
  encoding: 'utf8',
  env: { PATH },
}).trim();

const overlays = Object.fromEntries(
  ['prod', 'staging', 'prod-shadow'].map((name) => [name, render(`overlays/${name}`)]),
);

/** What a cluster holds beside the manifests: Secrets from outside, and the monitoring. */
const secret = (namespace: string, name: string, data: Record<string, string>): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  data: Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  ),
});
const prometheus: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'prometheus-operated', namespace: 'monitoring' },
  spec: { selector: { app: 'prometheus' }, ports: [{ port: 9090 }] },
};

const line = (time: string, pod: string, event = 'round_confirmed') =>
  `{"level":"info","time":"2026-01-01T${time}Z","pod":"${pod}","event":"${event}","message":"x"}`;
const clock = (minute: number, at: number) => `10:0${minute}:${String(at).padStart(2, '0')}.000`;
const lines = (minute: number, pod: string) =>
  Array.from({ length: 25 }, (_, at) => line(clock(minute, at), pod));

function podsOf(namespace: string): FakePod[] {
  const labels = (name: string, component: string) => ({
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/component': component,
  });
  const publisher = labels('oracle-publisher', 'publisher');
  return [
    // The first pod has the newest lines; the second one has crashed before.
    {
      name: 'oracle-publisher-a',
      namespace,
      labels: publisher,
      log: `${[...lines(5, 'a'), '    at a stack trace', line('10:06:00.000', 'a', 'stopped')].join('\n')}\n`,
    },
    {
      name: 'oracle-publisher-b',
      namespace,
      labels: publisher,
      log: `${lines(1, 'b').join('\n')}\n`,
      previous: `${line('10:00:59.000', 'b', 'start_refused')}\n`,
    },
    {
      name: 'oracle-publisher-shadow-c',
      namespace,
      labels: labels('oracle-publisher', 'shadow'),
      log: `${line('10:09:00.000', 'c')}\n`,
    },
    { name: 'oracle-redis-0', namespace, labels: labels('oracle-redis', 'redis'), log: 'Ready\n' },
    { name: 'prometheus-0', namespace: 'monitoring', labels: { app: 'prometheus' } },
  ];
}

let directory: string;
let fake: FakeKubernetes;
let env: Record<string, string>;

/** A cluster with an overlay applied, and a session of an operator beside it. */
async function open(overlay: 'prod' | 'staging', without: readonly string[] = []): Promise<void> {
  const namespace = `oracle-${overlay}`;
  const made = [
    ...(overlays[overlay] as Manifest[]),
    ...(overlay === 'prod' ? (overlays['prod-shadow'] as Manifest[]) : []),
    secret(namespace, 'oracle-publisher-keys', { PRIVATE_KEY: `${ANVIL_KEYS[0]}\n` }),
    secret(namespace, 'oracle-redis', { STATE_URL: 'redis://oracle-redis:6379' }),
    prometheus,
  ].filter(({ metadata }) => !without.includes(metadata.name));
  fake = await startFakeKubernetes(made, podsOf(namespace));
  directory = mkdtempSync(join(tmpdir(), 'oracle-operator-'));
  for (const name of ['k8s', 'scripts', 'runbooks', 'dist', 'node_modules'])
    symlinkSync(join(ROOT, name), join(directory, name));
  const context = (name: string) => ({ name, context: { cluster: 'fake', user: 'me' } });
  writeFileSync(
    join(directory, 'kubeconfig'),
    JSON.stringify({
      'current-context': 'here',
      contexts: ['here', 'east', 'west'].map(context),
      clusters: [{ name: 'fake', cluster: { server: fake.url } }],
      users: [{ name: 'me', user: {} }],
    }),
  );
  // The stand-in has no OpenAPI document to validate with (test/ops/manifests.test.ts does that), and reads no protobuf.
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'kubectl'),
    `#!/usr/bin/env bash
case " $* " in
  *" create secret "*"--dry-run"*) ;;
  *" create secret "*) ${KUBECTL} "$@" --dry-run=client -o yaml | ${KUBECTL} create --validate=false -f -; exit ;;
  *" apply "* | *" edit "*) set -- "$@" --validate=false ;;
esac
exec ${KUBECTL} "$@"
`,
    { mode: 0o755 },
  );
  const recipients = ['ada', 'grace'].map((name) => {
    const identity = join(directory, name === 'ada' ? 'identity.txt' : `${name}.txt`);
    execFileSync('age-keygen', ['-o', identity], { stdio: 'ignore' });
    return execFileSync('age-keygen', ['-y', identity], { encoding: 'utf8' }).trim();
  });
  writeFileSync(join(directory, 'recipients.txt'), `${recipients.join('\n')}\n`);
  env = {
    PATH: [bin, PATH].join(delimiter),
    HOME: directory,
    KUBECONFIG: join(directory, 'kubeconfig'),
    EDITOR: 'true',
    NAMESPACE: namespace,
    POD: 'oracle-publisher-a',
  };
}

async function shell(commands: string, more: Record<string, string> = {}) {
  const running = start('bash', ['-euo', 'pipefail', '-c', `. runbooks/shell.sh\n${commands}`], {
    cwd: directory,
    env: { ...env, ...more },
  });
  const timer = setTimeout(() => running.child.kill('SIGKILL'), 30_000);
  const status = await running.ended;
  clearTimeout(timer);
  return { status, output: running.output() };
}

afterEach(async () => {
  await fake?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** These destroy and move whole regions: test/ops/recovery.test.ts runs them. */
const ELSEWHERE = /scripts\/(failover|backup-state|restore-state)/;
const runbooks = readRunbooks();
const seen = new Set<string>();
const blocks = runbooks
  .flatMap((runbook) => runbook.blocks)
  .filter(({ kind }) => kind.startsWith('cluster'))
  .map((block) => ({
    ...block,
    lines: block.commands
      .trim()
      .split('\n')
      .filter((command) => !ELSEWHERE.test(command) && !seen.has(command)),
  }))
  // The file of the keys is one story, told whole below.
  .filter(({ file, lines: left }) => file !== 'keys.md' && left.length > 0);

describe('every cluster command of the runbooks', () => {
  it.each(blocks.map((block) => [`${block.file}:${block.line}`, block] as const))(
    'is taken by kubectl, and finds what it names: %s',
    async (_name, block: Block & { lines: string[] }) => {
      await open(block.kind === 'cluster redis' ? 'staging' : 'prod');
      for (const command of block.lines) {
        const [missedBefore, streamsBefore] = [fake.missed.length, fake.streams.length];
        // In the foreground, to see how it ends.
        const { status, output } = await shell(command.replace(/ &$/, ''));
        const missed = fake.missed.slice(missedBefore).filter((path) => path.startsWith('GET /'));
        if (fake.streams.length > streamsBefore) {
          expect(output, command).toMatch(/upgrad|from server/);
          continue;
        }
        // A difference is no failure of diff.
        const accepted = command.includes(' diff ') && !/^error/im.test(output) ? [0, 1] : [0];
        expect(accepted, `${command}\n${output}\n${fake.missed.join('\n')}`).toContain(status);
        if (!/ (apply|delete|diff) -k|--ignore-errors/.test(command))
          expect(
            missed.filter((path) => !path.includes('/openapi/')),
            command,
          ).toEqual([]);
        if (command.includes(' -l ') && block.kind === 'cluster' && !command.includes('oracle-redis'))
          expect(output, command).not.toContain('No resources found');
      }
    },
    120_000,
  );

  it('names no tool that a block would have to install', () => {
    const first = blocks.flatMap(({ lines: all }) => all.map((command) => command.split(' ')[0]));
    expect(new Set(first)).toEqual(new Set(['kubectl']));
  });
});

describe('logs', () => {
  beforeEach(() => open('prod'));

  it('shows the newest lines of all replicas by their time, none of the shadow', async () => {
    const { status, output } = await shell('logs');
    expect(status, output).toBe(0);
    const shown = output.trim().split('\n');
    expect(shown).toHaveLength(20);
    expect(shown.at(-1)).toContain('"event":"stopped"');
    expect(shown.at(-2)).toBe('    at a stack trace');
    expect(output).not.toMatch(/"pod":"[bc]"/);
    expect((await shell('logs stopped start_refused')).output.trim().split('\n')).toHaveLength(1);
  });

  it('of the container before are shown, although another pod had none', async () => {
    const { commands } = runbooks
      .flatMap((runbook) => runbook.blocks)
      .find(({ file, commands: text }) => file === 'scenarios.md' && text.includes('--previous'))!;
    const { status, output } = await shell(commands.split('\n').find((text) => text.includes('--previous'))!);
    expect([status, output]).toEqual([0, expect.stringContaining('start_refused')]);
  });
});

describe('keys.md', () => {
  const told = runbooks
    .find(({ file }) => file === 'keys.md')!
    .blocks.filter(({ kind }) => kind === 'cluster')
    .flatMap(({ commands }) => commands.trim().split('\n'));
  /** The command that holds all of these words. */
  const command = (...words: string[]) => {
    const found = told.filter((text) => words.every((word) => text.includes(word)));
    expect(found, words.join(' ')).toHaveLength(1);
    return found[0] as string;
  };
  const run = async (text: string) => {
    const { status, output } = await shell(text);
    expect(status, `${text}\n${output}`).toBe(0);
    return output;
  };
  const held = (name: string, key: string) =>
    Buffer.from(fake.get('Secret', 'oracle-prod', name)?.data[key] ?? '', 'base64').toString();

  it('a bare key: made into the Secret, backed up, lost, restored, rotated, the old one taken out', async () => {
    await open('prod', ['oracle-publisher-keys']);
    const create = told.find((text) => text.startsWith('node -p')) as string;
    await run(create);
    const first = held('oracle-publisher-keys', 'PRIVATE_KEY').trim();
    expect(first).toMatch(/^0x[0-9a-f]{64}$/);
    // A key that is in use is not written over by the command for the first one.
    expect((await shell(create)).status).not.toBe(0);
    await run(command('--stdin PRIVATE_KEY'));
    await run(command('keys.age', '--check'));

    await loseSecret('oracle-publisher-keys');
    await run(command('--stdout PRIVATE_KEY'));
    expect(held('oracle-publisher-keys', 'PRIVATE_KEY').trim()).toBe(first);
    await run(command('--stdout PRIVATE_KEY'));

    await run(command('OLD=', 'randomBytes'));
    const both = held('oracle-publisher-keys', 'PRIVATE_KEY').trim().split('\n');
    expect(both).toEqual([first, expect.stringMatching(/^0x[0-9a-f]{64}$/)]);
    const addresses = (await run(told.find((text) => text.endsWith('keys address')) as string)).trim();
    expect(addresses.split('\n')).toHaveLength(2);
    await run(command('OLD=', 'tail -n +2'));
    expect(held('oracle-publisher-keys', 'PRIVATE_KEY').trim()).toBe(both[1]);
    // The last key is never taken out.
    expect((await shell(command('OLD=', 'tail -n +2'))).status).not.toBe(0);
    expect(held('oracle-publisher-keys', 'PRIVATE_KEY').trim()).toBe(both[1]);
    expect(
      JSON.stringify(fake.get('Secret', 'oracle-prod', 'oracle-publisher-keys')?.metadata),
    ).not.toContain('last-applied');
  }, 120_000);

  /** The Secret is gone; what the operator has on disk stays. */
  async function loseSecret(name: string): Promise<void> {
    await run(`kubectl -n "$NAMESPACE" delete secret/${name}`);
  }

  it('a keystore: what the Secret holds opens where the component mounts it', async () => {
    await open('prod');
    for (const words of [
      ['password.txt', 'umask'],
      ['keys new', '--out keystore.json'],
      ['create secret generic oracle-publisher-keystore', '--from-file=keystore.json'],
    ])
      await run(command(...words));
    const written = await run(command('backup-keys.sh', 'keystore.age'));
    expect(written).toContain('2 key file(s)');
    await run(command('shred', 'keystore.json password.txt'));
    await run(command('restore-keys.sh', 'keystore.age'));
    await run(command('--from-file=restored/keystore.json'));

    // The files as the component mounts them, and the environment that it sets.
    const overlay = mkdtempSync(join(ROOT, 'k8s/overlays/.check-'));
    let manifests: Manifest[];
    try {
      writeFileSync(
        join(overlay, 'kustomization.yaml'),
        'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../base]\ncomponents: [../../components/key-keystore]\n',
      );
      manifests = render(overlay.slice(join(ROOT, 'k8s').length + 1));
    } finally {
      rmSync(overlay, { recursive: true });
    }
    const { template } = manifests.find(({ kind }) => kind === 'Deployment')!.spec;
    const [container] = template.spec.containers;
    expect(container.env.map(({ name }: { name: string }) => name)).not.toContain('PRIVATE_KEY_FILE');
    const volume = template.spec.volumes.find(({ name }: { name: string }) => name === 'keys');
    const { mountPath } = container.volumeMounts.find(({ name }: { name: string }) => name === 'keys');
    const mounted = join(directory, 'mounted');
    mkdirSync(mounted);
    const { data } = fake.get('Secret', 'oracle-prod', volume.secret.secretName)!;
    for (const [name, value] of Object.entries<string>(data))
      writeFileSync(join(mounted, name), Buffer.from(value, 'base64'), { mode: 0o440 });
    const settings = manifests.find(({ metadata }) => metadata.name === 'oracle-publisher-env')!.data;
    const at = (name: string) => settings[name].replace(mountPath, mounted);
    const opened = await shell('oracle-publisher keys address', {
      KEYSTORE_FILE: at('KEYSTORE_FILE'),
      KEYSTORE_PASSWORD_FILE: at('KEYSTORE_PASSWORD_FILE'),
    });
    expect([opened.status, opened.output]).toEqual([0, expect.stringMatching(/^0x[0-9a-fA-F]{40}\n$/)]);
  }, 120_000);

  it('ends with commands that start the publisher with it', async () => {
    await open('prod');
    for (const text of new Set(told.filter((each) => / (rollout|apply -k) /.test(each)))) await run(text);
  }, 60_000);
});
