import { describe, expect, it } from 'vitest';
import { loadEnvironment } from '../../../src/config/environment.js';
import { ConfigError } from '../../../src/config/problem.js';

const refused = (env: Record<string, string>): string => {
  try {
    loadEnvironment(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the environment was accepted');
};

describe('the environment', () => {
  it('has a default for everything but the endpoints', () => {
    const { environment, defaults } = loadEnvironment({});
    expect(environment).toEqual({
      stateUrl: 'memory:',
      configDir: 'config',
      logLevel: 'info',
      metricsPort: 8000,
      httpPort: 8080,
      bindAddress: '0.0.0.0',
      keys: { kind: 'none' },
    });
    expect(defaults).toEqual({ rpcUrls: [], heartbeatSeconds: 3600, deviation: { n: 1n, d: 2n } });
  });

  it('takes the five names that deployments have', () => {
    const key = `0x${'ab'.repeat(32)}`;
    const { environment, defaults } = loadEnvironment({
      RPC_URL: 'http://a:8545, https://b/v2/key',
      AGGREGATOR_ADDRESS: `0x${'12'.repeat(20)}`,
      PRIVATE_KEY: key,
      HEARTBEAT: '90',
      DEVIATION_THRESHOLD: 'off',
    });
    expect(defaults).toMatchObject({
      rpcUrls: ['http://a:8545', 'https://b/v2/key'],
      aggregator: `0x${'12'.repeat(20)}`,
      heartbeatSeconds: 90,
      deviation: 'off',
    });
    expect(environment.keys).toEqual({ kind: 'environment', privateKeys: [key] });
  });

  it('an empty variable counts as not set', () => {
    expect(loadEnvironment({ METRICS_PORT: '', HEARTBEAT: ' ' }).environment.metricsPort).toBe(8000);
  });

  it.each([
    ['METRICS_PORT', '12abc', 'environment METRICS_PORT "12abc": must be a whole number from 0 to 65535'],
    ['METRICS_PORT', '70000', 'must be a whole number from 0 to 65535'],
    ['HEARTBEAT', '0s', 'must be whole seconds from 1s'],
    ['DEVIATION_THRESHOLD', '0', 'must be a percentage above 0'],
    ['DEVIATION_THRESHOLD', '0.5%', 'must be a percentage above 0'],
    ['LOG_LEVEL', 'verbose', 'must be one of: fatal, error, warn, info, debug, trace'],
    ['AGGREGATOR_ADDRESS', '0x12', 'must be an address'],
    ['STATE_URL', 'mysql://x', 'must be memory: or a URL that begins with redis'],
    ['CHAIN_ID', '0x1', 'must be a whole number'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', 'must be a URL that begins with http'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization', 'must be headers as name=value'],
    ['SENTRY_DSN', 'https://sentry.example/1', "must be a Sentry project's DSN"],
    ['SENTRY_DSN', 'https://key@sentry.example/', "must be a Sentry project's DSN"],
  ])('refuses %s=%s', (name, value, expected) => {
    expect(refused({ [name]: value })).toContain(expected);
  });

  it('takes Sentinel by URL, and knows its password for a secret', () => {
    const url = 'redis+sentinel://op:sentinel-pass@h1:26379,h2:26379/mymaster/0';
    const { environment, secrets } = loadEnvironment({ STATE_URL: url });
    expect(environment.stateUrl).toBe(url);
    expect(secrets).toContain('sentinel-pass');
  });

  it('two sources of keys are refused: nobody could tell which signs', () => {
    expect(refused({ PRIVATE_KEY: `0x${'ab'.repeat(32)}`, KMS_KEY_ID: 'x' })).toContain(
      'name only one source of keys',
    );
    expect(refused({ KEYSTORE_FILE: '/keys/a.json' })).toContain('KEYSTORE_PASSWORD_FILE');
  });

  it('secrets are named for masking and never stand in a message', () => {
    const { secrets } = loadEnvironment({
      RPC_URL: 'https://user:password1@node.example/v3/0123456789abcdef0123',
      STATE_URL: 'redis://default:redis-pass@redis:6379',
      PRIVATE_KEY: `0x${'cd'.repeat(32)}`,
    });
    expect(secrets).toEqual(
      expect.arrayContaining(['password1', '0123456789abcdef0123', 'redis-pass', `0x${'cd'.repeat(32)}`]),
    );
    expect(refused({ RPC_URL: 'ws://user:password1@x' })).not.toContain('password1');
  });

  it('traces and error reports are off until their variable is set', () => {
    expect(
      loadEnvironment({ OTEL_SERVICE_NAME: 'x', SENTRY_ENVIRONMENT: 'y' }).environment,
    ).not.toHaveProperty('tracing');
    const { environment } = loadEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20collector-token, x-tenant=oracle',
      SENTRY_DSN: 'https://0123456789abcdef@sentry.example/7',
    });
    expect(environment).toMatchObject({
      tracing: {
        endpoint: 'http://collector:4318',
        headers: { authorization: 'Bearer collector-token', 'x-tenant': 'oracle' },
        serviceName: 'oracle-publisher',
      },
      errorReports: { dsn: 'https://0123456789abcdef@sentry.example/7', environment: 'production' },
    });
  });

  it('a token of the collector and the DSN are secrets', () => {
    const { secrets } = loadEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:collector-pass@collector.example',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20collector-token',
      SENTRY_DSN: 'https://0123456789abcdef@sentry.example/7',
    });
    expect(secrets).toEqual(
      expect.arrayContaining(['collector-pass', 'collector-token', '0123456789abcdef']),
    );
    expect(refused({ SENTRY_DSN: 'https://0123456789abcdef@sentry.example/x' })).not.toContain('0123456789');
  });
});
