/** One nonce in the air: signed, stored, sent, watched, replaced with a fresh report, until a receipt or the deadline. */
import { sleep, withDeadline } from '../common/time.js';
import type { AttemptResult, Outbid, Payload } from './attempt.js';
import { broadcast, type SendReport, summarise } from './broadcast.js';
import { confirmReceipt } from './confirm.js';
import type { FailureCause, FlightDeps, FlightOutcome, FlightRequest } from './flight-types.js';
import { type Attempt, type JournalEntry, withAttempt } from './journal.js';
import { findReceipt, isKnown, isUsed } from './receipts.js';
import { blockHeader } from './rpc/shapes.js';

/** Bids raised one after another when pools call the first one too low. */
const MAX_RAISES = 12;
/**
 * Looks without a receipt, every endpoint answering, before a used nonce counts as another's. One is enough for a first
 * signature that was refused as too low: a gateway may have sent it twice, but nothing older can have landed.
 */
const LOOKS_FOR_OWN = 5;
const LOOKS_FOR_FIRST = 1;
/** For building calldata, which may collect reports of other operators. */
const PREPARE_MS = 30_000;

/**
 * Brings one nonce to its end.
 * @param adopted signatures of this nonce from before a crash, a timeout or a reorganisation; any may still land
 */
export async function fly(
  deps: FlightDeps,
  request: FlightRequest,
  nonce: number,
  adopted: JournalEntry | undefined,
  signal: AbortSignal,
): Promise<FlightOutcome> {
  const { pool, clock, config, maker } = deps;
  const log = deps.log.child({ chain: deps.chain, nonce });
  const pollMs = Math.min(config.pollIntervalMs, 1_000);
  const startedMs = clock.monotonic();
  const deadlineMs = startedMs + config.confirmationDeadlineMs;
  let entry = adopted;
  /** The newest signature that some pool may hold: the bid to outbid. */
  let standing = adopted?.attempts.at(-1);
  let accepted = false;
  /** Refused as too low: counted as sent only when it turns out to have landed. */
  let doubtful: Attempt | undefined;
  /** An endpoint said that the nonce is used. */
  let used = false;
  let looksWithout = 0;
  let looksNeeded = LOOKS_FOR_OWN;
  let actedMs = adopted ? startedMs - Math.max(clock.now() - adopted.lastAtMs, 0) : startedMs;

  const failed = (cause: FailureCause, detail: string): FlightOutcome => ({
    code: 'failed',
    cause,
    detail,
    open: standing !== undefined,
  });
  const taken: FlightOutcome = {
    code: 'nonce_taken',
    detail: `nonce ${nonce} was used by a transaction that is not ours`,
  };
  const hashes = () => entry?.attempts.map(({ hash }) => hash) ?? [];
  /** Whether the looks so far say that the nonce went to another's transaction. */
  const isAnothers = async (): Promise<boolean> => {
    if (looksWithout < looksNeeded) return false;
    // The block may be known before the receipt is: while some endpoint knows ours, its receipt is waited for.
    if ((await isKnown(pool, hashes(), signal)) !== false) return false;
    return looksWithout >= LOOKS_FOR_OWN || (await isUsed(pool, deps.address, nonce, signal));
  };
  const headNumber = async (): Promise<bigint | undefined> => {
    const reply = await pool.read('eth_getBlockByNumber', ['latest', false], blockHeader, signal);
    return reply.ok ? reply.value.number : undefined;
  };

  async function resend(): Promise<void> {
    if (!standing) return;
    const { verdict } = summarise(await broadcast(pool, standing.raw, standing.hash, signal));
    if (verdict === 'accepted') accepted = true;
    if (verdict === 'nonce_too_low') used = true;
  }

  /** Stores, then sends. */
  async function launch(attempt: Attempt): Promise<SendReport> {
    deps.timeline.signed(attempt.hash);
    const replaced = standing !== undefined;
    const nowMs = clock.now();
    const head = (await headNumber()) ?? pool.head()?.number ?? 0n;
    const base = entry ?? {
      nonce,
      reason: request.reason,
      attempts: [],
      firstAtMs: nowMs,
      lastAtMs: nowMs,
      headAtLast: head,
    };
    // Unchanged data at an unchanged price is the same transaction: nothing new to remember.
    if (base.attempts.at(-1)?.hash !== attempt.hash) entry = withAttempt(base, attempt, nowMs, head);
    else entry = { ...base, lastAtMs: nowMs, headAtLast: head };
    await deps.store(entry);
    const report = summarise(await broadcast(pool, attempt.raw, attempt.hash, signal));
    deps.timeline.sent(attempt.hash);
    const { hash, kind } = attempt;
    log.info(
      { event: 'transaction_sent', hash, kind, verdict: report.verdict, detail: report.detail, replaced },
      'transaction sent',
    );
    if (report.verdict === 'accepted' || report.verdict === 'unknown') deps.onSent(attempt, replaced);
    return report;
  }

  /** A fresh report at this nonce; where nothing is due any more, or it would revert, what is in the air is cancelled. */
  async function act(): Promise<FlightOutcome | undefined> {
    let payload: Payload | undefined;
    try {
      payload = await withDeadline('prepare', PREPARE_MS, (inner) => request.prepare(inner), signal);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      if (signal.aborted) return standing ? undefined : { code: 'withdrawn' };
      if (!standing) return failed('internal', `prepare: ${detail}`);
      log.warn({ event: 'replacement_impossible', detail }, 'no fresh report: the old one stays');
      await resend();
      return undefined;
    }
    if (!payload && !standing) return { code: 'withdrawn' };
    let before: Outbid = standing && { fees: standing.fees, raise: 'eighth' };
    for (let raises = 0; raises <= MAX_RAISES; raises += 1) {
      // A process that was stopped and woken must not outbid, or cancel, what the key's new owner has sent.
      if (!(await deps.stillOurs())) return failed('not_confirmed', 'another process has taken the key over');
      let made: AttemptResult = payload
        ? await maker.transmit(payload, nonce, before, signal)
        : await maker.cancel(nonce, before, signal);
      if (made.code === 'reverted') {
        if (!standing) return { code: 'refused', revert: made.revert, rounds: payload?.rounds ?? [] };
        const { errorName: error } = made.revert;
        log.info({ event: 'transaction_cancelling', error }, 'fresh report would revert: cancelling');
        payload = undefined;
        made = await maker.cancel(nonce, before, signal);
      }
      if (made.code !== 'ready') {
        const { cause, detail } =
          made.code === 'refused' ? made : { cause: 'internal' as const, detail: 'cancel reverts' };
        deps.onCap(cause === 'fee_cap');
        if (!standing) return failed(cause, detail);
        log.warn({ event: 'replacement_impossible', cause, detail }, 'not replaced: the last one goes again');
        await resend();
        return undefined;
      }
      deps.onCap(made.atCap);
      payload?.onSigned?.();
      const first = (entry?.attempts.length ?? 0) === 0;
      const { verdict, detail } = await launch(made.attempt);
      if (verdict === 'accepted' || verdict === 'unknown') {
        standing = made.attempt;
        accepted = verdict === 'accepted';
        return undefined;
      }
      if (verdict === 'nonce_too_low') {
        if (first) looksNeeded = LOOKS_FOR_FIRST;
        standing = doubtful = made.attempt;
        used = true;
        return undefined;
      }
      if (verdict !== 'underpriced' || config.fees.mode === 'zero') {
        if (standing) return undefined;
        return failed(verdict === 'balance' ? 'balance' : 'send_failed', `${verdict}: ${detail}`);
      }
      // No pool took it: what stands is the one before it, and this one need not be looked for.
      const { hash } = made.attempt;
      if (entry) entry = { ...entry, attempts: entry.attempts.filter((attempt) => attempt.hash !== hash) };
      before = { fees: made.attempt.fees, raise: raises < 2 ? 'eighth' : 'double' };
    }
    return standing ? undefined : failed('fee_cap', `still underpriced after ${MAX_RAISES} raises`);
  }

  if (adopted && (await isKnown(pool, hashes(), signal)) === false) standing = undefined;
  if (!standing) {
    const outcome = await act();
    if (outcome) return outcome;
    actedMs = clock.monotonic();
  }
  for (let turn = 0; ; turn += 1) {
    if (signal.aborted)
      return failed('not_confirmed', 'stopped while waiting: the journal holds the transaction');
    const sighting = await findReceipt(pool, deps.address, hashes(), turn, signal);
    if (sighting.receipt && entry) {
      const seenAtMs = clock.monotonic();
      deps.timeline.included(sighting.receipt.hash);
      const landed = { pool, address: deps.address, config, clock };
      const settled = await confirmReceipt(landed, sighting.receipt, signal);
      if (settled.code !== 'confirmed') return failed(settled.code, settled.detail);
      const attempt = entry.attempts.find(({ hash }) => hash === settled.receipt.hash);
      if (attempt && attempt === doubtful) deps.onSent(attempt, false);
      if (attempt) return { code: 'landed', attempt, receipt: settled.receipt, entry, seenAtMs };
    }
    looksWithout = used && sighting.complete ? looksWithout + 1 : 0;
    if (await isAnothers()) return taken;
    const nowMs = clock.monotonic();
    // An endpoint that still shows ours long after its nonce was used keeps what can never land.
    if (nowMs >= deadlineMs && looksWithout >= LOOKS_FOR_OWN) return taken;
    if (nowMs >= deadlineMs)
      return failed('not_confirmed', `no receipt in ${config.confirmationDeadlineMs} ms`);
    if (!accepted && turn > 0) await resend();
    if (nowMs - actedMs >= config.replaceAfterMs && !used) {
      actedMs = nowMs;
      const head = await headNumber();
      const moved = head !== undefined && entry !== undefined && head > entry.headAtLast;
      // While the chain stands still a higher bid buys nothing; but what no pool holds any more must be sent anew.
      const lost = !moved && (await isKnown(pool, hashes(), signal)) === false;
      if (lost) standing = undefined;
      if (moved || lost) {
        const outcome = await act();
        if (outcome) return outcome;
      } else log.warn({ event: 'chain_stands_still' }, 'no new block since the last send: waiting');
    }
    await sleep(pollMs, signal);
  }
}
