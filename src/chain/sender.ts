/** The owner of one key's nonces: takes up what a crash left, chooses the nonce, flies it, keeps the books. */
import type { Key } from '../common/key.js';
import { type Clock, sleep } from '../common/time.js';
import type { ChainConfig } from '../config/types.js';
import type { StateStore } from '../state/store.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { toNative } from './amounts.js';
import { createAttemptMaker } from './attempt.js';
import type { ClockGuard } from './clock-guard.js';
import { confirmReceipt } from './confirm.js';
import { paidPerGas } from './fees.js';
import { fly } from './flight.js';
import type { FailureCause, FlightOutcome, FlightRequest } from './flight-types.js';
import { createJournal, type Journal, type JournalEntry, type JournalState } from './journal.js';
import { chooseNonce } from './nonce.js';
import { createOpenNonceWatch, describeNonces } from './open-nonce.js';
import { findAnyReceipt, findReceipt, readCounts } from './receipts.js';
import type { RpcPool } from './rpc/pool.js';
import type { Ledger } from './spending.js';
import { createTimelineKeeper, type Timeline } from './timeline.js';
import type { LateLanding } from './types.js';

/** Nonces tried in one call when others use the same key. */
const MAX_NONCES = 4;
const MIN_PATIENCE_MS = 2_000;
const MAX_PATIENCE_MS = 15_000;

export interface SenderDeps {
  readonly name: string;
  readonly pool: RpcPool;
  readonly key: Key;
  readonly chainId: () => number;
  readonly config: ChainConfig;
  readonly state: StateStore;
  readonly ledger: Ledger | undefined;
  /** Absent: nothing that is sent is dated. */
  readonly clockGuard?: ClockGuard | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Told of what an earlier job had sent and this one found landed. */
  readonly onLateLanding?: (landing: LateLanding) => Promise<void>;
}

export type SendOutcome =
  | Exclude<FlightOutcome, { code: 'nonce_taken' | 'landed' | 'failed' }>
  | (Extract<FlightOutcome, { code: 'landed' }> & { readonly timeline: Timeline })
  | (Extract<FlightOutcome, { code: 'failed' }> & { readonly timeline?: Partial<Timeline> });

export interface Sender {
  readonly busy: () => boolean;
  /** @throws Error while busy */
  send(request: FlightRequest, signal: AbortSignal): Promise<SendOutcome>;
  /** Reconciles journal and chain at start, writing nothing. @returns what was found, for the log */
  recover(signal: AbortSignal): Promise<string>;
  /** Between jobs: what the journal held open may have landed, or been settled by another replica. Writes nothing. */
  look(signal: AbortSignal): Promise<void>;
  /** Unix milliseconds of the first signature that is neither confirmed nor seen to have landed. */
  readonly pendingSinceMs: () => number | undefined;
  readonly feeAtCap: () => boolean;
}

/** Creates the sender of one key on one chain. */
export function createSender(deps: SenderDeps): Sender {
  const { name, pool, key, config, clock, log, metrics, ledger } = deps;
  const maker = createAttemptMaker({
    pool,
    key,
    chainId: deps.chainId,
    config,
    ledger,
    clock,
    clockGuard: deps.clockGuard,
  });
  let journal: Journal | undefined;
  const watch = createOpenNonceWatch(pool, key.address, () => journal);
  let busy = false;
  let atCap = false;
  /** Nonces below this were refused as used. */
  let refusedBelow = 0;

  const failed = (cause: FailureCause, detail: string): SendOutcome => ({
    code: 'failed',
    cause,
    detail,
    open: journal?.current().pending !== undefined,
  });

  const openJournal = (): Journal => {
    journal ??= createJournal(deps.state, deps.chainId(), key.address, log);
    return journal;
  };

  /** Books a receipt: what it cost, and that its nonce is done. */
  async function book(
    entry: JournalEntry,
    outcome: Pick<Extract<FlightOutcome, { code: 'landed' }>, 'receipt' | 'attempt'>,
  ): Promise<void> {
    const { receipt, attempt } = outcome;
    const costWei = receipt.gasUsed * paidPerGas(attempt.fees, receipt.effectiveGasPriceWei);
    metrics.gasUsed.inc({ adapter: name }, Number(receipt.gasUsed));
    metrics.transmitterSpend.inc({ adapter: name }, toNative(costWei));
    atCap = false;
    await openJournal().save({ next: entry.nonce + 1, last: entry });
    await ledger?.record(key.address, costWei);
  }

  /** What became of signatures that a crash or a timeout left open. @returns the journal after it */
  async function settle(state: JournalState, signal: AbortSignal): Promise<JournalState> {
    const { pending } = state;
    if (!pending) return state;
    const hashes = pending.attempts.map(({ hash }) => hash);
    const found = await findAnyReceipt(pool, key.address, hashes, signal);
    if (!found) return state;
    const settled = await confirmReceipt({ pool, address: key.address, config, clock }, found, signal);
    const attempt = pending.attempts.find(({ hash }) => hash === found.hash);
    // Not deep enough, or gone again: it stays open, and the flight of its nonce goes on with it.
    if (settled.code !== 'confirmed' || !attempt) return state;
    log.info(
      { event: 'open_transaction_landed', chain: name, nonce: pending.nonce, hash: found.hash },
      'open transaction had landed',
    );
    const { receipt } = settled;
    await book(pending, { attempt, receipt });
    if (attempt.kind === 'transmit' && receipt.success)
      await deps.onLateLanding?.({
        hash: receipt.hash,
        rounds: attempt.rounds,
        gasUsed: receipt.gasUsed,
        effectiveGasPriceWei: paidPerGas(attempt.fees, receipt.effectiveGasPriceWei),
        blockNumber: receipt.blockNumber,
      });
    return openJournal().current();
  }

  /** Whether the last confirmed transaction, which the count leaves out, still has its receipt. */
  async function stillStands({ last }: JournalState, count: number, signal: AbortSignal): Promise<boolean> {
    if (!last || last.nonce < count) return false;
    const hashes = last.attempts.map(({ hash }) => hash);
    return (await findReceipt(pool, key.address, hashes, 0, signal)).receipt !== undefined;
  }

  /** Chooses the nonce; waits a little when all endpoints lag behind what was confirmed. */
  async function pickNonce(state: JournalState, signal: AbortSignal): Promise<number | undefined> {
    const next = state.pending?.nonce ?? state.next;
    const patienceMs = Math.min(Math.max(pool.blockSeconds() * 2_000, MIN_PATIENCE_MS), MAX_PATIENCE_MS);
    const untilMs = clock.monotonic() + patienceMs;
    for (;;) {
      const counts = await readCounts(pool, key.address, signal);
      const choice = chooseNonce(counts, next === undefined ? {} : { next }, refusedBelow);
      if (choice.code === 'use') return choice.nonce;
      if (signal.aborted) return undefined;
      if (clock.monotonic() >= untilMs) {
        if (choice.code === 'unknown') return undefined;
        // Endpoints may count what they like while the receipt of the last one stands.
        if (next !== undefined && (await stillStands(state, choice.nonce, signal))) return next;
        log.warn(
          { event: 'nonces_vanished', chain: name, recorded: next, nonce: choice.nonce },
          'the chain counts fewer nonces than recorded',
        );
        return choice.nonce;
      }
      await sleep(Math.min(config.pollIntervalMs, 500), signal);
    }
  }

  /** Nothing of the pending nonce is in the air: it stays known, in case that was wrong, but is not pending. */
  async function close(): Promise<void> {
    const { next, pending } = openJournal().current();
    if (pending) await openJournal().save({ ...(next === undefined ? {} : { next }), last: pending });
  }

  async function run(request: FlightRequest, signal: AbortSignal): Promise<SendOutcome> {
    let state = await settle(await openJournal().load(), signal);
    const timeline = createTimelineKeeper(clock);
    for (let tries = 0; tries < MAX_NONCES; tries += 1) {
      const nonce = await pickNonce(state, signal);
      if (nonce === undefined) return failed('send_failed', 'no endpoint told the nonce of the key');
      const adopted = [state.pending, state.last].find((entry) => entry?.nonce === nonce);
      const { next, last } = state;
      const outcome = await fly(
        {
          chain: name,
          pool,
          address: key.address,
          maker,
          config,
          clock,
          log,
          store: (pending) =>
            openJournal().save({
              pending,
              ...(next === undefined ? {} : { next }),
              ...(last === undefined || last.nonce === nonce ? {} : { last }),
            }),
          stillOurs: () => openJournal().stillOurs(),
          onSent: ({ kind }, replaced) => {
            metrics.transactions.inc({ adapter: name, operation: kind, status: 'sent' });
            if (replaced)
              metrics.transactions.inc({ adapter: name, operation: 'transmit', status: 'replaced' });
          },
          onCap: (reached) => {
            atCap = reached;
          },
          timeline,
        },
        request,
        nonce,
        adopted,
        signal,
      );
      if (outcome.code === 'landed') {
        refusedBelow = 0;
        const { attempt, entry } = outcome;
        const moments = timeline.confirmed(attempt.hash, entry.firstAtMs);
        await book(entry, outcome);
        return { ...outcome, timeline: moments };
      }
      if (outcome.code !== 'nonce_taken') {
        if (outcome.code === 'failed') refusedBelow = 0;
        if (outcome.code !== 'failed' || !outcome.open) await close();
        return outcome.code === 'failed' ? { ...outcome, timeline: timeline.soFar() } : outcome;
      }
      log.warn({ event: 'nonce_taken', chain: name, nonce, address: key.address }, outcome.detail);
      refusedBelow = nonce + 1;
      await openJournal().save({});
      state = openJournal().current();
    }
    return failed('send_failed', 'the key is used elsewhere: its nonces keep vanishing');
  }

  return {
    busy: () => busy,
    feeAtCap: () => atCap,
    pendingSinceMs: () => (busy ? journal?.current().pending?.firstAtMs : watch.sinceMs()),
    async look(signal) {
      if (!busy) await watch.look(signal);
    },
    async send(request, signal) {
      if (busy) throw new Error(`transmitter ${key.address} is busy`);
      busy = true;
      try {
        return await run(request, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
        return failed('not_confirmed', 'stopped: the journal holds what is open');
      } finally {
        busy = false;
      }
    },
    async recover(signal) {
      const { pending } = await openJournal().load();
      return describeNonces(pool, key.address, pending, signal);
    },
  };
}
