/** The loop that joins the stages: prices → decision → signed report → transaction → round. */
import type { LateLanding, TransmitOutcome } from '../chain/types.js';
import type { Key } from '../common/key.js';
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
import { createGather } from './gather.js';
import { createGroupState, type GroupState, takeTick } from './group-state.js';
import { createLane, type Lane } from './lane.js';
import type { Leadership } from './leadership.js';
import { loop } from './loop.js';
import { createOutcomes } from './outcomes.js';
import { createRecorder } from './recorder.js';
import { traceRounds } from './round-trace.js';
import { createSignerSets } from './signer-sets.js';
import type { GroupPart } from './transmit.js';

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
  const outcomes = createOutcomes(deps);
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

  /** After a batch reverted and nobody could say for whose sake, its groups go one by one until each has landed. */
  const alone = new Set<string>();
  const gather = createGather({
    keys: deps.keys,
    clock,
    recorder,
    wantedOf,
    evaluate,
    refresh,
    signersOf: signerSets.find,
    alone,
  });

  /** Groups that an outcome is of. A job that failed before its first report was for all that wanted a round. */
  const carriedBy = (
    { config: { name } }: ChainRuntime,
    transmitter: Address,
    outcome: TransmitOutcome,
    parts: readonly GroupPart[],
  ): GroupState[] => {
    if (parts.length > 0) return parts.flatMap(({ evaluation }) => states.get(evaluation.group) ?? []);
    if (outcome.code === 'failed') return wantedOf(name, transmitter);
    return 'rounds' in outcome ? outcome.rounds.flatMap(({ group }) => stateOf(name, group) ?? []) : [];
  };
  const stateOf = (chain: string, id: number) =>
    [...states.values()].find(({ config }) => config.chain === chain && config.id === id);

  /** Rounds of a transaction that an earlier process or job had sent. */
  const landedLate = async (
    runtime: ChainRuntime,
    transmitter: Address,
    { rounds: landed, ...receipt }: LateLanding,
  ): Promise<void> => {
    for (const reported of landed) {
      const state = stateOf(runtime.config.name, reported.group);
      if (!state) continue;
      deps.onLanded?.(state.config, reported.round);
      await outcomes.landedLate({ runtime, transmitter, state, reported, receipt, alone });
    }
  };

  const settled = async (
    runtime: ChainRuntime,
    transmitter: Address,
    outcome: TransmitOutcome,
    parts: readonly GroupPart[],
    signal: AbortSignal,
  ): Promise<void> => {
    const carried = carriedBy(runtime, transmitter, outcome, parts);
    const job = { runtime, transmitter, outcome, parts };
    const traceIds = traceRounds(deps.tracing, job, clock.now());
    if (outcome.code === 'confirmed' && parts.length === 0) await landedLate(runtime, transmitter, outcome);
    else {
      if (outcome.code === 'confirmed')
        for (const [index, { report }] of parts.entries()) {
          const state = carried[index];
          if (state) deps.onLanded?.(state.config, report.round);
        }
      await outcomes.settled({ ...job, states: carried, alone, traceIds });
    }
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
    let unreadable = false;
    while (!signal.aborted) {
      const groups = [...states.values()]
        .map(({ config }) => config)
        .filter(({ chain }) => chain === runtime.config.name);
      try {
        if (deps.ready(runtime.config.name)) await refresh(runtime, groups, signal);
        unreadable = false;
      } catch (error) {
        // Decisions go on with the last known round. Of endpoints that are away the pool tells.
        if (!unreadable && runtime.chain.healthy() && !signal.aborted)
          log.error(
            { event: 'groups_unreadable', chain: runtime.config.name, error: String(error) },
            'the chain answers, but not for the groups',
          );
        unreadable ||= runtime.chain.healthy();
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
      for (const runtime of deps.chains) {
        runtime.chain.onLateLanding((landing, transmitter) => landedLate(runtime, transmitter, landing));
        for (const transmitter of runtime.chain.transmitters)
          lanes.set(
            laneName(runtime.config.name, transmitter.address),
            createLane(
              {
                transmitter,
                clock,
                log,
                gather: (address, jobSignal) => gather(runtime, address, jobSignal),
                signed: (parts) => {
                  for (const part of parts) {
                    const state = states.get(part.evaluation.group);
                    if (state) outcomes.signed(runtime, transmitter.address, part, state);
                  }
                },
                settled: (outcome, parts) =>
                  settled(runtime, transmitter.address, outcome, parts, working.signal),
              },
              working.signal,
            ),
          );
      }
      const watching = deps.chains.map((runtime) => watch(runtime, signal));
      await loop(signal, iterate);
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
      working.abort();
      await Promise.all(watching);
    },
  };
}

const laneName = (chain: string, address: Address | undefined): string => `${chain} ${address ?? ''}`;
