import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { environmentVariables, loadEnvironment } from '../../src/config/environment.js';
import { loadConfig } from '../../src/config/load.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { type Manifest, parseManifests, ROOT, render, schemaProblems } from './support/kube.js';
import { freePort, until } from './support/processes.js';

const OVERLAYS = ['dev', 'staging', 'prod', 'prod-shadow'] as const;
const rendered = Object.fromEntries(OVERLAYS.map((name) => [name, render(`overlays/${name}`)])) as Record<
  (typeof OVERLAYS)[number],
  Manifest[]
>;

const of = (manifests: Manifest[], kind: string, name?: RegExp): Manifest[] =>
  manifests.filter((manifest) => manifest.kind === kind && (!name || name.test(manifest.metadata.name)));
const one = (manifests: Manifest[], kind: string, name?: RegExp): Manifest => {
  const found = of(manifests, kind, name);
  expect(found, `${kind} ${name ?? ''}`).toHaveLength(1);
  return found[0]!;
};
const workloads = (manifests: Manifest[]) => [
  ...of(manifests, 'Deployment'),
  ...of(manifests, 'StatefulSet'),
];
const publisherOf = (manifests: Manifest[]) => one(manifests, 'Deployment', /^oracle-publisher/);
const containerOf = (manifests: Manifest[]) => publisherOf(manifests).spec.template.spec.containers[0];
const matches = (selector: Record<string, string>, labels: Record<string, string>) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/** The environment that the publisher's container gets, with what a Secret would hold filled in. */
function environmentOf(manifests: Manifest[]): Record<string, string> {
  const container = containerOf(manifests);
  const env: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom)
    if (configMapRef) {
      const map = manifests.find(
        ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef.name,
      );
      expect(map, `ConfigMap ${configMapRef.name}`).toBeDefined();
      Object.assign(env, map?.data);
    }
  for (const { name, value, valueFrom } of container.env)
    env[name] = value ?? (valueFrom.secretKeyRef ? 'redis://:secret-password@oracle-redis:6379' : '');
  return env;
}

describe('the rendered manifests', () => {
  it('hold to the API schemas, with no field that the API does not know', () => {
    expect(schemaProblems(OVERLAYS.flatMap((name) => rendered[name]))).toEqual([]);
  }, 120_000);

  it('are refused by the same check with an unknown field, a wrong type, a wrong word or a missing field', () => {
    const deployment = publisherOf(rendered.prod);
    const broken = (change: (copy: Manifest) => void) => {
      const copy = structuredClone(deployment);
      change(copy);
      return schemaProblems([copy]).join('\n');
    };
    expect(
      broken(({ spec }) => {
        spec.template.spec.containers[0].livenesProbe = {};
      }),
    ).toContain('livenesProbe');
    expect(
      broken(({ spec }) => {
        spec.progressDeadlineSeconds = '300';
      }),
    ).toMatch(/string/);
    expect(
      broken(({ spec }) => {
        delete spec.selector;
      }),
    ).toMatch(/selector/);
  }, 120_000);

  it.each(readdirSync(join(ROOT, 'k8s/components')))(
    'render with the component %s alone',
    (component) => {
      const directory = mkdtempSync(join(ROOT, 'k8s/overlays/.check-'));
      try {
        writeFileSync(
          join(directory, 'kustomization.yaml'),
          `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../base]\ncomponents: [../../components/${component}]\n`,
        );
        const manifests = render(directory.slice(join(ROOT, 'k8s').length + 1));
        expect(schemaProblems(manifests)).toEqual([]);
        expect(workloads(manifests).length).toBeGreaterThan(0);
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
    60_000,
  );

  it('show how an external store fills the Secrets that the publisher refers to', () => {
    const externalSecret = z.strictObject({
      apiVersion: z.literal('external-secrets.io/v1'),
      kind: z.literal('ExternalSecret'),
      metadata: z.strictObject({ name: z.string(), namespace: z.string() }),
      spec: z.strictObject({
        refreshInterval: z.string(),
        secretStoreRef: z.strictObject({
          kind: z.enum(['SecretStore', 'ClusterSecretStore']),
          name: z.string(),
        }),
        target: z.strictObject({
          name: z.string(),
          creationPolicy: z.enum(['Owner', 'Merge', 'Orphan', 'None']),
        }),
        data: z.array(
          z.strictObject({
            secretKey: z.string(),
            remoteRef: z.strictObject({ key: z.string(), property: z.string() }),
          }),
        ),
      }),
    });
    const examples = parseManifests(
      readFileSync(join(ROOT, 'k8s/examples/external-secret.yaml'), 'utf8'),
    ).map((manifest) => externalSecret.parse(manifest));
    const filled = Object.fromEntries(
      examples.map(({ spec }) => [spec.target.name, spec.data.map(({ secretKey }) => secretKey)]),
    );
    const { volumes } = publisherOf(rendered.prod).spec.template.spec;
    const { secretName, items } = volumes.find((volume: { secret?: unknown }) => volume.secret).secret;
    expect(filled[secretName]).toEqual(items.map(({ key }: { key: string }) => key));
    expect(filled['oracle-redis']).toContain('STATE_URL');
    expect(filled['oracle-publisher-rpc']).toEqual(['RPC_URL']);
  });
});

describe.each(OVERLAYS)('overlay %s', (name) => {
  const manifests = rendered[name];

  it('pins every image to a version', () => {
    for (const workload of workloads(manifests))
      for (const { image } of workload.spec.template.spec.containers) {
        expect(image).toMatch(/^[\w.-]+(\/[\w.-]+)+:\d+\.\d+\.\d+/);
        expect(image).not.toMatch(/:latest$/);
      }
  });

  it('bounds every container, and lets none write, escalate or run as root', () => {
    expect(workloads(manifests).length).toBeGreaterThan(0);
    for (const workload of workloads(manifests)) {
      const pod = workload.spec.template.spec;
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
      for (const container of pod.containers) {
        for (const kind of ['requests', 'limits'])
          expect(container.resources[kind]).toMatchObject({
            cpu: expect.anything(),
            memory: expect.anything(),
          });
        expect(container.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.securityContext.capabilities.add).toBeUndefined();
      }
    }
  });

  it('carries no secret, only references', () => {
    expect(of(manifests, 'Secret')).toEqual([]);
    for (const map of of(manifests, 'ConfigMap'))
      for (const key of Object.keys(map.data)) expect(key).not.toMatch(/PRIVATE_KEY|PASSWORD/);
    expect(containerOf(manifests).env.map((entry: { name: string }) => entry.name)).not.toContain(
      'PRIVATE_KEY',
    );
  });

  it('sets only variables that the daemon reads, to values that it takes', () => {
    const known = new Set(environmentVariables.map((variable) => variable.name));
    const env = environmentOf(manifests);
    for (const key of Object.keys(env)) expect(known).toContain(key);
    expect(Object.keys(env)).toEqual(
      expect.arrayContaining(['RPC_URL', 'AGGREGATOR_ADDRESS', 'HEARTBEAT', 'DEVIATION_THRESHOLD']),
    );
    expect(() => loadEnvironment(env)).not.toThrow();
  });

  it('carries a configuration directory that the daemon takes', () => {
    const directory = mkdtempSync(join(tmpdir(), 'oracle-config-'));
    const map = one(manifests, 'ConfigMap', /^oracle-publisher-config/);
    for (const [file, text] of Object.entries(map.data)) writeFileSync(join(directory, file), text as string);
    const env = environmentOf(manifests);
    const { config } = loadConfig(directory, loadEnvironment(env).defaults, env);
    expect(config.groups.flatMap(({ feeds }) => feeds).length).toBeGreaterThan(0);
    const [chain] = config.chains;
    expect(publisherOf(manifests).spec.template.spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(
      chain!.confirmationDeadlineMs,
    );
    rmSync(directory, { recursive: true });
  });

  it('mounts the configuration as a directory under the fixed name, so that a change reaches running pods', () => {
    const pod = publisherOf(manifests).spec.template.spec;
    const { configMap } = pod.volumes.find((volume: { name: string }) => volume.name === 'config');
    const suffix = name === 'prod-shadow' ? '-shadow' : '';
    expect(configMap.name).toBe(`oracle-publisher-config${suffix}`);
    const mount = containerOf(manifests).volumeMounts.find(
      (entry: { name: string }) => entry.name === 'config',
    );
    expect(mount.subPath).toBeUndefined();
    expect(mount.mountPath).toBe(environmentOf(manifests).CONFIG_DIR);
  });

  it('agrees on ports and paths from the daemon to the probes, the Service and the monitor', () => {
    const container = containerOf(manifests);
    const ports = Object.fromEntries(
      container.ports.map((port: { name: string; containerPort: number }) => [port.name, port.containerPort]),
    );
    const fallback = (variable: string) =>
      Number(environmentVariables.find((entry) => entry.name === variable)?.fallback);
    expect(ports).toEqual({ http: fallback('HTTP_PORT'), metrics: fallback('METRICS_PORT') });
    expect(container.startupProbe.httpGet).toEqual({ path: '/livez', port: 'http' });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'http' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
    const service = one(manifests, 'Service', /^oracle-publisher/);
    for (const port of service.spec.ports) expect(ports[port.targetPort]).toBe(port.port);
    for (const monitor of of(manifests, 'ServiceMonitor'))
      for (const endpoint of monitor.spec.endpoints) {
        expect(service.spec.ports.map((port: { name: string }) => port.name)).toContain(endpoint.port);
        expect(endpoint.path).toBe('/metrics');
      }
  });

  it('selects what it means to select', () => {
    const pods = workloads(manifests).map((workload) => {
      const labels = workload.spec.template.metadata.labels;
      expect(matches(workload.spec.selector.matchLabels, labels)).toBe(true);
      return labels;
    });
    const selectors = [
      ...of(manifests, 'Service').map(({ spec }) => spec.selector),
      ...of(manifests, 'PodDisruptionBudget').map(({ spec }) => spec.selector.matchLabels),
      ...of(manifests, 'NetworkPolicy').map(({ spec }) => spec.podSelector.matchLabels ?? {}),
    ];
    for (const selector of selectors)
      expect(
        pods.filter((labels) => matches(selector, labels)).length,
        JSON.stringify(selector),
      ).toBeGreaterThan(0);
    for (const monitor of of(manifests, 'ServiceMonitor'))
      expect(
        of(manifests, 'Service').filter(({ metadata }) =>
          matches(monitor.spec.selector.matchLabels, metadata.labels ?? {}),
        ),
      ).toHaveLength(1);
    for (const scaler of of(manifests, 'HorizontalPodAutoscaler'))
      expect(scaler.spec.scaleTargetRef.name).toBe(publisherOf(manifests).metadata.name);
  });
});

describe.each(['staging', 'prod'] as const)('overlay %s in production shape', (name) => {
  const manifests = rendered[name];

  it('scales from 2 to 10 replicas by CPU at 70 % and by what the publisher lacks, and leaves the number to the autoscaler', () => {
    const { spec } = one(manifests, 'HorizontalPodAutoscaler');
    expect([spec.minReplicas, spec.maxReplicas]).toEqual([2, 10]);
    expect(spec.metrics[0].resource).toEqual({
      name: 'cpu',
      target: { type: 'Utilization', averageUtilization: 70 },
    });
    const names = createMetrics()
      .registry.getMetricsAsArray()
      .map((metric) => metric.name);
    for (const metric of spec.metrics.slice(1))
      expect(names).toContain((metric.external ?? metric.pods).metric.name);
    expect(publisherOf(manifests).spec.replicas).toBeUndefined();
  });

  it('spreads over zones and survives a drained node', () => {
    const keys = publisherOf(manifests).spec.template.spec.topologySpreadConstraints.map(
      (constraint: { topologyKey: string }) => constraint.topologyKey,
    );
    expect(keys).toContain('topology.kubernetes.io/zone');
    expect(one(manifests, 'PodDisruptionBudget').spec.maxUnavailable).toBe(1);
  });

  it('denies all traffic but DNS, sources and RPC over TLS, RPC nodes by label, Redis, and metrics from monitoring', () => {
    const policies = of(manifests, 'NetworkPolicy');
    const deny = policies.find(({ metadata }) => metadata.name === 'oracle-default-deny');
    expect(deny?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const rules = policies.flatMap(({ spec }) => [...(spec.egress ?? [])]);
    for (const rule of rules) {
      expect(rule.ports?.length, JSON.stringify(rule)).toBeGreaterThan(0);
      for (const peer of rule.to)
        if (peer.ipBlock?.cidr === '0.0.0.0/0')
          expect(peer.ipBlock.except).toEqual(expect.arrayContaining(['10.0.0.0/8', '169.254.0.0/16']));
    }
    const metrics = policies
      .flatMap(({ spec }) => spec.ingress ?? [])
      .filter((rule) => rule.ports.some((port: { port: number }) => port.port === 8000));
    expect(metrics.map((rule) => rule.from)).toEqual([
      [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    ]);
    expect(rules.some((rule) => rule.ports.some((port: { port: number }) => port.port === 6379))).toBe(true);
  });

  it('keeps its state in Redis, whose URL comes from a Secret', () => {
    const entry = containerOf(manifests).env.find(({ name: key }: { name: string }) => key === 'STATE_URL');
    expect(entry.valueFrom.secretKeyRef).toEqual({ name: 'oracle-redis', key: 'STATE_URL' });
  });

  it('carries the same rules as the plain rule file', () => {
    const [plain] = parseManifests(
      readFileSync(join(ROOT, 'k8s/monitoring/rules/oracle-publisher.rules.yml'), 'utf8'),
    );
    expect(one(manifests, 'PrometheusRule').spec.groups).toEqual(plain?.groups);
  });
});

describe('a shadow', () => {
  it('publishes nothing, is not scraped as the publisher, and is not behind its Service', () => {
    const shadow = publisherOf(rendered['prod-shadow']);
    expect(containerOf(rendered['prod-shadow']).args).toEqual(['run', '--dry-run']);
    const labels = shadow.spec.template.metadata.labels;
    expect(matches(one(rendered.prod, 'Service', /^oracle-publisher$/).spec.selector, labels)).toBe(false);
    const monitor = one(rendered.prod, 'ServiceMonitor');
    const service = one(rendered['prod-shadow'], 'Service');
    expect(matches(monitor.spec.selector.matchLabels, service.metadata.labels ?? {})).toBe(false);
    expect(environmentOf(rendered['prod-shadow']).STATE_URL).toBe('memory:');
  });
});

describe('the Redis component', () => {
  it('starts on a real Redis with a password, persistence, and nothing evicted', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'oracle-redis-'));
    const port = await freePort();
    const auth = join(directory, 'auth.conf');
    writeFileSync(auth, 'requirepass drill-password\n');
    const text = readFileSync(join(ROOT, 'k8s/components/redis/redis.conf'), 'utf8')
      .replace('dir /data', `dir ${directory}`)
      .replace('port 6379', `port ${port}`)
      .replace('/etc/redis/secret/auth.conf', auth);
    writeFileSync(join(directory, 'redis.conf'), text);
    const server = spawn('redis-server', [join(directory, 'redis.conf')], { stdio: 'ignore' });
    const cli = (...args: string[]) =>
      execFileSync('redis-cli', ['-p', String(port), ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, REDISCLI_AUTH: 'drill-password' },
      }).trim();
    try {
      await until(() => cli('ping') === 'PONG', 'Redis answers');
      expect(cli('config', 'get', 'maxmemory-policy')).toContain('noeviction');
      expect(cli('config', 'get', 'appendonly')).toContain('yes');
      expect(execFileSync('redis-cli', ['-p', String(port), 'get', 'x'], { encoding: 'utf8' })).toContain(
        'NOAUTH',
      );
    } finally {
      server.kill('SIGKILL');
      rmSync(directory, { recursive: true });
    }
  }, 30_000);
});
