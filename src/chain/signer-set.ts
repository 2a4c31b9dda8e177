/** Finds a group's signer set in the contract's events. What is found is proven by the hash that the contract keeps. */
import type { RpcLog } from 'viem';
import { encodeEventTopics, numberToHex, parseEventLogs } from 'viem/utils';
import type { Address } from '../common/words.js';
import { ReadError } from './aggregator.js';
import { oracleAggregatorAbi as abi } from './generated/contracts.js';
import type { RpcPool } from './rpc/pool.js';
import { ShapeError, toQuantity } from './rpc/shapes.js';

/** Hosted endpoints refuse wider ranges, and Besu what its `rpc-max-logs-range` says: halved for as long as it is refused. */
const WIDEST_RANGE = 10_000n;
/** A bound on the search: three weeks of one-second blocks where nothing is refused, a day at 500 blocks a call. */
const MOST_CALLS = 200;

interface FoundSet {
  readonly signers: readonly Address[];
  /** Low 160 bits of the set's hash, as the event tells it. */
  readonly hash: Address;
}

/**
 * Searches backwards from the head for the newest `SignersSet` of a group whose hash is the wanted one.
 * @returns `undefined` when it is not within reach; the caller checks the hash of what is found
 * @throws ReadError when it could not be asked for
 */
export async function findSignerSet(
  pool: RpcPool,
  address: Address,
  group: number,
  wantedHash: Address,
  signal: AbortSignal,
): Promise<readonly Address[] | undefined> {
  const [event] = encodeEventTopics({ abi, eventName: 'SignersSet' });
  const topics = [event, numberToHex(group, { size: 32 })];
  let to = pool.head()?.number;
  if (to === undefined) throw new ReadError(`signers of group ${group}: no endpoint gives a usable block`);
  let range = WIDEST_RANGE;
  for (let calls = 0; to >= 0n && calls < MOST_CALLS; calls++) {
    const from: bigint = to >= range ? to - range + 1n : 0n;
    const filter = { address, topics, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
    const reply = await pool.read('eth_getLogs', [filter], (result) => decodeSets(result, group), signal);
    if (!reply.ok) {
      const { type, detail } = reply.failure;
      // The node's own refusal, in whatever words, or a range that takes it too long.
      const mayBeTooWide = type === 'rpc_error' || type === 'timeout';
      if (!mayBeTooWide || range === 1n)
        throw new ReadError(`signers of group ${group}: ${detail} (${reply.endpoint})`);
      range /= 2n;
      continue;
    }
    const found = reply.value.findLast(({ hash }) => hash.toLowerCase() === wantedHash.toLowerCase());
    if (found) return found.signers;
    to = from - 1n;
  }
  return undefined;
}

function decodeSets(result: unknown, group: number): FoundSet[] {
  if (!Array.isArray(result)) throw new ShapeError('logs are no list');
  try {
    return parseEventLogs({ abi, eventName: 'SignersSet', logs: result as RpcLog[] })
      .filter(({ args }) => args.group === group)
      .map(({ args }) => ({ signers: args.signers, hash: args.signersHash }));
  } catch {
    throw new ShapeError('the logs are of another form');
  }
}
