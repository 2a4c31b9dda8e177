/** Finds a group's signer set in the contract's events. What is found is proven by the hash that the contract keeps. */
import type { RpcLog } from 'viem';
import { encodeEventTopics, numberToHex, parseEventLogs } from 'viem/utils';
import type { Address } from '../common/words.js';
import { oracleAggregatorAbi as abi } from './generated/contracts.js';
import type { RpcPool } from './rpc/pool.js';
import { ShapeError, toQuantity } from './rpc/shapes.js';

/** Hosted endpoints refuse wider ranges; halved when even this is refused, down to the narrowest. */
const WIDEST_RANGE = 10_000n;
const NARROWEST_RANGE = 500n;
/** A bound on the search: about a week of one-second blocks. */
const MOST_CALLS = 80;

interface FoundSet {
  readonly signers: readonly Address[];
  /** Low 160 bits of the set's hash, as the event tells it. */
  readonly hash: Address;
}

/**
 * Searches backwards from the head for the newest `SignersSet` of a group whose hash is the wanted one.
 * @returns `undefined` when it is not within reach; the caller checks the hash of what is found
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
  let range = WIDEST_RANGE;
  for (let calls = 0; to !== undefined && to >= 0n && calls < MOST_CALLS; calls++) {
    const from: bigint = to >= range ? to - range + 1n : 0n;
    const filter = { address, topics, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
    const reply = await pool.read('eth_getLogs', [filter], (result) => decodeSets(result, group), signal);
    if (!reply.ok) {
      if (range === NARROWEST_RANGE) return undefined;
      range = range / 2n > NARROWEST_RANGE ? range / 2n : NARROWEST_RANGE;
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
