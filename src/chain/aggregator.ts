/** The aggregator's binding: groups at one block, and the checks of address and signing domain at start. */
import { decodeFunctionResult, encodeFunctionData } from 'viem/utils';
import type { Address, GroupOnChain, Hex } from '../common/words.js';
import { oracleAggregatorAbi as abi } from './generated/contracts.js';
import { decodeRevert } from './revert.js';
import { isRevert } from './rpc/endpoint.js';
import type { CallResult } from './rpc/members.js';
import type { Ask, RpcPool } from './rpc/pool.js';
import { type BlockHeader, blockHeader, data, ShapeError, toQuantity } from './rpc/shapes.js';

/** The name and version of the contract's EIP-712 domain: another contract is not ours. */
const DOMAIN = { name: 'OracleAggregator', version: '1' };

/** Decodes with viem; what does not decode is the endpoint's (or the wrong contract's) fault. */
const decoded =
  <T>(decode: (bytes: Hex) => T) =>
  (result: unknown): T => {
    try {
      return decode(data(result));
    } catch (error) {
      if (error instanceof ShapeError) throw error;
      throw new ShapeError('the contract answered in another form');
    }
  };

const decodeSnapshot = (group: number, block: BlockHeader) =>
  decoded((bytes): GroupOnChain => {
    const [header, feeds] = decodeFunctionResult({ abi, functionName: 'snapshot', data: bytes });
    if (feeds.length !== header.feeds || feeds.length === 0)
      throw new ShapeError('feeds do not match the header');
    return {
      group,
      round: header.round,
      signedAt: header.timestamp,
      threshold: header.threshold,
      signers: header.signers,
      signersHash: header.signersHash,
      wide: header.wide,
      paused: header.paused,
      feeds: feeds.map(({ answer, round, updatedAt }) => ({ answer, round, updatedAt })),
      blockNumber: block.number,
      blockTimestamp: block.timestamp,
    };
  });

/** A group could not be read; the message names why, without an endpoint's URL. */
export class ReadError extends Error {
  override readonly name = 'ReadError';
}

export interface Aggregator {
  /** Reads groups at one block of one endpoint. @throws ReadError */
  readGroups(groups: readonly number[], signal: AbortSignal): Promise<readonly GroupOnChain[]>;
  /** @returns what is wrong with the address, or nothing */
  check(chainId: number, signal: AbortSignal): Promise<readonly string[]>;
  /** How many seconds ahead of its block a report may be dated; asked once. `undefined` when nobody answers. */
  maxAhead(signal: AbortSignal): Promise<number | undefined>;
}

/** Creates the binding of one contract. */
export function createAggregator(pool: RpcPool, address: Address): Aggregator {
  /** The highest round seen per group (at most 255): a read below it is cross-checked with the other endpoints. */
  const highest = new Map<number, number>();
  let maxAhead: number | undefined;

  async function readAt(ask: Ask, groups: readonly number[]): Promise<CallResult<readonly GroupOnChain[]>> {
    const block = await ask('eth_getBlockByNumber', ['latest', false], blockHeader);
    if (!block.ok) return block;
    const floor = (pool.head()?.number ?? 0n) - pool.lag();
    if (block.value.number < floor)
      return stale(block.endpoint, `block ${block.value.number} is behind the others`);
    const snapshots = await Promise.all(
      groups.map((group) => {
        const call = {
          to: address,
          data: encodeFunctionData({ abi, functionName: 'snapshot', args: [group] }),
        };
        return ask('eth_call', [call, toQuantity(block.value.number)], decodeSnapshot(group, block.value));
      }),
    );
    const failed = snapshots.find((snapshot) => !snapshot.ok);
    if (failed && !failed.ok) return failed;
    const value = snapshots.flatMap((snapshot) => (snapshot.ok ? [snapshot.value] : []));
    return { ok: true, value, endpoint: block.endpoint };
  }

  const stale = (endpoint: string, detail: string): CallResult<never> => ({
    ok: false,
    failure: { type: 'invalid_reply', detail },
    endpoint,
  });

  return {
    async readGroups(groups, signal) {
      /** Reads below a round seen before: a reorganisation if all endpoints agree, else a stale node. */
      let below: readonly GroupOnChain[] | undefined;
      const result = await pool.each(async (ask) => {
        const read = await readAt(ask, groups);
        if (!read.ok) return read;
        const back = read.value.find(({ group, round }) => round < (highest.get(group) ?? 0));
        if (!back) return read;
        below ??= read.value;
        return stale(read.endpoint, `group ${back.group} went back to round ${back.round}`);
      }, signal);
      const value = result.ok ? result.value : below;
      if (!value) {
        const { failure } = result as Exclude<typeof result, { ok: true }>;
        const why = isRevert(failure) ? decodeRevert(failure.rpcData).errorName : failure.detail;
        throw new ReadError(`groups ${groups.join(', ')}: ${why} (${result.endpoint})`);
      }
      for (const { group, round } of value) highest.set(group, round);
      return value;
    },

    async maxAhead(signal) {
      if (maxAhead !== undefined) return maxAhead;
      const call = { to: address, data: encodeFunctionData({ abi, functionName: 'maxAhead' }) };
      const parse = decoded((bytes) =>
        Number(decodeFunctionResult({ abi, functionName: 'maxAhead', data: bytes })),
      );
      const reply = await pool.read('eth_call', [call, 'latest'], parse, signal);
      if (reply.ok) maxAhead = reply.value;
      return maxAhead;
    },

    async check(chainId, signal) {
      const code = await pool.read('eth_getCode', [address, 'latest'], data, signal);
      if (!code.ok) return [`the code at ${address} could not be read: ${code.failure.detail}`];
      if (code.value === '0x') return [`there is no contract at ${address} on chain ${chainId}`];
      const call = { to: address, data: encodeFunctionData({ abi, functionName: 'eip712Domain' }) };
      const domain = await pool.read(
        'eth_call',
        [call, 'latest'],
        decoded((bytes) => decodeFunctionResult({ abi, functionName: 'eip712Domain', data: bytes })),
        signal,
      );
      if (!domain.ok)
        return [`the contract at ${address} is no OracleAggregator: it tells no signing domain`];
      const [, name, version, domainChainId, verifyingContract] = domain.value;
      const problems: string[] = [];
      if (name !== DOMAIN.name || version !== DOMAIN.version)
        problems.push(
          `the contract at ${address} is ${name} ${version}, not ${DOMAIN.name} ${DOMAIN.version}`,
        );
      if (domainChainId !== BigInt(chainId))
        problems.push(`the contract at ${address} signs for chain ${domainChainId}, not ${chainId}`);
      if (verifyingContract.toLowerCase() !== address.toLowerCase())
        problems.push(`the contract at ${address} signs for ${verifyingContract}: it is behind a proxy`);
      return problems;
    },
  };
}
