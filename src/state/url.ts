/**
 * `STATE_URL`, read strictly:
 *
 *     memory:
 *     redis://[user:password@]host[:6379][/db[/path]]
 *     rediss://…                                       the same over TLS; ?ca=, ?cert= and ?key= name PEM files
 *     redis+sentinel://[user:password@]host[:26379],host…/master[/db[/path]]
 *     rediss+sentinel://…                              TLS to the sentinels and to the servers
 *
 * User and password are those of the Redis servers; the sentinels' own go into `?sentinelUsername=` and
 * `?sentinelPassword=`. `path` keeps deployments that share a database apart: keys begin with `op:` or `op:path:`.
 */

export interface RedisTarget {
  readonly kind: 'redis';
  readonly tls: boolean;
  /** One server, or the sentinels. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** The sentinels' name of the master; absent without sentinels. */
  readonly master?: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  /** What every key begins with, such as `op:`. */
  readonly prefix: string;
  /** PEM files for TLS. */
  readonly files: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** For the log: scheme, hosts, master and database, no user and no password. */
  readonly label: string;
}

export type StateTarget = { readonly kind: 'memory' } | RedisTarget;

/** The target, or what is wrong with the text and what is allowed; the problem never holds the password. */
export type StateUrlResult =
  | { readonly ok: true; readonly target: StateTarget }
  | { readonly ok: false; readonly problem: string };

const SHAPE = /^(rediss?)(\+sentinel)?:\/\/(?:(.*)@)?([^/?@]*)(\/[^?]*)?(?:\?(.*))?$/s;
const HOST = /^(?:\[([0-9a-fA-F:.%]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/;
const PATH = /^[A-Za-z0-9._:-]{1,100}$/;
const ALLOWED =
  'memory:, redis://[user:password@]host[:port][/db[/path]], rediss://…, or redis+sentinel://[user:password@]host,host/master[/db[/path]]';

/** Reads a state URL. @returns the target, or a problem fit for the operator's eyes */
export function parseStateUrl(text: string): StateUrlResult {
  const trimmed = text.trim();
  if (trimmed === 'memory:' || trimmed === 'memory://') return { ok: true, target: { kind: 'memory' } };
  const match = SHAPE.exec(trimmed);
  if (!match) return refuse(`is none of ${ALLOWED}`);
  const [, scheme = '', sentinelMark, userInfo, hostList = '', path = '', query = ''] = match;
  const tls = scheme === 'rediss';
  const sentinel = sentinelMark !== undefined;

  const credentials = readCredentials(userInfo);
  if (!credentials) return refuse('names a user without a password; write user:password@ or :password@');
  const hosts = readHosts(hostList, sentinel ? 26379 : 6379);
  if (!hosts) return refuse(`has a host or port that cannot be used; allowed is ${ALLOWED}`);
  if (!sentinel && hosts.length > 1) return refuse('names several hosts, which only redis+sentinel:// takes');

  const parts = path.split('/').slice(1);
  if (parts.at(-1) === '') parts.pop();
  const master = sentinel ? decode(parts.shift() ?? '') : undefined;
  if (master === '')
    return refuse('lacks the name of the master, as in redis+sentinel://host:26379/mymaster');
  const [dbText = '0', keyPath, ...rest] = parts;
  if (!/^\d{1,4}$/.test(dbText)) return refuse(`has a database that is no number: ${dbText.slice(0, 20)}`);
  if (rest.length > 0 || (keyPath !== undefined && !PATH.test(keyPath)))
    return refuse('has a path of keys that is not one part of letters, digits, and ._:-');

  const options = new URLSearchParams(query);
  const allowed = [
    ...(tls ? ['ca', 'cert', 'key'] : []),
    ...(sentinel ? ['sentinelUsername', 'sentinelPassword'] : []),
  ];
  for (const name of options.keys())
    if (!allowed.includes(name))
      return refuse(`has an option that is not known here; allowed: ${allowed.join(', ') || 'none'}`);
  const option = <N extends string>(name: N) => {
    const value = options.get(name);
    return (value === null ? {} : { [name]: value }) as { [K in N]?: string };
  };

  const where = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  return {
    ok: true,
    target: {
      kind: 'redis',
      tls,
      hosts,
      ...(master === undefined ? {} : { master }),
      ...option('sentinelUsername'),
      ...option('sentinelPassword'),
      ...credentials,
      db: Number(dbText),
      prefix: keyPath === undefined ? 'op:' : `op:${keyPath}:`,
      files: { ...option('ca'), ...option('cert'), ...option('key') },
      label: `${scheme}${sentinelMark ?? ''}://${where}/${master === undefined ? '' : `${master}/`}${dbText}`,
    },
  };
}

const refuse = (problem: string): StateUrlResult => ({ ok: false, problem: `STATE_URL ${problem}` });

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function readCredentials(userInfo: string | undefined): { username?: string; password?: string } | undefined {
  if (userInfo === undefined || userInfo === '' || userInfo === ':') return {};
  const colon = userInfo.indexOf(':');
  if (colon < 0 || colon === userInfo.length - 1) return undefined;
  const username = decode(userInfo.slice(0, colon));
  const password = decode(userInfo.slice(colon + 1));
  return username === '' ? { password } : { username, password };
}

function readHosts(list: string, defaultPort: number): { host: string; port: number }[] | undefined {
  const hosts: { host: string; port: number }[] = [];
  for (const part of list.split(',')) {
    const match = HOST.exec(part);
    const port = Number(match?.[3] ?? defaultPort);
    if (!match || port < 1 || port > 65_535) return undefined;
    hosts.push({ host: match[1] ?? match[2] ?? '', port });
  }
  return hosts;
}
