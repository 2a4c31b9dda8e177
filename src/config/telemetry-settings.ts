/** Where traces and error reports go; both are off until their variable is set. */
import { type Reader, readText, readUrl, type Scalar } from './scalars.js';

/** Traces by OpenTelemetry's protocol. */
export interface TracingSettings {
  /** Without `/v1/traces`. */
  readonly endpoint: string;
  /** Secrets: they may carry a token. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
}

/** Error reports to Sentry. */
export interface ErrorReportSettings {
  /** A secret. */
  readonly dsn: string;
  readonly environment: string;
}

export interface TelemetrySettings {
  readonly tracing?: TracingSettings;
  readonly errorReports?: ErrorReportSettings;
}

/** `name=value,name=value`, values URL-encoded, as OpenTelemetry has it. */
const readHeaders: Reader<Readonly<Record<string, string>>> = (text) => {
  const pairs = text.split(',').map((pair) => /^\s*([!#$%&'*+.^_`|~\w-]+)\s*=(.*)$/.exec(pair));
  const refused: Scalar<never> = {
    ok: false,
    message: 'must be headers as name=value, comma-separated, with URL-encoded values',
  };
  try {
    const headers = pairs.map((pair) => [pair?.[1], decodeURIComponent(pair?.[2]?.trim() ?? '')]);
    const fits = headers.every(([name, value]) => name !== undefined && /^[\t -~]+$/.test(value ?? ''));
    return fits ? { ok: true, value: Object.fromEntries(headers) } : refused;
  } catch {
    return refused;
  }
};

const readHttpUrl = readUrl('http', 'https');

const readDsn: Reader<string> = (text) => {
  const url = readHttpUrl(text);
  const dsn = url.ok ? new URL(text) : undefined;
  return dsn && dsn.username !== '' && /\/\d+$/.test(dsn.pathname)
    ? { ok: true, value: text.trim() }
    : { ok: false, message: "must be a Sentry project's DSN, such as https://key@host/1" };
};

/** The variables, as `environment.ts` declares its own. */
export const TELEMETRY_VARIABLES = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    read: readHttpUrl,
    fallback: '',
    sensitive: true,
    doc: 'OpenTelemetry collector (OTLP over HTTP) that takes a trace per round; no traces when absent',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    read: readHeaders,
    fallback: '',
    sensitive: true,
    doc: 'Headers for the collector: name=value, comma-separated, values URL-encoded',
  },
  OTEL_SERVICE_NAME: { read: readText, fallback: 'oracle-publisher', doc: 'Service name of the traces' },
  SENTRY_DSN: {
    read: readDsn,
    fallback: '',
    sensitive: true,
    doc: 'DSN of the Sentry project that takes errors; no reports when absent',
  },
  SENTRY_ENVIRONMENT: { read: readText, fallback: 'production', doc: 'Environment named in error reports' },
} as const;

type Variables = typeof TELEMETRY_VARIABLES;
type ValueOf<N extends keyof Variables> = Variables[N]['read'] extends Reader<infer T> ? T : never;
type Lookup = <N extends keyof Variables>(name: N) => ValueOf<N> | undefined;

/** Joins the variables; what is absent was not set. */
export function readTelemetry(value: Lookup): TelemetrySettings {
  const endpoint = value('OTEL_EXPORTER_OTLP_ENDPOINT');
  const dsn = value('SENTRY_DSN');
  return {
    ...(endpoint === undefined
      ? {}
      : {
          tracing: {
            endpoint,
            headers: value('OTEL_EXPORTER_OTLP_HEADERS') ?? {},
            serviceName: value('OTEL_SERVICE_NAME') ?? TELEMETRY_VARIABLES.OTEL_SERVICE_NAME.fallback,
          },
        }),
    ...(dsn === undefined
      ? {}
      : {
          errorReports: {
            dsn,
            environment: value('SENTRY_ENVIRONMENT') ?? TELEMETRY_VARIABLES.SENTRY_ENVIRONMENT.fallback,
          },
        }),
  };
}

/** What must never be printed: whole texts, and URLs of which parts are secret. */
export function telemetrySecrets({ tracing, errorReports }: TelemetrySettings): {
  readonly texts: readonly string[];
  readonly urls: readonly string[];
} {
  const values = Object.values(tracing?.headers ?? {});
  return {
    // A token stands behind its scheme: `Bearer …`.
    texts: [
      ...values,
      ...values.flatMap((text) => text.split(' ').slice(1)),
      ...(errorReports ? [errorReports.dsn] : []),
    ],
    urls: [...(tracing ? [tracing.endpoint] : []), ...(errorReports ? [errorReports.dsn] : [])],
  };
}
