/** A small world for the daemon: a chain, venues whose prices the test sets, a configuration and a deployed contract. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicClient, http, parseAbi } from 'viem';
import type { Address } from '../../../src/common/words.js';
import { ANVIL_KEYS, type Anvil, startAnvil } from '../anvil.js';
import { json, startVenue, type Venue } from '../prices/venue.js';
import { command, type Env } from './process.js';

export interface WorldOptions {
  readonly env?: Env;
  /** Complete text of feeds.yaml; `$1`, `$2` and `$3` are the venues' URLs. */
  readonly feeds?: string;
  /** Seconds between blocks. */
  readonly blockTime?: number;
  readonly chainId?: number;
}

export interface World {
  readonly anvil: Anvil;
  readonly venues: readonly [Venue, Venue, Venue];
  readonly directory: string;
  readonly env: Env;
  readonly aggregator: Address;
  readonly proxies: readonly Address[];
  /** Sets what all venues answer for ETH. */
  price(text: string): void;
  /** What a consumer reads. */
  latest(proxy?: number): Promise<{ round: bigint; answer: bigint; updatedAt: bigint }>;
  nonce(address: Address): Promise<number>;
  close(): Promise<void>;
}

export const FEEDS = `group: { maxAge: 8s }
feeds:
  - name: ETH/USD
    sources:
      - http: { url: "$1/eth", path: $.price }
        name: one
      - http: { url: "$2/eth", path: $.price }
        name: two
      - http: { url: "$3/eth", path: $.price }
        name: three
`;

const PROXY = parseAbi([
  'function latestRoundData() view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)',
]);

/** Starts the world and deploys into it with the real command. */
export async function startWorld({
  env = {},
  feeds = FEEDS,
  blockTime = 1,
  chainId = 31_337,
}: WorldOptions = {}): Promise<World> {
  const anvil = await startAnvil({ args: ['--chain-id', String(chainId)] });
  const venues = [await startVenue(), await startVenue(), await startVenue()] as const;
  const price = (text: string) => {
    for (const venue of venues) venue.answer(json(`{"price":${text}}`));
  };
  price('2000.00');
  const directory = mkdtempSync(join(tmpdir(), 'oracle-publisher-world-'));
  const filled = venues.reduce((text, { url }, index) => text.replaceAll(`$${index + 1}/`, `${url}/`), feeds);
  writeFileSync(join(directory, 'feeds.yaml'), filled);
  const base: Env = {
    RPC_URL: anvil.url,
    PRIVATE_KEY: ANVIL_KEYS[0],
    HEARTBEAT: '30s',
    DEVIATION_THRESHOLD: '0.5',
    CONFIG_DIR: directory,
    ...env,
  };
  const out = join(directory, 'deployment.json');
  const deployed = await command(['deploy', '--out', out, '--no-prewarm'], base);
  if (deployed.code !== 0) throw new Error(`deploy failed: ${deployed.stdout}${deployed.stderr}`);
  await anvil.rpc('evm_setIntervalMining', [blockTime]);
  const deployment = JSON.parse(readFileSync(out, 'utf8')) as {
    aggregator: Address;
    groups: { feeds: { proxy: Address }[] }[];
  };
  const proxies = deployment.groups.flatMap((group) => group.feeds.map(({ proxy }) => proxy));
  const client = createPublicClient({ transport: http(anvil.url) });
  return {
    anvil,
    venues,
    directory,
    env: { ...base, AGGREGATOR_ADDRESS: deployment.aggregator },
    aggregator: deployment.aggregator,
    proxies,
    price,
    async latest(proxy = 0) {
      const [round, answer, , updatedAt] = await client.readContract({
        address: proxies[proxy] as Address,
        abi: PROXY,
        functionName: 'latestRoundData',
      });
      return { round, answer, updatedAt };
    },
    nonce: (address) => client.getTransactionCount({ address }),
    async close() {
      await Promise.all([anvil.stop(), ...venues.map((venue) => venue.close())]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
