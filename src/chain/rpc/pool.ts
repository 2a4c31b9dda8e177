/** Several endpoints of one chain as one: reads go to the healthiest, transactions to all healthy ones. */
import { createClockGap } from '../clock-gap.js';
import type { EndpointView } from '../types.js';
import { isRevert } from './endpoint.js';
import { claimToProve, createBlockTimer, type HeadClaim, judgeHeads, lagBlocks } from './heads.js';
import { isHealthy, mayProbe, released } from './health.js';
import { type CallResult, createMembers, type RpcPoolOptions } from './members.js';
import { type BlockHeader, blockHeader, smallQuantity, toQuantity } from './shapes.js';

/** Asks one endpoint; the reply is shape-checked by `parse`, which throws a ShapeError. */
export type Ask = <T>(
  method: string,
  params: readonly unknown[],
  parse: (result: unknown) => T,
) => Promise<CallResult<T>>;

export interface RpcPool {
  /** Asks every endpoint for its chain id. Each is `undefined` where it did not answer. */
  chainIds(
    signal: AbortSignal,
  ): Promise<readonly { readonly endpoint: string; readonly chainId: number | undefined }[]>;
  /** From now on endpoints of other chains are never used. */
  pin(chainId: number): void;
  /** One round of health checks over all endpoints whose pause is over. */
  check(signal: AbortSignal): Promise<void>;
  /** Calls the healthiest endpoint, then the others in turn until one gives a result or a revert. */
  read<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    signal: AbortSignal,
  ): Promise<CallResult<T>>;
  /** As `read`, for several calls that must go to one and the same endpoint. */
  each<T>(work: (ask: Ask) => Promise<CallResult<T>>, signal: AbortSignal): Promise<CallResult<T>>;
  /** Calls all healthy endpoints at once. A node's error is its answer here and no fault of the endpoint. */
  all<T>(
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    signal: AbortSignal,
  ): Promise<readonly CallResult<T>[]>;
  /** The highest head of a healthy endpoint. */
  readonly head: () => BlockHeader | undefined;
  /** Mean seconds between blocks. */
  readonly blockSeconds: () => number;
  /** How far this host's clock is ahead of the chain's; `undefined` before a block has arrived. */
  readonly aheadSeconds: () => number | undefined;
  /** How many blocks behind the best head a read may be. */
  readonly lag: () => bigint;
  readonly views: () => readonly EndpointView[];
  readonly healthy: () => boolean;
}

/** Creates a pool. No endpoint counts as healthy before the first `check`. @throws Error for a URL that is not HTTP */
export function createRpcPool(options: RpcPoolOptions): RpcPool {
  const { name, clock, metrics } = options;
  const members = createMembers(options);
  const { labels, healthOf, call, condemn, hasRightChain } = members;
  const indexes = labels.map((_label, index) => index);
  const timer = createBlockTimer();
  const gap = createClockGap(clock);

  const none = <T>(): CallResult<T> => ({
    ok: false,
    failure: { type: 'network', detail: 'no endpoint may be used now' },
    endpoint: 'none',
  });

  async function each<T>(
    work: (ask: Ask) => Promise<CallResult<T>>,
    signal: AbortSignal,
  ): Promise<CallResult<T>> {
    let failed: CallResult<T> = none();
    for (const index of members.usable()) {
      if (!(await hasRightChain(index, signal))) continue;
      const reply = await work((method, params, parse) => call(index, method, params, parse, signal, true));
      if (reply.ok || isRevert(reply.failure)) return reply;
      // An endpoint that would answer a smaller question tells more than one that does not answer at all.
      if (failed.ok || !failed.failure.tooMuch) failed = reply;
    }
    return failed;
  }

  async function probe(index: number, signal: AbortSignal): Promise<HeadClaim | undefined> {
    if (!mayProbe(healthOf(index), clock.monotonic())) return undefined;
    if (!(await hasRightChain(index, signal))) return undefined;
    const before = healthOf(index).head;
    const reply = await call(index, 'eth_getBlockByNumber', ['latest', false], blockHeader, signal, true);
    if (!reply.ok) return undefined;
    return { index, head: reply.value, ...(before ? { before } : {}) };
  }

  /** A head far above all others must exist by its number, with the same hash. */
  async function isProven(claim: HeadClaim, signal: AbortSignal): Promise<boolean> {
    const params = [toQuantity(claim.head.number), false];
    const reply = await call(claim.index, 'eth_getBlockByNumber', params, blockHeader, signal, true);
    return reply.ok && reply.value.hash === claim.head.hash && reply.value.number === claim.head.number;
  }

  async function check(signal: AbortSignal): Promise<void> {
    const askedAtMs = clock.monotonic();
    const probed = await Promise.all(indexes.map((index) => probe(index, signal)));
    let claims = probed.filter((claim) => claim !== undefined);
    for (;;) {
      const doubtful = claimToProve(claims, lagBlocks(timer.seconds()));
      if (!doubtful || (await isProven(doubtful, signal))) break;
      condemn(doubtful.index, 'invalid_reply');
      claims = claims.filter((claim) => claim !== doubtful);
    }
    const faults = judgeHeads(claims, lagBlocks(timer.seconds()), BigInt(options.reorgBlocks));
    for (const { index, head } of claims) {
      const fault = faults.find((found) => found.index === index)?.fault;
      metrics.rpcEndpointHeight.set({ adapter: name, endpoint: labels[index] ?? '' }, Number(head.number));
      if (fault) condemn(index, fault);
      else {
        const current = healthOf(index);
        members.update(index, {
          ...(current.quarantine ? released(current, clock.monotonic()) : current),
          head,
        });
      }
    }
    for (const index of indexes) members.announce(index);
    const best = bestHead();
    if (!best) return;
    timer.observe(best);
    gap.observe(best, askedAtMs);
  }

  function bestHead(): BlockHeader | undefined {
    return indexes
      .map(healthOf)
      .filter(isHealthy)
      .map(({ head }) => head)
      .reduce((best, head) => (!best || (head && head.number > best.number) ? head : best), undefined);
  }

  return {
    chainIds: (signal) =>
      Promise.all(
        labels.map(async (endpoint, index) => {
          const reply = await call(index, 'eth_chainId', [], smallQuantity, signal, true);
          return { endpoint, chainId: reply.ok ? reply.value : undefined };
        }),
      ),
    pin: members.pin,
    check,
    each,
    read: (method, params, parse, signal) => each((ask) => ask(method, params, parse), signal),
    async all(method, params, parse, signal) {
      return Promise.all(
        members
          .usable()
          .map(async (index) =>
            (await hasRightChain(index, signal))
              ? call(index, method, params, parse, signal, false)
              : { ...none<never>(), endpoint: labels[index] ?? '' },
          ),
      );
    },
    head: bestHead,
    blockSeconds: timer.seconds,
    aheadSeconds: gap.aheadSeconds,
    lag: () => lagBlocks(timer.seconds()),
    views: () =>
      labels.map((endpoint, index) => {
        const { quarantine, head } = healthOf(index);
        return {
          endpoint,
          healthy: isHealthy(healthOf(index)),
          ...(quarantine ? { reason: quarantine.reason } : {}),
          ...(head ? { height: head.number } : {}),
        };
      }),
    healthy: () => indexes.some((index) => isHealthy(healthOf(index))),
  };
}
