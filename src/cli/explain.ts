/** `oracle-publisher explain FEED ROUND`: a round from its sources to its block, checked against itself and the chain. */
import { existsSync, readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { isAddress } from 'viem/utils';
import type { Address } from '../common/words.js';
import { type LoadedEnvironment, loadEnvironment } from '../config/environment.js';
import { loadConfig } from '../config/load.js';
import { ConfigError } from '../config/problem.js';
import type { ChainConfig, PublisherConfig } from '../config/types.js';
import type { AuditedRound } from '../rounds/audit.js';
import { createMask } from '../telemetry/logger.js';
import { type Question, readChain } from './explain-chain.js';
import { checkChain, compareAnswers } from './explain-chain-checks.js';
import {
  type Check,
  checkDecision,
  checkGuards,
  checkMedian,
  checkReport,
  checkSignatures,
  differs,
  unknown,
} from './explain-checks.js';
import { type Explanation, explanationPage } from './explain-page.js';
import { findRecord } from './explain-records.js';
import { unpackReport } from './explain-report.js';
import { EXIT_FAILED, print } from './output.js';

interface Options {
  readonly chain?: string;
  readonly deployment?: string;
  readonly json?: boolean;
}

const DEADLINE_MS = 60_000;
/** Stands where no endpoint is configured, and is never asked. */
const NO_ENDPOINT = 'http://rpc-url-is-not-set.invalid';

export const explainCommand = (): Command =>
  new Command('explain')
    .description(
      'Show how a round of a feed came about, and check it; exit code 1 when something differs or nothing could be checked',
    )
    .argument('<feed>', 'such as ETH/USD')
    .argument('<round>', 'number of the round', readRound)
    .option('--chain <name>', 'which chain, where records of several are kept')
    .option('--deployment <file>', 'the addresses that `deploy` wrote (default: deployments/<chain id>.json)')
    .option('--json', 'print everything as JSON')
    .action(async (feed: string, round: number, options: Options) => {
      const { explanation, mask } = await explain(feed, round, options);
      print(mask(options.json ? JSON.stringify(explanation, null, 2) : explanationPage(explanation)));
      const { checks } = explanation;
      const isGood =
        checks.some(({ result }) => result === 'agrees') &&
        !checks.some(({ result }) => result === 'differs');
      if (!isGood) process.exitCode = EXIT_FAILED;
    });

async function explain(feed: string, round: number, options: Options) {
  const { environment, defaults, secrets } = loadEnvironment(process.env);
  const { config, secrets: own } = loadConfig(environment.configDir, withEndpoint(defaults), process.env);
  const mask = createMask([...secrets, ...own]);
  const group = config.groups.find(({ feeds }) => feeds.some(({ name }) => name === feed));
  const chainName = options.chain ?? group?.chain;
  const found = await findRecord(environment.stateUrl, {
    feed,
    round,
    ...(chainName === undefined ? {} : { chain: chainName }),
  });
  const record = found.ok ? found.record : undefined;
  if (!record && (!group || group.chain !== chainName)) throw unknownFeed(config, feed, chainName);

  const chain = config.chains.find(({ name }) => name === (record?.chain ?? chainName));
  const about = { feed, round, chain: record?.chain ?? chainName ?? '' };
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const explanation: Explanation = found.ok
    ? {
        ...about,
        record: found.record,
        recordedAtMs: found.recordedAtMs,
        ...(await explainRecord(found.record, feed, chain, options, signal)),
      }
    : {
        ...about,
        noRecord: `${found.code}: ${found.detail}`,
        signers: [],
        checks: [
          found.code === 'unreadable' ? differs('record', found.detail) : unknown('record', found.detail),
          ...(await explainWithout(config, feed, round, chain, options, signal)),
        ],
      };
  return { explanation, mask };
}

/** Everything that can be checked of a record. */
async function explainRecord(
  record: AuditedRound,
  feed: string,
  chain: ChainConfig | undefined,
  options: Options,
  signal: AbortSignal,
): Promise<Pick<Explanation, 'checks' | 'signers'>> {
  const index = record.feeds.findIndex((found) => found.feed === feed);
  const audited = record.feeds[index];
  if (!audited) return { signers: [], checks: [differs('record', `it holds no ${feed}`)] };
  const report = unpackReport(record.packed, {
    signers: record.signers.length,
    feeds: record.feeds.length,
    wide: record.wide,
  });
  const signers = report ? await checkSignatures(record, report) : [];
  const proxy = proxyOf(options, record.chainId, record.aggregator, feed);
  const told = await ask(
    chain,
    {
      aggregator: record.aggregator,
      group: record.groupId,
      feed: index,
      round: record.round,
      transaction: { hash: record.hash, blockNumber: BigInt(record.blockNumber) },
      ...(proxy ? { proxy } : {}),
    },
    signal,
  );
  return {
    signers,
    checks: [
      checkMedian(audited),
      checkGuards(audited),
      checkDecision(audited, record.tick),
      ...checkReport(record, index, report),
      ...signers.map(({ check }) => check),
      ...(told.ok
        ? checkChain(record, index, report, signers, told.value)
        : [unknown('chain_id', `the chain could not be read: ${told.detail}`)]),
    ],
  };
}

/** What the chain alone says of a round without a record. */
async function explainWithout(
  config: PublisherConfig,
  feed: string,
  round: number,
  chain: ChainConfig | undefined,
  options: Options,
  signal: AbortSignal,
): Promise<Check[]> {
  const group = config.groups.find(({ feeds }) => feeds.some(({ name }) => name === feed));
  const index = group?.feeds.findIndex(({ name }) => name === feed) ?? -1;
  if (!group || !chain?.aggregator)
    return [unknown('ring_answer', 'AGGREGATOR_ADDRESS is not set: there is no contract to ask')];
  const proxy = proxyOf(options, chain.id, chain.aggregator, feed);
  const question = {
    aggregator: chain.aggregator,
    group: group.id,
    feed: index,
    round,
    ...(proxy ? { proxy } : {}),
  };
  const told = await ask(chain, question, signal);
  return told.ok
    ? compareAnswers(round, group.feeds[index]?.decimals ?? 0, told.value)
    : [unknown('ring_answer', `the chain could not be read: ${told.detail}`)];
}

const ask = (chain: ChainConfig | undefined, question: Question, signal: AbortSignal) => {
  const urls = chain?.rpcUrls.filter((url) => url !== NO_ENDPOINT) ?? [];
  return urls.length > 0
    ? readChain(urls, question, signal)
    : ({ ok: false, detail: chain ? 'RPC_URL is not set' : 'the configuration has no such chain' } as const);
};

/** The feed's proxy, out of the file that `deploy` wrote for this very contract. */
function proxyOf(
  { deployment }: Options,
  chainId: number | undefined,
  aggregator: Address,
  feed: string,
): Address | undefined {
  const file = deployment ?? `deployments/${chainId}.json`;
  if (!existsSync(file)) return undefined;
  try {
    const known = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly aggregator: string;
      readonly groups: readonly {
        readonly feeds: readonly { readonly name: string; readonly proxy: string }[];
      }[];
    };
    if (known.aggregator.toLowerCase() !== aggregator.toLowerCase()) return undefined;
    const proxy = known.groups.flatMap(({ feeds }) => feeds).find(({ name }) => name === feed)?.proxy ?? '';
    return isAddress(proxy) ? proxy : undefined;
  } catch {
    return undefined;
  }
}

/** Without RPC_URL the configuration is still read: what needs no chain can be explained. */
const withEndpoint = (defaults: LoadedEnvironment['defaults']): LoadedEnvironment['defaults'] => ({
  ...defaults,
  rpcUrls: defaults.rpcUrls.length > 0 ? defaults.rpcUrls : [NO_ENDPOINT],
});

function unknownFeed(config: PublisherConfig, feed: string, chain: string | undefined): ConfigError {
  const names = config.groups
    .filter((group) => chain === undefined || group.chain === chain)
    .flatMap(({ feeds }) => feeds.map(({ name }) => name));
  return new ConfigError([
    {
      where: 'command line',
      path: 'feed',
      value: feed,
      message: `has no such record, and is no feed of the configuration; these are: ${names.join(', ') || 'none'}`,
    },
  ]);
}

function readRound(text: string): number {
  const round = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (round < 1 || round > 0xffffffff) throw new InvalidArgumentError('a round is a whole number from 1');
  return round;
}
