/** The real daemon, driven from outside: its command line, its log, its status page. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { withDeadline } from '../src/common/time.js';
import { type Child, ChildError, describeExit, ROOT, startChild } from './child.js';

const DEPLOY_TIMEOUT_MS = 120_000;
const STATUS_TIMEOUT_MS = 2_000;

const address = z.templateLiteral(['0x', z.string()]);
const integer = z.string().regex(/^-?\d+$/);

const deploymentSchema = z.object({
  chainId: z.number(),
  aggregator: address,
  groups: z
    .array(
      z.object({
        id: z.number(),
        name: z.string(),
        feeds: z.array(z.object({ name: z.string(), decimals: z.number(), proxy: address })).min(1),
      }),
    )
    .min(1),
});
/** What `deploy --out` wrote. */
export type Deployment = z.output<typeof deploymentSchema>;

const count = z.union([z.string(), z.number()]).transform((value) => BigInt(value));

const roundSchema = z.object({
  event: z.literal('round_confirmed'),
  round: z.number(),
  timestamp: z.number(),
  answers: z.array(
    z.object({
      feed: z.string(),
      answer: integer.nullish().transform((text) => (text ? BigInt(text) : undefined)),
      reason: z.string(),
    }),
  ),
  hash: z.string(),
  gasUsed: count,
  seconds: z.number(),
});
/** A round as the daemon says that it published it. */
export type SaidRound = z.output<typeof roundSchema>;

const statusSchema = z.object({
  groups: z.array(
    z.object({
      lastTransaction: z.object({ hash: z.string(), gasUsed: count, blockNumber: count }).nullish(),
    }),
  ),
  feeds: z.array(
    z.object({
      name: z.string(),
      price: z.string().nullish(),
      deviation: z.object({ percent: z.string(), threshold: z.string(), ratio: z.number() }).nullish(),
      heartbeatSeconds: z.number(),
      reason: z.string(),
      detail: z.string().nullish(),
      sources: z.array(z.object({ label: z.string(), used: z.boolean(), code: z.string().nullish() })),
    }),
  ),
});
/** What the status page says. */
export type Status = z.output<typeof statusSchema>;

/** Makes sure that there is something to run. */
export function requireBuild(cli: string): void {
  if (!existsSync(path.resolve(ROOT, cli)))
    throw new Error(`${cli} is not there; \`make demo\` builds it, and so does \`npm run build\``);
}

/** Deploys the contract, the groups and the proxies. @throws ChildError when the command fails */
export async function deploy(
  cli: string,
  env: Readonly<Record<string, string>>,
  out: string,
  signal: AbortSignal,
): Promise<Deployment> {
  const child = startChild({ name: 'deploy', args: [cli, 'deploy', '--out', out], env });
  try {
    const exit = await withDeadline('deploy', DEPLOY_TIMEOUT_MS, () => child.exited, signal);
    if (exit.code !== 0) throw new ChildError(`deploy ${describeExit(exit)}`, child.tail());
  } finally {
    child.kill();
  }
  return deploymentSchema.parse(JSON.parse(readFileSync(out, 'utf8')));
}

/** A line of the daemon's log. */
export type LogEntry = Readonly<Record<string, unknown>>;

/** Reads a line of the log; `undefined` for anything that is no JSON object. */
export function parseEntry(line: string): LogEntry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? (entry as LogEntry) : undefined;
  } catch {
    return undefined;
  }
}

/** The round that a log entry tells of; `undefined` for other entries. @throws ZodError when the line is malformed */
export const parseRound = (entry: LogEntry): SaidRound | undefined =>
  entry.event === 'round_confirmed' ? roundSchema.parse(entry) : undefined;

/** Starts the daemon. */
export const startDaemon = (
  cli: string,
  env: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): Child => startChild({ name: 'oracle-publisher', args: [cli, 'run'], env, onLine });

/** Reads the status page; `undefined` when it does not answer in time, as in the first moments. */
export async function readStatus(httpPort: number, signal: AbortSignal): Promise<Status | undefined> {
  let body: unknown;
  try {
    body = await withDeadline(
      'reading the status page',
      STATUS_TIMEOUT_MS,
      async (inner) => {
        const response = await fetch(`http://127.0.0.1:${httpPort}/v1/status`, { signal: inner });
        return response.ok ? await response.json() : undefined;
      },
      signal,
    );
  } catch {
    return undefined;
  }
  return body === undefined ? undefined : statusSchema.parse(body);
}
