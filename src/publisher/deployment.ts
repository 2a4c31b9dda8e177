/** Brings a chain's contract to what the configuration says: what is there stays, what is missing is made, once. */
import {
  decodeFunctionResult,
  encodeDeployData,
  encodeFunctionData,
  getContractAddress,
  isAddressEqual,
} from 'viem/utils';
import type { Deployer } from '../chain/deployer.js';
import {
  feedProxyFactoryAbi,
  feedProxyFactoryBytecode,
  oracleAggregatorAbi,
  oracleAggregatorBytecode,
} from '../chain/generated/contracts.js';
import type { Address, Hex } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import { hashSigners, sortSigners } from '../reports/signing.js';

/** What was found or made; written to a file, so that a second run finds it. */
export interface Deployment {
  readonly chainId: number;
  readonly aggregator: Address;
  readonly factory: Address;
  readonly groups: readonly {
    readonly id: number;
    readonly name: string;
    readonly feeds: readonly {
      readonly name: string;
      readonly index: number;
      readonly decimals: number;
      readonly proxy: Address;
    }[];
  }[];
}

export interface DeployOptions {
  readonly deployer: Deployer;
  readonly groups: readonly GroupConfig[];
  /** Signers of groups that name none: the pool's addresses. */
  readonly poolAddresses: readonly Address[];
  /** Found by an earlier run, or named by the operator. */
  readonly aggregator: Address | undefined;
  readonly factory: Address | undefined;
  readonly guardian: Address;
  /** Wait of an admin handover, seconds. */
  readonly adminDelaySeconds: number;
  /** Oldest report that the contract takes, seconds. */
  readonly maxReportAgeSeconds: number;
  /** Fill the ring's slots now, so that the first rounds cost no more than later ones. */
  readonly prewarm: boolean;
  /** Told of each transaction that was confirmed. */
  readonly onChange: (line: string) => void;
  /** Told of what is as it should be. */
  readonly onKeep: (line: string) => void;
}

/** The contract and the configuration differ in what cannot be changed. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
}

/** About 22,000 gas each: well under the smallest usual block limit. */
const SLOTS_PER_TRANSACTION = 128;

/** Deploys and configures. @throws DeploymentError, DeployError */
export async function deployAll(options: DeployOptions, signal: AbortSignal): Promise<Deployment> {
  const { deployer, groups, onKeep, onChange } = options;
  const aggregator = await ensureAggregator(options, signal);
  const factory = await ensureFactory(options, aggregator, signal);
  for (const group of groups) await ensureGroup(options, aggregator, group, signal);
  const deployed: Deployment['groups'][number][] = [];
  for (const group of groups) {
    const feeds: Deployment['groups'][number]['feeds'][number][] = [];
    for (const [index, feed] of group.feeds.entries()) {
      const read = {
        abi: feedProxyFactoryAbi,
        functionName: 'proxyAddress',
        args: [group.id, index],
      } as const;
      const reply = await deployer.call(factory, encodeFunctionData(read), signal);
      const proxy = decodeFunctionResult({ ...read, data: reply });
      if (await hasCode(deployer, proxy, signal)) onKeep(`proxy of ${feed.name} at ${proxy}`);
      else {
        const data = encodeFunctionData({
          abi: feedProxyFactoryAbi,
          functionName: 'deploy',
          args: [group.id, index],
        });
        await deployer.sendAndConfirm({ to: factory, data, reason: `deploy proxy of ${feed.name}` }, signal);
        onChange(`proxy of ${feed.name} at ${proxy}`);
      }
      feeds.push({ name: feed.name, index, decimals: feed.decimals, proxy });
    }
    deployed.push({ id: group.id, name: group.name, feeds });
  }
  return { chainId: deployer.chainId(), aggregator, factory, groups: deployed };
}

async function ensureAggregator(options: DeployOptions, signal: AbortSignal): Promise<Address> {
  const { deployer, aggregator, groups } = options;
  if (aggregator !== undefined) {
    if (!(await hasCode(deployer, aggregator, signal)))
      throw new DeploymentError(
        `there is no contract at ${aggregator}; correct AGGREGATOR_ADDRESS or the deployment file, or remove it to deploy a new one`,
      );
    options.onKeep(`aggregator at ${aggregator}`);
    return aggregator;
  }
  const maxAhead = Math.max(...groups.map(({ tickSeconds }) => tickSeconds));
  const data = encodeDeployData({
    abi: oracleAggregatorAbi,
    bytecode: oracleAggregatorBytecode,
    args: [
      deployer.address,
      options.guardian,
      options.adminDelaySeconds,
      options.maxReportAgeSeconds,
      maxAhead,
    ],
  });
  const { contractAddress } = await deployer.sendAndConfirm(
    { data, reason: 'deploy OracleAggregator' },
    signal,
  );
  if (contractAddress === undefined) throw new DeploymentError('the deployment gave no address');
  options.onChange(`aggregator at ${contractAddress}`);
  return contractAddress;
}

/** A factory named or found by an earlier run; else the one that this key deployed right behind the aggregator; else a new one. */
async function ensureFactory(
  options: DeployOptions,
  aggregator: Address,
  signal: AbortSignal,
): Promise<Address> {
  const { deployer } = options;
  for (const candidate of options.factory ? [options.factory] : neighbours(deployer.address, aggregator)) {
    if ((await aggregatorOf(deployer, candidate, signal)) === aggregator.toLowerCase()) {
      options.onKeep(`proxy factory at ${candidate}`);
      return candidate;
    }
    if (options.factory)
      throw new DeploymentError(`${options.factory} is no proxy factory of the aggregator ${aggregator}`);
  }
  const data = encodeDeployData({
    abi: feedProxyFactoryAbi,
    bytecode: feedProxyFactoryBytecode,
    args: [aggregator],
  });
  const { contractAddress } = await deployer.sendAndConfirm(
    { data, reason: 'deploy FeedProxyFactory' },
    signal,
  );
  if (contractAddress === undefined) throw new DeploymentError('the deployment gave no address');
  options.onChange(`proxy factory at ${contractAddress}`);
  return contractAddress;
}

/** The address that a key's next deployment after the aggregator has, if that key deployed it among its first 1,000. */
function neighbours(deployer: Address, aggregator: Address): Address[] {
  for (let nonce = 0n; nonce < 1_000n; nonce++)
    if (isAddressEqual(getContractAddress({ from: deployer, nonce }), aggregator))
      return [getContractAddress({ from: deployer, nonce: nonce + 1n })];
  return [];
}

async function aggregatorOf(
  deployer: Deployer,
  factory: Address,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!(await hasCode(deployer, factory, signal))) return undefined;
  const read = { abi: feedProxyFactoryAbi, functionName: 'aggregator' } as const;
  try {
    const data = await deployer.call(factory, encodeFunctionData(read), signal);
    return decodeFunctionResult({ ...read, data }).toLowerCase();
  } catch {
    return undefined;
  }
}

async function ensureGroup(
  options: DeployOptions,
  aggregator: Address,
  group: GroupConfig,
  signal: AbortSignal,
): Promise<void> {
  const { deployer, onChange, onKeep } = options;
  const signers = sortSigners(group.signers.length > 0 ? group.signers : options.poolAddresses);
  const infos = group.feeds.map(({ decimals, description }) => ({ decimals, description }));
  const send = async (reason: string, data: Hex) => {
    await deployer.sendAndConfirm({ to: aggregator, data, reason }, signal);
    onChange(reason);
  };
  const held = await readGroup(deployer, aggregator, group.id, signal);
  if (!held) {
    await send(
      `group ${group.name} (id ${group.id}) with ${group.feeds.length} feeds, ${signers.length} signers, threshold ${group.threshold}`,
      encodeFunctionData({
        abi: oracleAggregatorAbi,
        functionName: 'createGroup',
        args: [group.id, group.wide, group.ringBits, signers, group.threshold, infos],
      }),
    );
    if (options.prewarm) await prewarm(group, send);
    return;
  }
  await checkFixed(deployer, aggregator, group, held, signal);
  if (held.feeds < group.feeds.length) {
    await send(
      `feeds ${held.feeds} to ${group.feeds.length - 1} of group ${group.name}`,
      encodeFunctionData({
        abi: oracleAggregatorAbi,
        functionName: 'addFeeds',
        args: [group.id, infos.slice(held.feeds)],
      }),
    );
    if (options.prewarm) await prewarm(group, send);
  }
  if (held.signersHash.toLowerCase() !== hashSigners(signers) || held.threshold !== group.threshold)
    await send(
      `signers of group ${group.name}: ${signers.join(', ')}, threshold ${group.threshold}`,
      encodeFunctionData({
        abi: oracleAggregatorAbi,
        functionName: 'setSigners',
        args: [group.id, signers, group.threshold],
      }),
    );
  else onKeep(`group ${group.name} (id ${group.id})`);
}

/** What never changes must agree: width, ring, and the feeds that are there, in their order. */
async function checkFixed(
  deployer: Deployer,
  aggregator: Address,
  group: GroupConfig,
  held: { readonly wide: boolean; readonly ringBits: number; readonly feeds: number },
  signal: AbortSignal,
): Promise<void> {
  const refuse = (what: string, there: string, here: string): never => {
    throw new DeploymentError(
      `group ${group.name} (id ${group.id}): ${what} is ${there} on chain and ${here} in the configuration, and never changes; correct the configuration, or use a new id`,
    );
  };
  if (held.wide !== group.wide)
    refuse('the width', held.wide ? 'wide' : 'narrow', group.wide ? 'wide' : 'narrow');
  if (held.ringBits !== group.ringBits)
    refuse('the history', String(2 ** held.ringBits), String(2 ** group.ringBits));
  if (held.feeds > group.feeds.length)
    refuse('the number of feeds', String(held.feeds), String(group.feeds.length));
  for (const [index, feed] of group.feeds.slice(0, held.feeds).entries()) {
    const read = { abi: oracleAggregatorAbi, functionName: 'feedInfo', args: [group.id, index] } as const;
    const data = await deployer.call(aggregator, encodeFunctionData(read), signal);
    const info = decodeFunctionResult({ abi: oracleAggregatorAbi, functionName: 'feedInfo', data });
    if (info.decimals !== feed.decimals)
      refuse(`decimals of feed ${index}`, String(info.decimals), `${feed.decimals} (${feed.name})`);
    if (info.description !== feed.description)
      refuse(`feed ${index}`, `"${info.description}"`, `"${feed.description}"`);
  }
}

async function readGroup(deployer: Deployer, aggregator: Address, group: number, signal: AbortSignal) {
  const read = { abi: oracleAggregatorAbi, functionName: 'getGroup', args: [group] } as const;
  try {
    const data = await deployer.call(aggregator, encodeFunctionData(read), signal);
    return decodeFunctionResult({ abi: oracleAggregatorAbi, functionName: 'getGroup', data });
  } catch (error) {
    if (String(error).includes('GroupUnknown')) return undefined;
    throw error;
  }
}

async function prewarm(
  group: GroupConfig,
  send: (reason: string, data: Hex) => Promise<void>,
): Promise<void> {
  const words = Math.ceil(group.feeds.length / (group.wide ? 2 : 4));
  const rounds = 2 ** group.ringBits;
  const step = Math.max(1, Math.floor(SLOTS_PER_TRANSACTION / words));
  for (let from = 0; from < rounds; from += step) {
    const count = Math.min(step, rounds - from);
    await send(
      `pre-warmed rounds ${from} to ${from + count - 1} of group ${group.name}`,
      encodeFunctionData({ abi: oracleAggregatorAbi, functionName: 'grow', args: [group.id, from, count] }),
    );
  }
}

const hasCode = async (deployer: Deployer, address: Address, signal: AbortSignal): Promise<boolean> =>
  (await deployer.codeAt(address, signal)) !== '0x';
