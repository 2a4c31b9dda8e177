/** One demo from its start to its exit code: bring up, watch, verify, stop, sum up. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { sleep } from '../src/common/time.js';
import { ChildError, describeExit } from './child.js';
import { createDaemonLog, type DaemonLog } from './daemon-log.js';
import { createDisplay, type Display, type Output } from './display.js';
import { exchangeRows, look } from './look.js';
import type { Options } from './options.js';
import { createProxies, type Proxies } from './proxies.js';
import { renderSummary } from './summary.js';
import { createSupervisor, type Supervisor } from './supervisor.js';
import { createVerifier, type Verifier } from './verify.js';
import { createRunDirectory, createWorld, type World } from './world.js';

const LOOK_EVERY_MS = 500;
/** The daemon may wait for the transaction in flight. */
const DAEMON_STOP_TIMEOUT_MS = 60_000;
/** What the rounds may take beyond one heartbeat each. */
const SLACK_MS = 60_000;
/** How long the end of a child may take to be told after a connection to it broke. */
const SETTLE_MS = 1_000;

/** Exit code of a demo that Ctrl-C ended before it did what it was asked. */
const INTERRUPTED = 130;

export interface SessionSettings {
  readonly options: Options;
  readonly output: Output;
  /** Aborts on Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** What the parts of a session share once everything runs. */
interface Stage extends SessionSettings {
  readonly world: World;
  readonly display: Display;
  readonly supervisor: Supervisor;
  readonly log: DaemonLog;
  readonly proxies: Proxies;
  readonly verifier: Verifier;
  readonly signal: AbortSignal;
  readonly elapsedMs: () => number;
}

/** Verifies and shows until the rounds are done or Ctrl-C. @throws when a child failed or the rounds take too long */
async function watch(stage: Stage): Promise<void> {
  const { options, log, display, verifier, interrupted, signal, elapsedMs } = stage;
  const { rounds = Number.POSITIVE_INFINITY, heartbeatSeconds } = options;
  const deadlineMs = elapsedMs() + rounds * heartbeatSeconds * 1_000 + SLACK_MS;
  let verified = 0;
  while (!interrupted.aborted) {
    signal.throwIfAborted();
    const published = log.take();
    for (const said of published) await verifier.check(said);
    verified += published.length;
    display.update(await look({ ...stage, round: log.rounds().at(-1)?.round ?? 0 }), published);
    if (verified >= rounds) return;
    if (elapsedMs() > deadlineMs) throw new Error(`only ${verified} of ${rounds} rounds came in time`);
    await sleep(LOOK_EVERY_MS, signal);
  }
}

/** Stops the daemon as an operator would, reads the chain for the last time, and prints the summary. */
async function conclude(stage: Stage, watchedMs: number): Promise<number> {
  const { options, log, display, verifier, supervisor, world, output } = stage;
  display.end();
  output.write('stopping the daemon with SIGTERM\n');
  const exit = await supervisor.stop(world.daemon, DAEMON_STOP_TIMEOUT_MS);
  for (const said of log.take()) await verifier.check(said);
  await verifier.finish(log.rounds());
  const verification = verifier.result();
  const summary = renderSummary({
    rounds: log.rounds(),
    elapsedMs: watchedMs,
    heartbeatSeconds: options.heartbeatSeconds,
    verification,
    daemonExit: describeExit(exit),
  });
  output.write(`\n${summary.join('\n')}\n`);
  if (exit.code !== 0) output.write(`\n${world.daemon.tail().join('\n')}\n`);
  if (exit.code !== 0 || verification.differences.length > 0) return 1;
  return log.rounds().length >= (options.rounds ?? 0) ? 0 : INTERRUPTED;
}

/** Says why a demo ended early. @returns the exit code */
async function explain(error: unknown, settings: SessionSettings, failed: AbortSignal): Promise<number> {
  const { interrupted, output } = settings;
  if (interrupted.aborted) {
    output.write('interrupted\n');
    return INTERRUPTED;
  }
  // A connection breaks before the process behind it is known to be gone; the process is the better explanation.
  if (!(error instanceof ChildError)) await sleep(SETTLE_MS, failed);
  const cause: unknown = failed.aborted ? failed.reason : error;
  const tail = cause instanceof ChildError && cause.tail.length > 0 ? ['its last lines:', ...cause.tail] : [];
  output.write(`${['', `failed: ${cause instanceof Error ? cause.message : cause}`, ...tail].join('\n')}\n`);
  return 1;
}

/** Runs a demo. @returns the exit code */
export async function runSession(settings: SessionSettings): Promise<number> {
  const { options, output, interrupted } = settings;
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  const display = createDisplay(output, elapsedMs);
  const supervisor = createSupervisor();
  const directory = createRunDirectory();
  const log = createDaemonLog(path.join(directory, 'daemon.log'));
  const signal = AbortSignal.any([interrupted, supervisor.failed, log.unreadable]);
  const { killAll } = supervisor;
  process.once('exit', killAll);
  let code: number;
  try {
    const { note } = display;
    const onDaemonLine = log.onLine;
    const world = await createWorld({ options, supervisor, signal, note, onDaemonLine, directory });
    const proxies = createProxies(world.places.rpcUrl);
    const verifier = createVerifier(proxies, world.feeds);
    const stage = { ...settings, world, display, supervisor, log, proxies, verifier, signal, elapsedMs };
    const beganMs = elapsedMs();
    display.begin(world.places, exchangeRows(world.exchanges));
    await watch(stage);
    code = await conclude(stage, elapsedMs() - beganMs);
  } catch (error) {
    display.end();
    code = await explain(error, settings, supervisor.failed);
  }
  await supervisor.stopAll();
  process.off('exit', killAll);
  if (code === 1) output.write(`the logs are in ${directory}\n`);
  else rmSync(directory, { recursive: true, force: true });
  return code;
}
