/** Prices at ticks: what was answered for a tick stays the answer for it, whatever is observed later. */
import { toScaled } from '../common/rational.js';
import type { Clock } from '../common/time.js';
import type { Price } from '../common/words.js';
import type { FeedConfig } from '../config/types.js';
import { type Aggregate, aggregate } from './aggregate.js';
import { candidateOf } from './candidates.js';
import { createJumpGuard, type JumpGuard } from './jump.js';
import { isOpen, repeatedPrice } from './market.js';
import type { Slots } from './slots.js';

/** What the chain holds for the feed, for the guards that compare with it. */
export interface PriceContext {
  /** Scaled by the feed's decimals; absent before the first round. */
  readonly onChainAnswer?: bigint;
}

export interface Ticks {
  price(feed: string, tick: number, context?: PriceContext): Price;
  /** The wall clock was set back: ticks that were answered come again, and what was said of them is forgotten. */
  clockSetBack(byMs: number): void;
  apply(feeds: readonly FeedConfig[]): void;
}

/** Ticks remembered per feed: operators ask one another for a tick within seconds of it. */
const REMEMBERED_TICKS = 128;

/** A tick counts as come so long before its moment: clocks and rounding differ by a little, milliseconds. */
const MAX_EARLY_MS = 5_000;

interface FeedState {
  config: FeedConfig;
  readonly aggregates: Map<number, Aggregate>;
  /** Verdicts of the guards that need the chain, by tick; judged anew when the chain moved within the tick. */
  readonly judged: Map<number, { readonly onChainAnswer: bigint; readonly price: Price }>;
  jump: JumpGuard;
  /** Of the newest price while the market was open, Unix milliseconds. */
  lastObservedAtMs?: number;
}

/** Creates the reader of prices over a table of slots. */
export function createTicks(slots: Slots, clock: Clock): Ticks {
  let states = new Map<string, FeedState>();

  /** @param path the feeds that asked for this one, against cycles */
  function aggregateAt(name: string, tick: number, path: readonly string[]): Aggregate {
    const state = states.get(name);
    if (!state) return held('input_missing', `${name} is not configured`);
    if (path.includes(name)) return held('input_missing', `${name} depends on itself`);
    const known = state.aggregates.get(tick);
    if (known) return known;
    const tickMs = tick * 1_000;
    const { config } = state;
    const lookup = (other: string) => aggregateAt(other, tick, [...path, name]);
    const result =
      config.market && !isOpen(config.market, tickMs)
        ? held('market_closed', `closed in ${config.market.timeZone}`)
        : aggregate(
            config,
            slots.of(name).map((slot) => candidateOf(slot, tickMs, clock.now(), lookup)),
          );
    remember(state.aggregates, tick, result);
    if (result.ok)
      state.lastObservedAtMs = Math.max(state.lastObservedAtMs ?? 0, Math.min(tickMs, result.observedAtMs));
    return result;
  }

  return {
    price(feed, tick, context = {}) {
      const state = states.get(feed);
      if (!state) return { ...held('no_observations', 'the feed is not configured'), feed };
      // Answered early, a tick would keep an answer out of its past for good.
      if (!Number.isSafeInteger(tick) || tick * 1_000 > clock.now() + MAX_EARLY_MS)
        return { ...held('no_observations', 'the tick has not come'), feed };
      const { onChainAnswer } = context;
      const found = priceOf(state.config, aggregateAt(feed, tick, []), tick);
      if (onChainAnswer === undefined) return found;
      const known = state.judged.get(tick);
      if (known?.onChainAnswer === onChainAnswer) return known.price;
      const judged = found.ok
        ? state.jump.judge(state.config, found, onChainAnswer)
        : (repeatedPrice(state.config, found, tick, onChainAnswer, state.lastObservedAtMs) ?? found);
      remember(state.judged, tick, { onChainAnswer, price: judged });
      return judged;
    },
    clockSetBack(byMs) {
      for (const state of states.values()) {
        state.aggregates.clear();
        state.judged.clear();
        if (state.lastObservedAtMs !== undefined) state.lastObservedAtMs -= byMs;
        // What it has counted is dated after what will confirm it.
        state.jump = createJumpGuard();
      }
    },
    apply(feeds) {
      const before = states;
      states = new Map();
      for (const config of feeds) {
        const known = before.get(config.name);
        if (known) known.config = config;
        states.set(
          config.name,
          known ?? { config, aggregates: new Map(), judged: new Map(), jump: createJumpGuard() },
        );
      }
    },
  };
}

type Held = Extract<Aggregate, { ok: false }>;

function held(code: Held['code'], detail: string): Held {
  return { ok: false, code, detail, used: [], dropped: [] };
}

/** The one rounding of the price path. Asked for late, a tick has observations after it: a price is never dated so. */
function priceOf({ name, decimals, positive }: FeedConfig, found: Aggregate, tick: number): Price {
  if (!found.ok) return { ...found, feed: name };
  const { value, used, dropped } = found;
  const observedAtMs = Math.min(tick * 1_000, found.observedAtMs);
  const answer = toScaled(value, decimals);
  // A positive value below half of the smallest unit: published, it would read as zero.
  if (positive && answer <= 0n)
    return {
      ok: false,
      feed: name,
      code: 'not_positive',
      detail: `rounds to 0 at ${decimals} decimals`,
      used,
      dropped,
    };
  return { ok: true, feed: name, answer, observedAtMs, used, dropped };
}

/** Remembers the newest ticks: the oldest entry goes when the bound is reached. */
function remember<T>(answers: Map<number, T>, tick: number, answer: T): void {
  answers.set(tick, answer);
  if (answers.size <= REMEMBERED_TICKS) return;
  const oldest = answers.keys().next();
  if (!oldest.done) answers.delete(oldest.value);
}
