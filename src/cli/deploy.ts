/** `oracle-publisher deploy`: puts contract, groups and proxies on chain as the configuration says; a second run changes nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { encodeFunctionData, getAddress, isAddress } from 'viem/utils';
import { oracleAggregatorAbi } from '../chain/generated/contracts.js';
import { parseDuration } from '../common/duration.js';
import type { Address } from '../common/words.js';
import { type Deployment, DeploymentError, deployAll } from '../publisher/deployment.js';
import { openOnChain } from './on-chain.js';
import { formatTable, print } from './output.js';

interface Options {
  readonly out?: string;
  readonly chain?: string;
  readonly admin?: Address;
  readonly guardian?: Address;
  readonly adminDelay: number;
  readonly maxReportAge: number;
  readonly prewarm: boolean;
}

const DEADLINE_MS = 30 * 60_000;

export const deployCommand = (): Command =>
  new Command('deploy')
    .description('Deploy the contract, its groups and proxies; what is there already stays')
    .option(
      '--out <file>',
      'file for the addresses, read again by the next run (default: deployments/<chain id>.json)',
    )
    .option('--chain <name>', 'which chain, where the configuration names several')
    .option('--admin <address>', 'start the handover of the admin role to this address', readAddress)
    .option('--guardian <address>', 'who may pause groups (default: the deploying key)', readAddress)
    .option('--admin-delay <duration>', 'how long a handover of the admin role waits', readSeconds, 86_400)
    .option('--max-report-age <duration>', 'oldest report that the contract takes', readSeconds, 300)
    .option('--no-prewarm', 'leave the ring cold: the first rounds cost more')
    .action(deploy);

async function deploy(options: Options): Promise<void> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const { config, chain, keys, key, deployer, close } = await openOnChain(options.chain, signal);
  try {
    const file = options.out ?? `deployments/${deployer.chainId()}.json`;
    const before = readDeployment(file, deployer.chainId());
    let changes = 0;
    const deployment = await deployAll(
      {
        deployer,
        groups: config.groups.filter((group) => group.chain === chain.name),
        poolAddresses: keys.map(({ address }) => address),
        aggregator: chain.aggregator ?? before?.aggregator,
        factory:
          chain.aggregator === undefined || sameAddress(chain.aggregator, before?.aggregator)
            ? before?.factory
            : undefined,
        guardian: options.guardian ?? key.address,
        adminDelaySeconds: options.adminDelay,
        maxReportAgeSeconds: options.maxReportAge,
        prewarm: options.prewarm,
        onChange: (line) => {
          changes++;
          print(`+ ${line}`);
        },
        onKeep: (line) => print(`= ${line}`),
      },
      signal,
    );
    if (options.admin && !sameAddress(options.admin, key.address)) {
      const data = encodeFunctionData({
        abi: oracleAggregatorAbi,
        functionName: 'beginDefaultAdminTransfer',
        args: [options.admin],
      });
      await deployer.sendAndConfirm(
        { to: deployment.aggregator, data, reason: 'begin the admin handover' },
        signal,
      );
      changes++;
      print(
        `+ admin handover to ${options.admin} begun; it must call acceptDefaultAdminTransfer after the delay`,
      );
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(deployment, null, 2)}\n`);
    print('');
    print(
      formatTable([
        ['feed', 'group', 'index', 'decimals', 'proxy'],
        ...deployment.groups.flatMap((group) =>
          group.feeds.map((feed) => [
            feed.name,
            group.name,
            String(feed.index),
            String(feed.decimals),
            feed.proxy,
          ]),
        ),
      ]),
    );
    print('');
    print(
      changes === 0
        ? 'Nothing to change: all is as the configuration says.'
        : `${changes} changes, all confirmed.`,
    );
    print(`AGGREGATOR_ADDRESS=${deployment.aggregator}   (written to ${file})`);
  } finally {
    await close();
  }
}

/** The file of an earlier run; one of another chain is refused, because its addresses mean nothing here. */
function readDeployment(file: string, chainId: number): Deployment | undefined {
  if (!existsSync(file)) return undefined;
  let found: Partial<Deployment>;
  try {
    found = JSON.parse(readFileSync(file, 'utf8')) as Partial<Deployment>;
  } catch {
    throw new DeploymentError(`${file} is not JSON; remove it, or name another file with --out`);
  }
  if (found.chainId !== chainId || !isAddress(found.aggregator ?? '') || !isAddress(found.factory ?? ''))
    throw new DeploymentError(
      `${file} is no deployment on chain ${chainId} (it says ${found.chainId}); remove it, or name another file with --out`,
    );
  return found as Deployment;
}

const sameAddress = (a: Address, b: Address | undefined): boolean => a.toLowerCase() === b?.toLowerCase();

function readAddress(text: string): Address {
  if (!isAddress(text)) throw new InvalidArgumentError('an address is 0x and 40 hexadecimal digits');
  return getAddress(text);
}

function readSeconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms % 1_000 !== 0) throw new InvalidArgumentError('a duration such as 5m or 1d');
  return ms / 1_000;
}
