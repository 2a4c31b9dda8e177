/** `oracle-publisher check-config`: reads the configuration as the daemon would, and with `--live` asks every source. */
import { Command } from 'commander';
import { formatDuration } from '../common/duration.js';
import { loadEnvironment } from '../config/environment.js';
import { loadConfig } from '../config/load.js';
import { formatPercent } from '../config/schema.js';
import { checkLive } from './check-live.js';
import { formatTable, print } from './output.js';

export const checkConfigCommand = (): Command =>
  new Command('check-config')
    .description('Check the configuration files; exit code 2 when they would be refused')
    .option('--config <dir>', 'directory of the YAML files instead of CONFIG_DIR')
    .option('--live', 'ask every source and the chain once, and print what they say')
    .action(async ({ config: directory, live }: { config?: string; live?: boolean }) => {
      const env = directory === undefined ? process.env : { ...process.env, CONFIG_DIR: directory };
      const { environment, defaults, secrets } = loadEnvironment(env);
      const offline = {
        ...defaults,
        rpcUrls: defaults.rpcUrls.length > 0 ? defaults.rpcUrls : ['http://localhost:8545'],
      };
      const { config, secrets: own } = loadConfig(environment.configDir, live ? defaults : offline, env);
      print(
        formatTable([
          ['group', 'id', 'chain', 'feed', 'decimals', 'heartbeat', 'deviation', 'sources', 'min'],
          ...config.groups.flatMap((group) =>
            group.feeds.map((feed) => [
              group.name,
              String(group.id),
              group.chain,
              feed.name,
              String(feed.decimals),
              formatDuration(feed.heartbeatSeconds * 1_000),
              feed.deviation === 'off' ? 'off' : `${formatPercent(feed.deviation)} %`,
              String(feed.sources.length),
              String(feed.minSources),
            ]),
          ),
        ]),
      );
      print(`\nThe configuration is good (hash ${config.hash.slice(0, 12)}).`);
      if (!live) return;
      await checkLive(config, environment, [...secrets, ...own]);
      print(
        process.exitCode
          ? '\nNot everything answers as it should: see above.'
          : '\nEverything answers as it should.',
      );
    });
