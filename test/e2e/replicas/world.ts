/** Three daemons, two keys, six groups, one Redis, a chain with blocks of one second, and the market that they publish. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Address } from '../../../src/common/words.js';
import { ANVIL_ADDRESSES, ANVIL_KEYS, type Anvil, startAnvil } from '../../support/anvil.js';
import { type RedisServer, startRedis } from '../../support/redis.js';
import { CLI, createDaemon, type Daemon, ROOT } from './daemon.js';
import { type Market, startMarket } from './market.js';
import type { Seeded } from './seeded.js';

export const HEARTBEAT_SECONDS = 20;
export const DEVIATION_PERCENT = 0.5;
export const GROUPS = Array.from({ length: 6 }, (_, i) => ({
  id: i + 1,
  name: `group-${i + 1}`,
  feed: `F${i + 1}/USD`,
}));

export interface World {
  readonly anvil: Anvil;
  readonly redis: RedisServer;
  readonly market: Market;
  readonly daemons: readonly Daemon[];
  readonly aggregator: Address;
  readonly keys: readonly Address[];
  /** Logs and configuration of the run. */
  readonly dir: string;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Keys of the pool, at most 2. */
  readonly keyCount?: number;
  /** Lines of YAML under the chain's entry. */
  readonly chain?: readonly string[];
}

export async function createWorld(
  lastsMs: number,
  seeded: Seeded,
  { keyCount = 2, chain = [] }: WorldOptions = {},
): Promise<World> {
  const dir = mkdtempSync(path.join(tmpdir(), 'op-replicas-'));
  const config = path.join(dir, 'config');
  mkdirSync(config);
  const ends: (() => unknown)[] = [];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    return await build();
  } catch (error) {
    await close();
    throw error;
  }

  async function build(): Promise<World> {
    const anvil = await startAnvil({ blockTime: 1 });
    ends.push(() => anvil.stop());
    const redis = await startRedis();
    ends.push(() => redis.stop());
    const market = await startMarket(
      GROUPS.map(({ feed }) => feed),
      lastsMs + 120_000,
      seeded,
    );
    ends.push(() => market.close());
    writeFileSync(path.join(config, 'groups.yaml'), configuration(market.url, chain));
    const env = {
      PRIVATE_KEY: ANVIL_KEYS.slice(0, keyCount).join(','),
      CONFIG_DIR: config,
      HEARTBEAT: `${HEARTBEAT_SECONDS}s`,
      DEVIATION_THRESHOLD: `${DEVIATION_PERCENT}`,
    };
    const out = path.join(dir, 'deployment.json');
    await promisify(execFile)(process.execPath, [CLI, 'deploy', '--no-prewarm', '--out', out], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, ...env, RPC_URL: anvil.url },
      timeout: 120_000,
    });
    const { aggregator } = JSON.parse(readFileSync(out, 'utf8')) as { aggregator: Address };
    const daemons: Daemon[] = [];
    for (const name of ['one', 'two', 'three']) {
      const daemon = await createDaemon({
        name,
        dir,
        redisPort: redis.port,
        chainPort: anvil.port,
        env: { ...env, AGGREGATOR_ADDRESS: aggregator },
      });
      ends.push(() => daemon.close());
      daemons.push(daemon);
    }
    return {
      anvil,
      redis,
      market,
      daemons,
      aggregator,
      keys: ANVIL_ADDRESSES.slice(0, keyCount),
      dir,
      close,
    };
  }
}

const configuration = (marketUrl: string, chain: readonly string[]): string =>
  [
    'poll: 500ms',
    ...(chain.length === 0 ? [] : ['chains:', '  - name: main', ...chain.map((line) => `    ${line}`)]),
    'groups:',
    ...GROUPS.flatMap(({ id, name, feed }) => [
      `  - name: ${name}`,
      `    id: ${id}`,
      '    maxAge: 5s',
      '    minSources: 1',
      '    feeds:',
      `      - name: ${feed}`,
      '        sources:',
      `          - http: { url: "${marketUrl}/${encodeURIComponent(feed)}", path: $.price }`,
    ]),
  ].join('\n');
