/** Compares each group with the contract before anything is sent: what differs would publish wrong prices, or none. */
import { decodeFunctionResult, encodeFunctionData, isAddressEqual } from 'viem/utils';
import { oracleAggregatorAbi } from '../chain/generated/contracts.js';
import { systemClock } from '../common/time.js';
import type { Address } from '../common/words.js';
import type { GroupConfig } from '../config/types.js';
import type { Logger } from '../telemetry/logger.js';
import type { ChainRuntime } from './chain-runtime.js';
import { createSignerSets } from './signer-sets.js';

/**
 * Lists everything that keeps the groups of one chain from being published, each with what to do.
 * @param keys addresses of this replica's pool; `undefined` for one that only looks on (a dry run without keys)
 * @throws when no endpoint answers
 */
export async function checkGroups(
  runtime: ChainRuntime,
  groups: readonly GroupConfig[],
  keys: readonly Address[] | undefined,
  log: Logger,
  signal: AbortSignal,
): Promise<string[]> {
  const { chain, config, aggregator } = runtime;
  const signerSets = createSignerSets({ poolAddresses: keys ?? [], clock: systemClock, log });
  const problems: string[] = [];
  const chainOf = (name: string) => `group ${name} on chain ${config.name}`;
  for (const group of groups) {
    const at = chainOf(group.name);
    const onChain = await chain.readGroups([group.id], signal).then(
      ([found]) => found,
      (error: unknown) => {
        if (String(error).includes('GroupUnknown')) return undefined;
        throw error;
      },
    );
    if (!onChain) {
      problems.push(
        `${at}: id ${group.id} does not exist in ${aggregator}; create it with: oracle-publisher deploy`,
      );
      continue;
    }
    if (onChain.wide !== group.wide)
      problems.push(
        `${at}: width is ${widthOf(onChain.wide)} on chain and ${widthOf(group.wide)} here; it never changes`,
      );
    if (onChain.feeds.length !== group.feeds.length)
      problems.push(
        `${at}: ${onChain.feeds.length} feeds on chain and ${group.feeds.length} here; add feeds with: oracle-publisher deploy`,
      );
    for (const [index, feed] of group.feeds.slice(0, onChain.feeds.length).entries()) {
      const info = await readFeedInfo(chain, aggregator, group.id, index, signal);
      if (info.decimals !== feed.decimals)
        problems.push(
          `${at}: feed ${feed.name} (index ${index}) has ${info.decimals} decimals on chain and ${feed.decimals} here; consumers would read a wrong price`,
        );
      if (info.description !== feed.description)
        problems.push(
          `${at}: index ${index} is "${info.description}" on chain and "${feed.description}" here; keep the order of the feeds`,
        );
    }
    if (!keys) continue;
    const signers = await signerSets.find(runtime, group, onChain.signersHash, signal);
    problems.push(...signerProblems(at, signers, onChain.threshold, keys));
  }
  return problems;
}

function signerProblems(
  at: string,
  signers: readonly Address[] | undefined,
  threshold: number,
  keys: readonly Address[],
): string[] {
  if (signers === undefined)
    return [
      `${at}: the contract's signer set is not the configured one and not in its events; name it under \`signers\`, or set it with: oracle-publisher deploy`,
    ];
  if (!keys.some((key) => signers.some((signer) => isAddressEqual(signer, key))))
    return [
      `${at}: no key of this replica (${keys.join(', ') || 'none'}) is an authorised signer; the contract's are ${signers.join(', ')}`,
    ];
  if (threshold > 1)
    return [`${at}: its threshold is ${threshold}; this version publishes for one operator, threshold 1`];
  return [];
}

async function readFeedInfo(
  chain: ChainRuntime['chain'],
  aggregator: Address,
  group: number,
  feed: number,
  signal: AbortSignal,
) {
  const call = { abi: oracleAggregatorAbi, functionName: 'feedInfo', args: [group, feed] } as const;
  const data = await chain.call(aggregator, encodeFunctionData(call), signal);
  return decodeFunctionResult({ abi: oracleAggregatorAbi, functionName: 'feedInfo', data });
}

const widthOf = (wide: boolean) => (wide ? 'wide' : 'narrow');
