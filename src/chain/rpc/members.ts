/** The endpoints of a pool with how well each does: calls and their consequences, who may be used, who is lost or back. */
import type { Random } from '../../common/random.js';
import type { Clock } from '../../common/time.js';
import type { Logger } from '../../telemetry/logger.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { createEndpoint, type Endpoint, isRevert, type RpcFailure } from './endpoint.js';
import {
  afterFailure,
  afterSuccess,
  compareHealth,
  type Health,
  isHealthy,
  newHealth,
  quarantined,
} from './health.js';
import { ShapeError, smallQuantity } from './shapes.js';

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

export interface Members {
  /** Of every endpoint, in the order of the list. */
  readonly labels: readonly string[];
  readonly healthOf: (index: number) => Health;
  update(index: number, next: Health): void;
  /** Says once, in the log and the metric, that an endpoint is lost or back. */
  announce(index: number): void;
  /** From now on endpoints of other chains are never used. */
  pin(chainId: number): void;
  /** One call, with its consequences for the endpoint's health. */
  call<T>(
    index: number,
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    signal: AbortSignal | undefined,
    nodeErrorsCount: boolean,
  ): Promise<CallResult<T>>;
  /** Quarantines an endpoint for what it said. */
  condemn(index: number, fault: 'wrong_chain' | 'height_lag' | 'height_regression' | 'invalid_reply'): void;
  usable(): readonly number[];
  /** Asks for the chain id where that was not done lately. Before an id is pinned every endpoint passes. */
  hasRightChain(index: number, signal: AbortSignal): Promise<boolean>;
}

/** @throws Error for a URL that is not HTTP */
export function createMembers(options: RpcPoolOptions): Members {
  const { name, urls, timeoutMs, clock, random, log, metrics } = options;
  const endpoints = urls.map((url, index) => createEndpoint(url, index, clock));
  const health: Health[] = urls.map(newHealth);
  const wasUp: (boolean | undefined)[] = urls.map(() => undefined);
  let pinned: number | undefined;

  const healthOf = (index: number): Health => health[index] ?? newHealth();

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
      (!nodeErrorsCount ||
        isRevert(failure) ||
        failure.tooMuch === true ||
        NOT_SUPPORTED.includes(failure.rpcCode));
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

  return {
    labels: endpoints.map(({ label }) => label),
    healthOf,
    update,
    announce,
    pin(chainId) {
      pinned = chainId;
    },
    call,
    condemn,
    usable,
    hasRightChain,
  };
}
