/** The loop that joins the stages: prices → decision → signed report → transaction → round. */
import type { TransmitOutcome } from '../chain/types.js';
import { type Key, KeyError } from '../common/key.js';
import { type Clock, createStopController, sleep } from '../common/time.js';
import type { Address, GroupOnChain } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import type { PriceBook } from '../prices/book.js';
import type { AuditTrail } from '../rounds/audit.js';
import type { RoundStore } from '../rounds/round-store.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Tracing } from '../telemetry/tracing.js';
import type { ChainRuntime } from './chain-runtime.js';
import { evaluateGroup } from './evaluate.js';
import { createGroupState, type GroupState, putOff, takeTick } from './group-state.js';
import { createLane, type Lane } from './lane.js';
import type { Leadership } from './leadership.js';
import { loop } from './loop.js';
import { createRecorder } from './recorder.js';
import { traceRounds } from './round-trace.js';
import { createSignerSets } from './signer-sets.js';
import { buildPart, type GroupPart, type SigningProblem } from './transmit.js';

export interface PublisherDeps {
  readonly groups: readonly GroupConfig[];
  readonly chains: readonly ChainRuntime[];
  /** Whether a chain was reached and found to be what the configuration says; nothing is read from it before. */
  readonly ready: (chain: string) => boolean;
  readonly keys: readonly Key[];
  readonly book: PriceBook;
  readonly rounds: RoundStore;
  readonly audit: AuditTrail;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Told of each round that was tried. */
  readonly tracing?: Tracing | undefined;
  /** Decide and say what would be published, send nothing. */
  readonly dryRun: boolean;
  /** Told of each reading of a group from the chain. */
  readonly onReading?: (group: GroupConfig, onChain: GroupOnChain) => void;
  /** Told of each round that a transaction of this process brought. */
  readonly onLanded?: (group: GroupConfig, round: number) => void;
}

export interface Publisher {
  /** Publishes until the signal aborts, then lets what is under way settle. */
  run(signal: AbortSignal): Promise<void>;
  /** Applies changed feeds and triggers of the same groups; called by the configuration's reload. */
  apply(groups: readonly GroupConfig[]): void;
  readonly groups: () => readonly GroupState[];
  /** Whether a transaction that carries the group is under way. */
  carries(group: string): boolean;
  /** Whether a transaction of the key is under way on any chain. */
  busy(key: Address): boolean;
  /** `Clock.monotonic()` of the last finished iteration, for the liveness probe. */
  readonly lastIterationMs: () => number;
}

/** A heartbeat's lead covers this much beyond the measured inclusion: the wake-up's and one block's jitter. */
const LEAD_MARGIN_SECONDS = 1;

export function createPublisher(deps: PublisherDeps): Publisher {
  const { clock, log, metrics, rounds, book, leadership } = deps;
  const states = new Map(deps.groups.map((group) => [group.name, createGroupState(group)]));
  const chains = new Map(deps.chains.map((runtime) => [runtime.config.name, runtime]));
  const lanes = new Map<string, Lane>();
  const recorder = createRecorder(deps);
  let lastIteration = clock.monotonic();
  metrics.loopLastIteration.set(clock.now() / 1_000);

  const chainOf = (group: GroupConfig): ChainRuntime => {
    const runtime = chains.get(group.chain);
    if (!runtime) throw new TypeError(`group ${group.name} names the unknown chain ${group.chain}`);
    return runtime;
  };
  const keyOf = (group: GroupConfig) => {
    const { chain, aggregator } = chainOf(group);
    return { chainId: chain.id(), aggregator, group: group.id };
  };
  const signerSets = createSignerSets({
    poolAddresses: deps.keys.map(({ address }) => address),
    clock,
    log,
  });
  const laneOf = (group: GroupConfig): Lane | undefined =>
    lanes.get(laneName(group.chain, leadership.keyFor(group.name)));

  /** Evaluates a group against a given round. */
  const evaluate = (state: GroupState, onChain: GroupOnChain | undefined, tick: number, pending: boolean) => {
    const { config } = state;
    const { chain, config: chainConfig } = chainOf(config);
    const inclusion = Math.max(chain.inclusionSeconds() + LEAD_MARGIN_SECONDS, chainConfig.minLeadMs / 1_000);
    return evaluateGroup({
      group: config,
      prices: config.feeds.map((feed, index) => {
        const held = onChain?.feeds[index];
        return book.price(feed.name, tick, held && held.round > 0 ? { onChainAnswer: held.answer } : {});
      }),
      onChain,
      tick,
      leadSeconds: inclusion + config.tickSeconds,
      pending,
      leader: leadership.holds(config.name),
    });
  };

  const onTick = async (state: GroupState, tick: number): Promise<void> => {
    const ready = deps.ready(state.config.chain);
    const onChain = ready ? await rounds.known(keyOf(state.config)) : undefined;
    const lane = laneOf(state.config);
    const carried = lane?.carries(state.config.name) ?? false;
    const evaluation = evaluate(state, onChain, tick, carried);
    const before = state.evaluation;
    state.evaluation = evaluation;
    // What travels stays wanted, so that a replacement brings a fresh report of it: `gather` decides it anew.
    if (!carried) state.wanted = evaluation.due;
    recorder.evaluated(state.config, evaluation, before);
    if (!evaluation.due || clock.monotonic() < state.holdUntilMs) return;
    if (deps.dryRun) recorder.wouldPublish(state.config, evaluation);
    else lane?.kick();
  };

  /** Reads groups from the chain and keeps what it says. */
  const refresh = async (
    { chain, config, aggregator }: ChainRuntime,
    groups: readonly GroupConfig[],
    signal: AbortSignal,
  ): Promise<Map<number, GroupOnChain>> => {
    const found = await chain.readGroups(
      groups.map(({ id }) => id),
      signal,
    );
    await Promise.all(
      found.map((onChain) =>
        rounds.observe({ chainId: chain.id(), aggregator, group: onChain.group }, onChain),
      ),
    );
    for (const onChain of found) {
      const group = groups.find(({ id }) => id === onChain.group);
      if (!group) continue;
      recorder.observed(group, onChain, config.name);
      deps.onReading?.(group, onChain);
    }
    return new Map(found.map((onChain) => [onChain.group, onChain]));
  };

  const wantedOf = (chainName: string, transmitter: Address): GroupState[] =>
    [...states.values()].filter(
      ({ config, wanted, holdUntilMs }) =>
        wanted &&
        config.chain === chainName &&
        clock.monotonic() >= holdUntilMs &&
        leadership.holds(config.name) &&
        leadership.keyFor(config.name) === transmitter,
    );

  /** A group's part of a transaction, decided anew. @returns nothing when no round is due any more */
  const partOf = async (
    state: GroupState,
    onChain: GroupOnChain | undefined,
    {
      runtime,
      transmitter,
      startedAtMs,
    }: { runtime: ChainRuntime; transmitter: Address; startedAtMs: number },
    signal: AbortSignal,
  ): Promise<GroupPart | SigningProblem | undefined> => {
    const { config } = state;
    const tick = Math.floor(clock.now() / (config.tickSeconds * 1_000)) * config.tickSeconds;
    const evaluation = evaluate(state, onChain, tick, false);
    state.wanted = evaluation.due;
    if (!evaluation.due) return undefined;
    const part = await buildPart(
      {
        group: config,
        evaluation,
        signers:
          evaluation.onChain &&
          (await signerSets.find(runtime, config, evaluation.onChain.signersHash, signal)),
        keys: deps.keys,
        transmitter,
        domain: { chainId: runtime.chain.id(), aggregator: runtime.aggregator },
        moments: { startedAtMs, decidedAtMs: clock.now() },
      },
      signal,
    );
    recorder.signatures(config, part.signatures);
    return part;
  };

  /** The chain is read again right before signing: what is stored is a hint, the chain is the truth. */
  const gather = async (
    runtime: ChainRuntime,
    transmitter: Address,
    signal: AbortSignal,
  ): Promise<GroupPart[]> => {
    const wanted = wantedOf(runtime.config.name, transmitter);
    if (wanted.length === 0) return [];
    const startedAtMs = clock.now();
    const found = await refresh(
      runtime,
      wanted.map(({ config }) => config),
      signal,
    );
    const parts: GroupPart[] = [];
    let failure: unknown;
    for (const state of wanted) {
      const job = { runtime, transmitter, startedAtMs };
      const part = await partOf(state, found.get(state.config.id), job, signal).catch((error: unknown) => {
        if (signal.aborted) throw error;
        failure = error;
        const code = error instanceof KeyError ? 'signing' : 'send_failed';
        return { code, detail: error instanceof Error ? error.message : String(error) } as const;
      });
      if (part === undefined) continue;
      if ('report' in part) parts.push(part);
      else {
        putOff(state, clock, 'nothing');
        recorder.problem(state, part.code, part.detail);
      }
    }
    // With nothing to send a transaction under way would be withdrawn; one that cannot be renewed stays instead.
    if (parts.length === 0 && failure !== undefined) throw failure;
    return isolate(parts);
  };

  /** After a batch reverted and nobody could say for whose sake, its groups go one by one until each has landed. */
  const alone = new Set<string>();
  const isolate = (parts: GroupPart[]): GroupPart[] => {
    const suspect = parts.find(({ evaluation }) => alone.has(evaluation.group));
    return suspect ? [suspect] : parts;
  };

  const settled = async (
    runtime: ChainRuntime,
    transmitter: Address,
    outcome: TransmitOutcome,
    parts: readonly GroupPart[],
    signal: AbortSignal,
  ): Promise<void> => {
    // A job that failed before its first report was for all groups that wanted a round.
    const carried =
      parts.length === 0 && outcome.code === 'failed'
        ? wantedOf(runtime.config.name, transmitter)
        : parts.flatMap(({ evaluation }) => states.get(evaluation.group) ?? []);
    if (outcome.code === 'confirmed')
      for (const { evaluation, report } of parts) {
        const state = states.get(evaluation.group);
        if (state) deps.onLanded?.(state.config, report.round);
      }
    const job = { runtime, transmitter, outcome, parts };
    const traceIds = traceRounds(deps.tracing, job, clock.now());
    await recorder.settled({ ...job, states: carried, alone, traceIds });
    if (carried.length === 0) return;
    try {
      await refresh(
        runtime,
        carried.map(({ config }) => config),
        signal,
      );
    } catch {
      // The next poll reads it; the pool has said what is wrong with the endpoints.
    }
    for (const state of carried) state.nextTickAtMs = 0;
  };

  /** Keeps the rounds of all groups of one chain fresh. */
  const watch = async (runtime: ChainRuntime, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const groups = [...states.values()]
        .map(({ config }) => config)
        .filter(({ chain }) => chain === runtime.config.name);
      try {
        if (deps.ready(runtime.config.name)) await refresh(runtime, groups, signal);
      } catch {
        // The pool counts and reports; decisions go on with the last known round.
      }
      await sleep(runtime.config.pollIntervalMs, signal);
    }
  };

  const iterate = async (): Promise<void> => {
    const due = [...states.values()].flatMap((state) => {
      const dueAtMs = state.nextTickAtMs;
      const tick = takeTick(state, clock);
      return tick === undefined ? [] : [{ state, tick, dueAtMs }];
    });
    const results = await Promise.allSettled(due.map(({ state, tick }) => onTick(state, tick)));
    for (const [index, result] of results.entries())
      if (result.status === 'rejected')
        log.error(
          { event: 'tick_failed', group: due[index]?.state.config.name, err: result.reason },
          'a tick failed',
        );
    // A tick that was called for out of turn (at the start, after a round) is not late.
    const inTurn = due.filter(({ dueAtMs }) => dueAtMs > 0);
    if (inTurn.length > 0)
      metrics.tickLag.set(Math.max(0, ...inTurn.map(({ dueAtMs }) => clock.monotonic() - dueAtMs)) / 1_000);
    lastIteration = clock.monotonic();
    metrics.loopLastIteration.set(clock.now() / 1_000);
  };

  return {
    groups: () => [...states.values()],
    carries: (group) => [...lanes.values()].some((lane) => lane.carries(group)),
    busy: (key) => [...lanes.values()].some((lane) => lane.address === key && lane.busy()),
    lastIterationMs: () => lastIteration,

    apply(groups) {
      for (const group of groups) {
        const state = states.get(group.name);
        if (state) state.config = group;
      }
      recorder.declare(groups);
    },

    async run(signal) {
      recorder.declare(deps.groups);
      // Work that is under way outlives the stop: each job ends by its own deadline.
      const working = createStopController();
      for (const runtime of deps.chains)
        for (const transmitter of runtime.chain.transmitters)
          lanes.set(
            laneName(runtime.config.name, transmitter.address),
            createLane(
              {
                transmitter,
                clock,
                log,
                gather: (address, jobSignal) => gather(runtime, address, jobSignal),
                settled: (outcome, parts) =>
                  settled(runtime, transmitter.address, outcome, parts, working.signal),
              },
              working.signal,
            ),
          );
      const watching = deps.chains.map((runtime) => watch(runtime, signal));
      await loop(signal, iterate);
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
      working.abort();
      await Promise.all(watching);
    },
  };
}

const laneName = (chain: string, address: Address | undefined): string => `${chain} ${address ?? ''}`;
