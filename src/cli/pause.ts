/** `oracle-publisher pause`: the guardian's emergency stop of a group, and the admin's way back. */
import { Command } from 'commander';
import { encodeFunctionData } from 'viem/utils';
import { oracleAggregatorAbi } from '../chain/generated/contracts.js';
import { ConfigError } from '../config/problem.js';
import { openOnChain } from './on-chain.js';
import { print } from './output.js';

const DEADLINE_MS = 5 * 60_000;

export const pauseCommand = (): Command =>
  new Command('pause')
    .description('Stop a group: its reports are refused until it is resumed, reads go on')
    .argument('<group>', 'name of the group, or `all`')
    .option('--resume', 'take reports again (admin only)')
    .option('--chain <name>', 'which chain, where the configuration names several')
    .action(async (name: string, { resume = false, chain }: { resume?: boolean; chain?: string }) => {
      const signal = AbortSignal.timeout(DEADLINE_MS);
      const on = await openOnChain(chain, signal);
      try {
        const aggregator = on.chain.aggregator;
        if (aggregator === undefined)
          throw new ConfigError([
            { where: 'environment', path: 'AGGREGATOR_ADDRESS', message: 'is missing' },
          ]);
        const here = on.config.groups.filter((group) => group.chain === on.chain.name);
        const groups = here.filter((group) => name === 'all' || group.name === name);
        if (groups.length === 0)
          throw new ConfigError([
            {
              where: 'command line',
              path: '<group>',
              value: name,
              message: `must be all or one of: ${here.map((group) => group.name).join(', ')}`,
            },
          ]);
        for (const group of groups) {
          const functionName = resume ? 'unpause' : 'pause';
          const data = encodeFunctionData({ abi: oracleAggregatorAbi, functionName, args: [group.id] });
          const { hash } = await on.deployer.sendAndConfirm(
            { to: aggregator, data, reason: `${functionName} group ${group.name}` },
            signal,
          );
          print(`${group.name} ${resume ? 'takes reports again' : 'is paused'} (${hash})`);
        }
      } finally {
        await on.close();
      }
    });
