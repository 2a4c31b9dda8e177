/** Reads a Chainlink-style feed of another chain, for mirroring: the latest answer, with chain id and decimals checked. */
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils';
import { systemClock } from '../common/time.js';
import type { Hex } from '../common/words.js';
import type { AggregatorSource } from '../config/types.js';
import { feedProxyAbi as abi } from './generated/contracts.js';
import { createEndpoint, type Endpoint } from './rpc/endpoint.js';
import { data, ShapeError, smallQuantity } from './rpc/shapes.js';

const CALL_MS = 5_000;
/** Chain id and decimals of a feed do not change; they are asked again after this, for a URL may come to lead elsewhere. */
const CHECKED_FOR_MS = 300_000;
/** Endpoints remembered as checked; a bound, the configuration names a handful. */
const MAX_CHECKED = 256;

/** What a feed says. */
export interface FeedAnswer {
  /** Scaled by `decimals`. */
  readonly answer: bigint;
  readonly decimals: number;
  /** Unix seconds. */
  readonly updatedAt: number;
}

/** A feed could not be read from any of its endpoints. The message names endpoints by host and place only. */
export class FeedReadError extends Error {
  override readonly name = 'FeedReadError';
}

export type ReadAggregator = (source: AggregatorSource, signal: AbortSignal) => Promise<FeedAnswer>;

/** Creates a reader with a memory of what was checked. */
export function createFeedReader(clock = systemClock): ReadAggregator {
  /** By endpoint URL and address: the decimals, and when they were read. */
  const checked = new Map<string, { readonly decimals: number; readonly atMs: number }>();

  async function call<T>(
    endpoint: Endpoint,
    method: string,
    params: readonly unknown[],
    parse: (result: unknown) => T,
    signal: AbortSignal,
  ): Promise<T> {
    const reply = await endpoint.call(method, params, CALL_MS, signal);
    if (!reply.ok) throw new FeedReadError(reply.failure.detail);
    return parse(reply.result);
  }

  async function readFrom(url: string, index: number, source: AggregatorSource, signal: AbortSignal) {
    const endpoint = createEndpoint(url, index, clock);
    const ask = (functionName: 'decimals' | 'latestRoundData'): Promise<Hex> => {
      const input = encodeFunctionData({ abi, functionName });
      return call(endpoint, 'eth_call', [{ to: source.address, data: input }, 'latest'], data, signal);
    };
    const key = `${url} ${source.address} ${source.chainId}`;
    const known = checked.get(key);
    let decimals = known && clock.monotonic() - known.atMs < CHECKED_FOR_MS ? known.decimals : undefined;
    if (decimals === undefined) {
      const chainId = await call(endpoint, 'eth_chainId', [], smallQuantity, signal);
      if (chainId !== source.chainId)
        throw new FeedReadError(`is of chain ${chainId}, not ${source.chainId}`);
      decimals = decodeFunctionResult({ abi, functionName: 'decimals', data: await ask('decimals') });
      if (checked.size >= MAX_CHECKED) checked.clear();
      checked.set(key, { decimals, atMs: clock.monotonic() });
    }
    if (source.decimals !== undefined && source.decimals !== decimals)
      throw new FeedReadError(`the feed has ${decimals} decimals, not ${source.decimals}`);
    const round = decodeFunctionResult({
      abi,
      functionName: 'latestRoundData',
      data: await ask('latestRoundData'),
    });
    const [, answer, , updatedAt] = round;
    if (updatedAt === 0n || updatedAt > 0xffffffffffn)
      throw new FeedReadError('the feed has no complete round');
    return { answer, decimals, updatedAt: Number(updatedAt) };
  }

  return async (source, signal) => {
    const problems: string[] = [];
    for (const [index, url] of source.rpcUrls.entries()) {
      try {
        return await readFrom(url, index, source, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const host = URL.canParse(url) ? new URL(url).host : 'invalid-url';
        const known = error instanceof FeedReadError || error instanceof ShapeError;
        problems.push(`${host}#${index}: ${known ? error.message : 'answered in another form'}`);
      }
    }
    throw new FeedReadError(problems.join('; '));
  };
}

/** Reads a feed of another chain. @throws FeedReadError when none of its endpoints gives a usable answer */
export const readAggregator: ReadAggregator = createFeedReader();
