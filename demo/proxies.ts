/** What consumers see: the feed proxies, read by the demo itself and not through the daemon. */
import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  http,
  parseAbi,
} from 'viem';
import { withDeadline } from '../src/common/time.js';

/** Chainlink's round data, as far as the demo looks at it. */
export interface RoundData {
  readonly round: number;
  readonly answer: bigint;
  /** Unix seconds. */
  readonly updatedAt: number;
}

/** Reads feed proxies. A read of a round that is not there gives `undefined`. */
export interface Proxies {
  readonly latest: (proxy: Address) => Promise<RoundData | undefined>;
  readonly at: (proxy: Address, round: number) => Promise<RoundData | undefined>;
  readonly height: () => Promise<bigint>;
}

const RETURNS =
  'returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)';
const abi = parseAbi([
  `function latestRoundData() view ${RETURNS}`,
  `function getRoundData(uint80 roundId) view ${RETURNS}`,
]);

const TIMEOUT_MS = 5_000;

/** Creates the reader. @throws DeadlineError from its functions when the chain does not answer in time */
export function createProxies(rpcUrl: string): Proxies {
  const client = createPublicClient({
    transport: http(rpcUrl, { batch: true, retryCount: 1, timeout: TIMEOUT_MS }),
  });
  const toRound = ([roundId, answer, , updatedAt]: readonly [bigint, bigint, bigint, bigint, bigint]) => ({
    round: Number(roundId),
    answer,
    updatedAt: Number(updatedAt),
  });
  const absent = (error: unknown): undefined => {
    const reverted = (cause: unknown) => cause instanceof ContractFunctionRevertedError;
    if (error instanceof BaseError && error.walk(reverted)) return undefined;
    throw error;
  };
  const read = (operation: string, call: () => Promise<RoundData | undefined>) =>
    withDeadline(operation, 2 * TIMEOUT_MS, () => call().catch(absent));

  return {
    latest: (address) =>
      read('latestRoundData', () =>
        client.readContract({ address, abi, functionName: 'latestRoundData' }).then(toRound),
      ),
    at: (address, round) =>
      read('getRoundData', () =>
        client
          .readContract({ address, abi, functionName: 'getRoundData', args: [BigInt(round)] })
          .then(toRound),
      ),
    height: () =>
      withDeadline('eth_blockNumber', 2 * TIMEOUT_MS, () => client.getBlockNumber({ cacheTime: 0 })),
  };
}
