/** A stand-in of the Kubernetes API that holds rendered manifests and answers the real kubectl; no controller runs. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'yaml';
import type { Manifest } from './kube.js';

export interface FakeKubernetes {
  readonly url: string;
  /** Every request that was refused because it names nothing that is there, as `METHOD path`. */
  readonly missed: readonly string[];
  /** Paths that were asked for a stream (exec, port-forward), which this stand-in refuses. */
  readonly streams: readonly string[];
  readonly get: (kind: string, namespace: string, name: string) => Manifest | undefined;
  readonly close: () => Promise<void>;
}

export interface FakePod {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
  readonly log?: string;
  /** Of the container before, where there was one. */
  readonly previous?: string;
}

/** Kind, plural and short name by API version: what these manifests and kubectl's own commands need. */
const RESOURCES: Record<string, readonly (readonly [kind: string, plural: string, short?: string])[]> = {
  v1: [
    ['Pod', 'pods', 'po'],
    ['Service', 'services', 'svc'],
    ['ConfigMap', 'configmaps', 'cm'],
    ['Secret', 'secrets'],
    ['Event', 'events', 'ev'],
    ['Namespace', 'namespaces', 'ns'],
    ['ServiceAccount', 'serviceaccounts', 'sa'],
    ['PersistentVolumeClaim', 'persistentvolumeclaims', 'pvc'],
  ],
  'apps/v1': [
    ['Deployment', 'deployments', 'deploy'],
    ['StatefulSet', 'statefulsets', 'sts'],
    ['ReplicaSet', 'replicasets', 'rs'],
    ['ControllerRevision', 'controllerrevisions'],
  ],
  'autoscaling/v2': [['HorizontalPodAutoscaler', 'horizontalpodautoscalers', 'hpa']],
  'policy/v1': [['PodDisruptionBudget', 'poddisruptionbudgets', 'pdb']],
  'networking.k8s.io/v1': [['NetworkPolicy', 'networkpolicies', 'netpol']],
  'monitoring.coreos.com/v1': [
    ['ServiceMonitor', 'servicemonitors'],
    ['PrometheusRule', 'prometheusrules'],
  ],
};
const KINDS = Object.entries(RESOURCES).flatMap(([version, kinds]) =>
  kinds.map(([kind, plural, short]) => ({ version, kind, plural, short })),
);
const keyOf = (kind: string, namespace: string, name: string) =>
  `${kind}/${kind === 'Namespace' ? '' : namespace}/${name}`;

/** What the controllers would have written: a rollout that is done, its revisions, its pods. */
function withControllers(manifest: Manifest, pods: readonly FakePod[]): Manifest[] {
  if (!['Deployment', 'StatefulSet'].includes(manifest.kind)) return [manifest];
  const { name, namespace = '' } = manifest.metadata;
  const { matchLabels } = manifest.spec.selector;
  const replicas = pods.filter(({ labels }) =>
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
  ).length;
  const counts = ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'currentReplicas'];
  const owner: Manifest = {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      uid: name,
      generation: 1,
      annotations: { 'deployment.kubernetes.io/revision': '2' },
    } as Manifest['metadata'],
    // The default of the API.
    spec: { updateStrategy: { type: 'RollingUpdate' }, ...manifest.spec, replicas },
    status: {
      observedGeneration: 1,
      currentRevision: 'r',
      updateRevision: 'r',
      ...Object.fromEntries(counts.map((count) => [count, replicas])),
    },
  };
  const revisions = ['1', '2'].map(
    (revision): Manifest => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${revision}`,
        namespace,
        uid: `${name}-${revision}`,
        labels: { ...matchLabels, 'pod-template-hash': revision },
        annotations: { 'deployment.kubernetes.io/revision': revision },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid: name, controller: true }],
      } as Manifest['metadata'],
      spec: {
        replicas: revision === '2' ? replicas : 0,
        selector: manifest.spec.selector,
        template: manifest.spec.template,
      },
    }),
  );
  return manifest.kind === 'Deployment' ? [owner, ...revisions] : [owner];
}

const podObject = ({ name, namespace, labels }: FakePod): Manifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels },
  spec: { containers: [{ name: labels['app.kubernetes.io/component'] ?? 'main', image: 'image' }] },
  status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
});

const merge = (base: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const from = (typeof base === 'object' && base !== null ? base : {}) as Record<string, unknown>;
  const changed = Object.entries(patch).map(([key, value]) => [key, merge(from[key], value)]);
  return { ...from, ...Object.fromEntries(changed) };
};

/** Starts the stand-in. Every request for an object that is not there is answered with 404, as the API does. */
export async function startFakeKubernetes(
  manifests: readonly Manifest[],
  pods: readonly FakePod[],
): Promise<FakeKubernetes> {
  const objects = new Map<string, Manifest>();
  const put = (object: Manifest) =>
    objects.set(keyOf(object.kind, object.metadata.namespace ?? '', object.metadata.name), object);
  for (const manifest of manifests) withControllers(manifest, pods).forEach(put);
  for (const pod of pods) put(podObject(pod));
  const missed: string[] = [];
  const streams: string[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://api');
    const method = request.method ?? 'GET';
    const send = (body: unknown, code = 200) => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const refuse = (code: number, reason: string, message: string) => {
      missed.push(`${method} ${url.pathname}`);
      send({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, code);
    };
    const found = discovery(url.pathname);
    if (found) return send(found);

    const [, version, namespace = '', plural, name, subresource] =
      /^\/(?:api|apis)\/(v1|[\w.]+\/v\d)(?:\/namespaces\/([\w-]+)(?=\/))?\/(\w+)(?:\/([\w.-]+))?(?:\/(\w+))?$/.exec(
        url.pathname,
      ) ?? [];
    const kind = KINDS.find((each) => each.version === version && each.plural === plural)?.kind;
    if (!kind) return refuse(404, 'NotFound', 'the server could not find the requested resource');
    let body = '';
    for await (const chunk of request) body += chunk;
    const dry = url.searchParams.has('dryRun');

    if (name === undefined) {
      if (method === 'POST') {
        const object = parse(body) as Manifest;
        if (objects.has(keyOf(kind, namespace, object.metadata.name)))
          return refuse(409, 'AlreadyExists', `${plural} "${object.metadata.name}" already exists`);
        if (!dry) put(object);
        return send(object, 201);
      }
      const items = [...objects.values()].filter(
        (object) =>
          object.kind === kind &&
          (namespace === '' || object.metadata.namespace === namespace) &&
          selected(object, url.searchParams),
      );
      if (url.searchParams.get('watch')) return void response.writeHead(200).flushHeaders();
      return send({ kind: `${kind}List`, apiVersion: version, metadata: { resourceVersion: '1' }, items });
    }
    const object = objects.get(keyOf(kind, namespace, name));
    const applied = (request.headers['content-type'] ?? '').includes('apply-patch');
    if (!object && !(method === 'PATCH' && applied))
      return refuse(404, 'NotFound', `${plural} "${name}" not found`);
    if (subresource === 'exec' || subresource === 'portforward') {
      streams.push(url.pathname);
      return refuse(400, 'BadRequest', 'this stand-in makes no streams');
    }
    if (subresource === 'log') {
      const pod = pods.find((each) => each.name === name);
      const log = url.searchParams.has('previous') ? pod?.previous : pod?.log;
      if (log === undefined)
        return refuse(400, 'BadRequest', `previous terminated container in pod "${name}" not found`);
      return void response.end(log);
    }
    if (subresource === 'scale')
      return send({
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: object?.metadata,
        spec: { replicas: object?.spec.replicas },
        status: { replicas: object?.spec.replicas },
      });
    if (method === 'DELETE') {
      if (!dry) objects.delete(keyOf(kind, namespace, name));
      return send({ kind: 'Status', apiVersion: 'v1', status: 'Success' });
    }
    if (method === 'GET') return send(object);
    const patch = parse(body);
    // A JSON patch (a rollback) changes nothing here; the template of the revision is the same.
    const changed = (applied ? patch : Array.isArray(patch) ? object : merge(object, patch)) as Manifest;
    if (!dry) put(changed);
    return send(changed);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  server.on('upgrade', (request, socket) => {
    streams.push(new URL(request.url ?? '/', 'http://api').pathname);
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    missed,
    streams,
    get: (kind, namespace, name) => objects.get(keyOf(kind, namespace, name)),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function selected({ metadata, status }: Manifest, query: URLSearchParams): boolean {
  const pairs = (text: string | null) =>
    (text ?? '')
      .split(',')
      .filter(Boolean)
      .map((part) => part.split(/==?/) as [string, string]);
  const fields: Record<string, unknown> = { 'metadata.name': metadata.name, 'status.phase': status?.phase };
  return (
    pairs(query.get('labelSelector')).every(([key, value]) => metadata.labels?.[key] === value) &&
    pairs(query.get('fieldSelector')).every(([key, value]) => !(key in fields) || fields[key] === value)
  );
}

/** What the API says of itself. */
function discovery(path: string): object | undefined {
  if (path === '/version') return { major: '1', minor: '32', gitVersion: 'v1.32.0' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis')
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: Object.keys(RESOURCES)
        .filter((version) => version !== 'v1')
        .map((groupVersion) => {
          const [name, version] = groupVersion.split('/');
          return {
            name,
            versions: [{ groupVersion, version }],
            preferredVersion: { groupVersion, version },
          };
        }),
    };
  const groupVersion = path.replace(/^\/apis?\//, '');
  const resources = RESOURCES[groupVersion];
  if (!resources) return undefined;
  const verbs = ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete', 'deletecollection'];
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: resources.flatMap(([kind, name, short]) => [
      {
        name,
        singularName: kind.toLowerCase(),
        namespaced: kind !== 'Namespace',
        kind,
        verbs,
        ...(short ? { shortNames: [short] } : {}),
      },
      ...(['Deployment', 'StatefulSet'].includes(kind)
        ? [
            {
              name: `${name}/scale`,
              singularName: '',
              namespaced: true,
              group: 'autoscaling',
              version: 'v1',
              kind: 'Scale',
              verbs,
            },
          ]
        : []),
    ]),
  };
}
