/** Settings of the process: read from the environment through convict with formats that refuse what they do not fit. */
import convict from 'convict';
import type { Rational } from '../common/rational.js';
import type { Address } from '../common/words.js';
import { readKeySettings } from './key-settings.js';
import { ConfigError, type ConfigProblem } from './problem.js';
import {
  type Reader,
  readAddress,
  readDeviation,
  readInteger,
  readSeconds,
  readText,
  readUrl,
  readWord,
} from './scalars.js';
import {
  readTelemetry,
  TELEMETRY_VARIABLES,
  type TelemetrySettings,
  telemetrySecrets,
} from './telemetry-settings.js';
import type { Environment, KeySettings, LogLevel } from './types.js';

/** The environment's defaults for chains and feeds, beneath what the files say. */
export interface EnvironmentDefaults {
  readonly rpcUrls: readonly string[];
  readonly chainId?: number;
  readonly aggregator?: Address;
  readonly heartbeatSeconds: number;
  readonly deviation: Rational | 'off';
}

/** The external adapter at `POST /`; what is absent was not set. */
export interface ExternalAdapterSettings {
  /** A secret: requests must carry it as `Authorization: Bearer …`. */
  readonly token?: string;
  /** Requests that one remote address may make in a minute. */
  readonly requestsPerMinute?: number;
}

/** The process's environment, with what only its HTTP port and its telemetry read. */
export type ServedEnvironment = Environment &
  TelemetrySettings & { readonly externalAdapter?: ExternalAdapterSettings };

export interface LoadedEnvironment {
  readonly environment: ServedEnvironment;
  readonly defaults: EnvironmentDefaults;
  /** Texts that must never be printed. */
  readonly secrets: readonly string[];
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
const readRpcUrl = readUrl('http', 'https');

const readRpcUrls: Reader<readonly string[]> = (text) => {
  const urls = text
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  const failed = urls.map((url) => readRpcUrl(url)).find((result) => !result.ok);
  return failed ?? { ok: true, value: urls };
};

/** Long enough not to be guessed, and to be told apart from ordinary words where logs are masked. */
const readToken: Reader<string> = (text) =>
  /^[!-~]{16,512}$/.test(text.trim())
    ? { ok: true, value: text.trim() }
    : { ok: false, message: 'must be 16 to 512 printable characters without spaces' };

/** The form only: hosts, credentials and options are read by the state store, which knows them. */
const readStateUrl: Reader<string> = (text) =>
  /^(memory:|rediss?(\+sentinel)?:\/\/.)/.test(text.trim())
    ? { ok: true, value: text.trim() }
    : {
        ok: false,
        message: 'must be memory: or a URL that begins with redis://, rediss:// or redis+sentinel://',
      };

/** Every variable that the daemon reads, with its reader; `sensitive` values are never repeated in a message. */
const VARIABLES = {
  RPC_URL: {
    read: readRpcUrls,
    fallback: '',
    sensitive: true,
    doc: 'JSON-RPC endpoints of the chain, comma-separated',
  },
  CHAIN_ID: {
    read: readInteger(1, 2 ** 47),
    fallback: '',
    doc: 'Chain id; read from the endpoints and pinned when absent',
  },
  AGGREGATOR_ADDRESS: { read: readAddress, fallback: '', doc: 'Address of the OracleAggregator' },
  PRIVATE_KEY: {
    read: readText,
    fallback: '',
    sensitive: true,
    doc: 'Private keys of the pool, comma-separated',
  },
  PRIVATE_KEY_FILE: { read: readText, fallback: '', doc: 'File with private keys, one a line' },
  KEYSTORE_FILE: { read: readText, fallback: '', doc: 'Encrypted keystore files, comma-separated' },
  KEYSTORE_PASSWORD_FILE: { read: readText, fallback: '', doc: 'File with the password of the keystores' },
  KMS_KEY_ID: { read: readText, fallback: '', doc: 'AWS KMS key ids, comma-separated' },
  KMS_ENDPOINT: {
    read: readUrl('http', 'https'),
    fallback: '',
    doc: 'Endpoint of AWS KMS, where it is not the public one',
  },
  AWS_REGION: { read: readText, fallback: '', doc: 'Region of AWS KMS' },
  WEB3SIGNER_URL: {
    read: readUrl('http', 'https'),
    fallback: '',
    sensitive: true,
    doc: 'URL of a Web3Signer',
  },
  WEB3SIGNER_ADDRESSES: {
    read: readText,
    fallback: '',
    doc: 'Addresses to use of the Web3Signer, comma-separated',
  },
  HEARTBEAT: { read: readSeconds(1, 30 * 86_400), fallback: '1h', doc: 'On-chain age that is never passed' },
  DEVIATION_THRESHOLD: {
    read: readDeviation,
    fallback: '0.5',
    doc: 'Percent of change that is published at once, or off',
  },
  STATE_URL: {
    read: readStateUrl,
    fallback: 'memory:',
    sensitive: true,
    doc: 'memory: or redis://…',
  },
  CONFIG_DIR: { read: readText, fallback: 'config', doc: 'Directory of the YAML configuration' },
  LOG_LEVEL: { read: readWord(...LOG_LEVELS), fallback: 'info', doc: LOG_LEVELS.join(', ') },
  METRICS_PORT: { read: readInteger(0, 65_535), fallback: '8000', doc: 'Port of /metrics' },
  HTTP_PORT: { read: readInteger(0, 65_535), fallback: '8080', doc: 'Port of health, status and API' },
  BIND_ADDRESS: { read: readText, fallback: '0.0.0.0', doc: 'Address to listen on' },
  EXTERNAL_ADAPTER_TOKEN: {
    read: readToken,
    fallback: '',
    sensitive: true,
    doc: 'Bearer token that requests to the external adapter must carry; none is asked for when absent',
  },
  EXTERNAL_ADAPTER_RATE_LIMIT: {
    read: readInteger(1, 1_000_000),
    fallback: '',
    doc: 'Requests to the external adapter per minute and remote address; 600 when absent',
  },
  ...TELEMETRY_VARIABLES,
} as const satisfies Record<string, Variable>;

interface Variable {
  readonly read: Reader<unknown>;
  readonly fallback: string;
  readonly sensitive?: boolean;
  readonly doc: string;
}

type Name = keyof typeof VARIABLES;
type ValueOf<N extends Name> = (typeof VARIABLES)[N]['read'] extends Reader<infer T> ? T : never;

/** Names and descriptions of all variables, for the help text and the tests of the manifests. */
export const environmentVariables: readonly { name: string; fallback: string; doc: string }[] =
  Object.entries(VARIABLES).map(([name, { fallback, doc }]) => ({ name, fallback, doc }));

/**
 * Reads the environment. A variable that is set to the empty text counts as not set.
 * @throws ConfigError naming each variable that does not fit, without the value where it could be a secret
 */
export function loadEnvironment(env: Readonly<Record<string, string | undefined>>): LoadedEnvironment {
  const problems: ConfigProblem[] = [];
  const settings = convict(
    Object.fromEntries(
      Object.entries(VARIABLES).map(([name, variable]: [string, Variable]) => [
        name,
        {
          doc: variable.doc,
          default: variable.fallback,
          env: name,
          sensitive: variable.sensitive ?? false,
          format: (value: unknown) => {
            const text = String(value);
            const result = text === '' ? undefined : variable.read(text);
            if (result && !result.ok)
              problems.push({
                where: 'environment',
                path: name,
                ...(variable.sensitive ? {} : { value: text }),
                message: result.message,
              });
          },
        },
      ]),
    ),
    {
      env: Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim())) as NodeJS.ProcessEnv,
      args: [],
    },
  );
  settings.validate({ allowed: 'strict' });

  const value = <N extends Name>(name: N): ValueOf<N> | undefined => {
    const text = String(settings.get(name));
    if (text === '') return undefined;
    const result = VARIABLES[name].read(text);
    return result.ok ? (result.value as ValueOf<N>) : undefined;
  };
  const keys = readKeySettings(value, problems);
  if (problems.length > 0) throw new ConfigError(problems);

  const chainId = value('CHAIN_ID');
  const aggregator = value('AGGREGATOR_ADDRESS');
  const stateUrl = value('STATE_URL') ?? 'memory:';
  const externalAdapter = readExternalAdapter(value);
  const telemetry = readTelemetry(value);
  const hidden = telemetrySecrets(telemetry);
  return {
    environment: {
      stateUrl,
      configDir: value('CONFIG_DIR') ?? 'config',
      logLevel: (value('LOG_LEVEL') ?? 'info') as LogLevel,
      metricsPort: value('METRICS_PORT') ?? 8000,
      httpPort: value('HTTP_PORT') ?? 8080,
      bindAddress: value('BIND_ADDRESS') ?? '0.0.0.0',
      keys,
      ...(externalAdapter ? { externalAdapter } : {}),
      ...telemetry,
    },
    defaults: {
      rpcUrls: value('RPC_URL') ?? [],
      ...(chainId === undefined ? {} : { chainId }),
      ...(aggregator === undefined ? {} : { aggregator }),
      heartbeatSeconds: value('HEARTBEAT') ?? 3600,
      deviation: value('DEVIATION_THRESHOLD') ?? 'off',
    },
    secrets: [
      ...collectSecrets(stateUrl, value('RPC_URL') ?? [], keys),
      ...(externalAdapter?.token === undefined ? [] : [externalAdapter.token]),
      ...hidden.texts,
      ...hidden.urls.flatMap(secretsOfUrl),
    ],
  };
}

/** The parts of a URL that can be a secret: user, password, the path and query that hosted endpoints put keys into. */
export function secretsOfUrl(url: string): string[] {
  // Not by `URL`, which takes no list of hosts (Sentinel).
  const [, userInfo = '', rest = ''] = /^[a-z0-9+]+:\/\/(?:([^@/]*)@)?(.*)$/i.exec(url.trim()) ?? [];
  const [path = '', query = ''] = rest.split('?', 2);
  const longest = path
    .split('/')
    .slice(1)
    .filter((part) => part.length >= 16);
  const credentials = userInfo.split(':').flatMap((part) => [part, decoded(part)]);
  const options = query.split('&').map((option) => option.slice(option.indexOf('=') + 1));
  return [...new Set([...credentials, ...longest, ...options])].filter(
    (part) => part !== '' && part !== 'default',
  );
}

/** Percent-encoded text as it was meant; as it is where the encoding is broken. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function collectSecrets(stateUrl: string, rpcUrls: readonly string[], keys: KeySettings): string[] {
  const secrets = [...secretsOfUrl(stateUrl), ...rpcUrls.flatMap(secretsOfUrl)];
  if (keys.kind === 'environment') secrets.push(...keys.privateKeys);
  if (keys.kind === 'web3signer') secrets.push(...secretsOfUrl(keys.url));
  return secrets;
}

type Lookup = <N extends Name>(name: N) => ValueOf<N> | undefined;

function readExternalAdapter(value: Lookup): ExternalAdapterSettings | undefined {
  const token = value('EXTERNAL_ADAPTER_TOKEN');
  const requestsPerMinute = value('EXTERNAL_ADAPTER_RATE_LIMIT');
  if (token === undefined && requestsPerMinute === undefined) return undefined;
  return {
    ...(token === undefined ? {} : { token }),
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
  };
}
