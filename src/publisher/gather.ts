/** Makes the parts of a transaction: every group that is due, decided and signed against the chain's newest state. */
import { type Key, KeyError } from '../common/key.js';
import type { Clock } from '../common/time.js';
import type { Address, GroupOnChain } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import type { ChainRuntime } from './chain-runtime.js';
import type { Evaluation } from './evaluate.js';
import { type GroupState, putOff } from './group-state.js';
import type { Recorder } from './recorder.js';
import type { SignerSets } from './signer-sets.js';
import { buildPart, type GroupPart, type SigningProblem } from './transmit.js';

export interface GatherDeps {
  readonly keys: readonly Key[];
  readonly clock: Clock;
  readonly recorder: Pick<Recorder, 'signatures' | 'problem'>;
  /** Groups of a chain that want a round by this transmitter. */
  readonly wantedOf: (chain: string, transmitter: Address) => readonly GroupState[];
  readonly evaluate: (
    state: GroupState,
    onChain: GroupOnChain | undefined,
    tick: number,
    pending: boolean,
  ) => Evaluation;
  /** Reads groups from the chain. */
  readonly refresh: (
    runtime: ChainRuntime,
    groups: readonly GroupConfig[],
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<number, GroupOnChain>>;
  readonly signersOf: SignerSets['find'];
  /** Groups that travel alone until they land. */
  readonly alone: ReadonlySet<string>;
}

export type Gather = (
  runtime: ChainRuntime,
  transmitter: Address,
  signal: AbortSignal,
) => Promise<readonly GroupPart[]>;

const signedAt = ({ evaluation }: GroupPart): number => evaluation.onChain?.signedAt ?? 0;

/** More gas than a group takes in a transaction, with slots that are still zero and the limit's margin of a quarter. */
const gasBound = (feeds: number, wide: boolean): bigint =>
  50_000n + 30_000n * BigInt(Math.ceil(feeds / (wide ? 2 : 4)));

export function createGather(deps: GatherDeps): Gather {
  const { keys, clock, recorder, wantedOf, evaluate, refresh, signersOf, alone } = deps;

  /** What travels together: a suspect alone; else those that wait longest first, as many as the gas limit has room for. */
  const choose = (parts: readonly GroupPart[], gasLimit: bigint): readonly GroupPart[] => {
    const suspect = parts.find(({ evaluation }) => alone.has(evaluation.group));
    if (suspect) return [suspect];
    const byAge = [...parts].sort((a, b) => signedAt(a) - signedAt(b));
    let room = gasLimit;
    const fits = byAge.findIndex(({ report }) => {
      room -= gasBound(report.answers.length, report.wide);
      return room < 0n;
    });
    return fits === -1 ? byAge : byAge.slice(0, Math.max(fits, 1));
  };

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
          evaluation.onChain && (await signersOf(runtime, config, evaluation.onChain.signersHash, signal)),
        keys,
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
  return async (runtime, transmitter, signal) => {
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
    return choose(parts, runtime.config.gasLimitCap);
  };
}
