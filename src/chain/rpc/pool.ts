/** Several endpoints of one chain as one: reads go to the healthiest, transactions to all healthy ones. */
import type { Random } from '../../common/random.js';
import type { Clock } from '../../common/time.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { EndpointView } from '../types.js';
import { createEndpoint, type Endpoint, type RpcFailure } from './endpoint.js';
import { claimToProve, createBlockTimer, type HeadClaim, judgeHeads, lagBlocks } from './heads.js';
import {
  afterFailure,
  afterSuccess,
  compareHealth,
  type Health,
  isHealthy,
  mayProbe,
  newHealth,
  quarantined,
  released,
} from './health.js';
import { type BlockHeader, blockHeader, ShapeError, smallQuantity, toQuantity } from './shapes.js';

/** An endpoint's chain id is asked again after this: a load balancer may start to lead elsewhere. */
const CHAIN_ID_EVERY_MS = 30_000;
/** Method not found, invalid parameters: a node of another make, not a broken one. */
const NOT_SUPPORTED: readonly (number | undefined)[] = [-32601, -32602];

export interface RpcPoolOptions {
  readonly name: string;
  readonly urls: readonly string[];
  /** Calls end after this. */
  readonly timeoutMs: number;
  /** Blocks that may vanish in a reorganisation without making an endpoint suspect. */
  readonly reorgBlocks: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export type CallResult<T> =
  | { readonly ok: true; readonly value: T; readonly endpoint: string }
  | { readonly ok: false; readonly failure: RpcFailure; readonly endpoint: string };

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
  /** How many blocks behind the best head a read may be. */
  readonly lag: () => bigint;
  readonly views: () => readonly EndpointView[];
  readonly healthy: () => boolean;
}

/** Whether a node's error says that the call itself failed: it reverted, or ran out of gas. */
export const isRevert = (failure: RpcFailure): boolean =>
  failure.type === 'rpc_error' &&
  (failure.rpcData !== undefined ||
    failure.rpcCode === 3 ||
    /revert|out ?of ?gas|gas required exceeds|evm error/i.test(failure.rpcMessage ?? ''));

/** Creates a pool. No endpoint counts as healthy before the first `check`. @throws Error for a URL that is not HTTP */
export function createRpcPool(options: RpcPoolOptions): RpcPool {
  const { name, urls, timeoutMs, clock, random, log, metrics } = options;
  const endpoints = urls.map((url, index) => createEndpoint(url, index, clock));
  const health: Health[] = urls.map(newHealth);
  const wasUp: (boolean | undefined)[] = urls.map(() => undefined);
  const timer = createBlockTimer();
  let pinned: number | undefined;

  const healthOf = (index: number): Health => health[index] ?? newHealth();

  /** Says once, in the log and the metric, that an endpoint is lost or back. */
  function announce(index: number): void {
    const up = isHealthy(healthOf(index));
    const endpoint = endpoints[index]?.label ?? '';
    metrics.rpcEndpointUp.set({ adapter: name, endpoint }, up ? 1 : 0);
    metrics.adapterHealth.set({ adapter: name }, health.some(isHealthy) ? 1 : 0);
    if (wasUp[index] === up) return;
    const reason = healthOf(index).quarantine?.reason ?? 'unreachable';
    if (!up) log.warn({ event: 'endpoint_lost', chain: name, endpoint, reason }, 'endpoint lost');
    else if (wasUp[index] === false)
      log.info({ event: 'endpoint_back', chain: name, endpoint }, 'endpoint back');
    wasUp[index] = up;
  }

  function update(index: number, next: Health): void {
    health[index] = next;
    announce(index);
  }

  /** One call, with its consequences for the endpoint's health. */
  async function call<T>(
    index: number,
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    signal: AbortSignal | undefined,
    nodeErrorsCount: boolean,
  ): Promise<CallResult<T>> {
    const endpoint = endpoints[index] as Endpoint;
    metrics.rpcRequests.inc({ adapter: name });
    const reply = await endpoint.call(method, params, timeoutMs, signal);
    let failure: RpcFailure;
    if (reply.ok) {
      try {
        const value = parse(reply.result);
        health[index] = afterSuccess(healthOf(index), reply.latencyMs, clock.monotonic());
        return { ok: true, value, endpoint: endpoint.label };
      } catch (error) {
        if (!(error instanceof ShapeError)) throw error;
        failure = { type: 'invalid_reply', detail: `${method}: ${error.message}` };
      }
    } else failure = reply.failure;
    const answered =
      failure.type === 'rpc_error' &&
      (!nodeErrorsCount || isRevert(failure) || NOT_SUPPORTED.includes(failure.rpcCode));
    if (answered) health[index] = afterSuccess(healthOf(index), reply.latencyMs, clock.monotonic());
    else {
      metrics.rpcErrors.inc({ adapter: name, error_type: failure.type });
      update(index, afterFailure(healthOf(index), failure, clock.monotonic(), random));
    }
    return { ok: false, failure, endpoint: endpoint.label };
  }

  function condemn(
    index: number,
    fault: 'wrong_chain' | 'height_lag' | 'height_regression' | 'invalid_reply',
  ): void {
    metrics.rpcErrors.inc({ adapter: name, error_type: fault });
    update(index, quarantined(healthOf(index), fault, clock.monotonic(), random));
  }

  /**
   * The endpoints to use, best first. When none is healthy, those that merely failed or lag are tried all the same: an
   * answer is better than silence. Never one of another chain, never one that asked to be left alone.
   */
  function usable(): readonly number[] {
    const indexes = endpoints.map((_endpoint, index) => index);
    const best = (list: readonly number[]) =>
      [...list].sort((a, b) => compareHealth(healthOf(a), healthOf(b)));
    const good = indexes.filter((index) => isHealthy(healthOf(index)));
    if (good.length > 0) return best(good);
    const nowMs = clock.monotonic();
    return best(
      indexes.filter((index) => {
        const { quarantine } = healthOf(index);
        if (quarantine?.reason === 'wrong_chain') return false;
        return quarantine?.reason !== 'rate_limited' || nowMs >= quarantine.untilMs;
      }),
    );
  }

  const none = <T>(): CallResult<T> => ({
    ok: false,
    failure: { type: 'network', detail: 'no endpoint may be used now' },
    endpoint: 'none',
  });

  async function each<T>(
    work: (ask: Ask) => Promise<CallResult<T>>,
    signal: AbortSignal,
  ): Promise<CallResult<T>> {
    let last: CallResult<T> = none();
    for (const index of usable()) {
      if (!(await hasRightChain(index, signal))) continue;
      last = await work((method, params, parse) => call(index, method, params, parse, signal, true));
      if (last.ok || isRevert(last.failure)) return last;
    }
    return last;
  }

  /** Asks for the chain id where that was not done lately. Before an id is pinned every endpoint passes. */
  async function hasRightChain(index: number, signal: AbortSignal): Promise<boolean> {
    if (pinned === undefined) return true;
    const checkedAtMs = healthOf(index).chainCheckedAtMs;
    if (checkedAtMs !== undefined && clock.monotonic() - checkedAtMs < CHAIN_ID_EVERY_MS) return true;
    const reply = await call(index, 'eth_chainId', [], smallQuantity, signal, true);
    if (!reply.ok) return false;
    if (reply.value !== pinned) {
      condemn(index, 'wrong_chain');
      return false;
    }
    health[index] = { ...healthOf(index), chainCheckedAtMs: clock.monotonic() };
    return true;
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
    const probed = await Promise.all(endpoints.map((_endpoint, index) => probe(index, signal)));
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
      metrics.rpcEndpointHeight.set(
        { adapter: name, endpoint: endpoints[index]?.label ?? '' },
        Number(head.number),
      );
      if (fault) condemn(index, fault);
      else {
        const current = healthOf(index);
        update(index, { ...(current.quarantine ? released(current, clock.monotonic()) : current), head });
      }
    }
    endpoints.forEach((_endpoint, index) => {
      announce(index);
    });
    const best = bestHead();
    if (best) timer.observe(best);
  }

  function bestHead(): BlockHeader | undefined {
    return health
      .filter(isHealthy)
      .map(({ head }) => head)
      .reduce((best, head) => (!best || (head && head.number > best.number) ? head : best), undefined);
  }

  return {
    chainIds: (signal) =>
      Promise.all(
        endpoints.map(async ({ label }, index) => {
          const reply = await call(index, 'eth_chainId', [], smallQuantity, signal, true);
          return { endpoint: label, chainId: reply.ok ? reply.value : undefined };
        }),
      ),
    pin(chainId) {
      pinned = chainId;
    },
    check,
    each,
    read: (method, params, parse, signal) => each((ask) => ask(method, params, parse), signal),
    async all(method, params, parse, signal) {
      return Promise.all(
        usable().map(async (index) =>
          (await hasRightChain(index, signal))
            ? call(index, method, params, parse, signal, false)
            : { ...none<never>(), endpoint: endpoints[index]?.label ?? '' },
        ),
      );
    },
    head: bestHead,
    blockSeconds: timer.seconds,
    lag: () => lagBlocks(timer.seconds()),
    views: () =>
      endpoints.map(({ label }, index) => {
        const { quarantine, head } = healthOf(index);
        return {
          endpoint: label,
          healthy: isHealthy(healthOf(index)),
          ...(quarantine ? { reason: quarantine.reason } : {}),
          ...(head ? { height: head.number } : {}),
        };
      }),
    healthy: () => health.some(isHealthy),
  };
}
