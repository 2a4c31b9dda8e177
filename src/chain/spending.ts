/** What the keys of a chain have spent in the last day, kept in the state store: budgets survive a restart. */
import type { Clock } from '../common/time.js';
import type { FeeConfig } from '../config/types.js';
import type { StateStore } from '../state/store.js';
import type { Logger } from '../telemetry/logger.js';
import { most } from './amounts.js';

const BUCKET_MS = 300_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Wei spent per five minutes, oldest first; at most a day. */
export type Spending = readonly (readonly [bucket: number, wei: bigint])[];

/** Adds a cost and forgets what is older than a day. Pure. */
export function addSpending(spending: Spending, wei: bigint, nowMs: number): Spending {
  const bucket = Math.floor(nowMs / BUCKET_MS);
  const kept = spending.filter(([at]) => at > bucket - DAY_MS / BUCKET_MS && at <= bucket);
  const last = kept.at(-1);
  return last?.[0] === bucket ? [...kept.slice(0, -1), [bucket, last[1] + wei]] : [...kept, [bucket, wei]];
}

/**
 * Joins two records of one key: of each five minutes the higher sum counts. So neither a store that lost its data nor a
 * replica that had the key before makes the budget forget. Pure.
 */
export function mergeSpending(one: Spending, other: Spending, nowMs: number): Spending {
  const oldest = Math.floor((nowMs - DAY_MS) / BUCKET_MS);
  const merged = new Map<number, bigint>();
  for (const [bucket, wei] of [...one, ...other])
    if (bucket > oldest) merged.set(bucket, most(merged.get(bucket) ?? 0n, wei));
  return [...merged].sort(([a], [b]) => a - b);
}

/** Wei spent within the last `windowMs`, to five minutes. Pure. */
export function spentWithin(spending: Spending, windowMs: number, nowMs: number): bigint {
  const oldest = Math.floor((nowMs - windowMs) / BUCKET_MS);
  return spending.reduce((sum, [bucket, wei]) => (bucket > oldest ? sum + wei : sum), 0n);
}

/** Why a cost would break the budget, or `undefined`. Pure. */
export function overBudget(
  spending: Spending,
  costWei: bigint,
  fees: FeeConfig,
  nowMs: number,
): string | undefined {
  const windows = [
    ['hour', HOUR_MS, fees.budgetPerHourWei],
    ['day', DAY_MS, fees.budgetPerDayWei],
  ] as const;
  for (const [name, windowMs, budgetWei] of windows) {
    if (budgetWei === undefined) continue;
    const spentWei = spentWithin(spending, windowMs, nowMs);
    if (spentWei + costWei > budgetWei)
      return `${spentWei} wei spent in the last ${name}, up to ${costWei} more wanted, budget ${budgetWei}`;
  }
  return undefined;
}

/**
 * Days that a balance lasts at the spending of the last day; `undefined` while nothing was spent. A history shorter than
 * a day is extrapolated from its length, at least an hour. Pure.
 */
export function runwayDays(spending: Spending, balanceWei: bigint, nowMs: number): number | undefined {
  const first = spending[0];
  const spentWei = spentWithin(spending, DAY_MS, nowMs);
  if (!first || spentWei === 0n) return undefined;
  const lengthMs = Math.min(Math.max(nowMs - first[0] * BUCKET_MS, HOUR_MS), DAY_MS);
  return (Number(balanceWei) / Number(spentWei)) * (lengthMs / DAY_MS);
}

export interface Ledger {
  /** What all keys of the chain spent together: replicas that share a state store share the budget. */
  load(): Promise<Spending>;
  /** Adds what a transaction of one key cost. */
  record(address: string, wei: bigint): Promise<void>;
  /** One key's spending as last seen here. */
  readonly of: (address: string) => Spending;
}

/** The ledger of a chain's keys. Never throws: with the store away it goes by memory. */
export function createLedger(options: {
  readonly store: StateStore;
  readonly chainId: () => number;
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}): Ledger {
  const { store, clock, log } = options;
  const memory = new Map<string, Spending>();
  const storeKey = (address: string) => `spending:${options.chainId()}:${address.toLowerCase()}`;

  async function refresh(address: string): Promise<Spending> {
    try {
      const text = await store.get(storeKey(address));
      if (text !== undefined) {
        const stored = readSpending(text);
        const own = memory.get(address) ?? [];
        if (stored) memory.set(address, mergeSpending(stored, own, clock.now()));
      }
    } catch (error) {
      log.warn(
        { event: 'ledger_not_read', address, error: error instanceof Error ? error.message : String(error) },
        'ledger not read',
      );
    }
    return memory.get(address) ?? [];
  }

  return {
    of: (address) => memory.get(address) ?? [],
    async load() {
      return (await Promise.all(options.addresses.map(refresh))).flat();
    },
    async record(address, wei) {
      const spending = addSpending(await refresh(address), wei, clock.now());
      memory.set(address, spending);
      try {
        await store.set(
          storeKey(address),
          JSON.stringify(spending.map(([at, spent]) => [at, spent.toString()])),
          {
            ttlMs: 2 * DAY_MS,
          },
        );
      } catch (error) {
        log.warn(
          {
            event: 'ledger_not_stored',
            address,
            error: error instanceof Error ? error.message : String(error),
          },
          'ledger not stored',
        );
      }
    },
  };
}

function readSpending(text: string): Spending | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value) || value.length > DAY_MS / BUCKET_MS + 1) return undefined;
    return value.map((pair: unknown) => {
      if (!Array.isArray(pair) || !Number.isSafeInteger(pair[0]) || !/^\d{1,40}$/.test(String(pair[1])))
        throw new TypeError('not a ledger');
      return [Number(pair[0]), BigInt(String(pair[1]))] as const;
    });
  } catch {
    return undefined;
  }
}
