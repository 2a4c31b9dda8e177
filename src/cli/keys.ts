/** `oracle-publisher keys`: make, import and show keys, and rotate a contract's signers. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { generatePrivateKey } from 'viem/accounts';
import { encodeFunctionData, getAddress, isAddress, isAddressEqual } from 'viem/utils';
import { createChain } from '../chain/chain.js';
import { oracleAggregatorAbi } from '../chain/generated/contracts.js';
import { createKeystore } from '../chain/keys/keystore.js';
import { loadKeys } from '../chain/keys/load.js';
import { createMemoryKey, parsePrivateKey } from '../chain/keys/memory.js';
import { readSecretFile } from '../chain/keys/secret-file.js';
import { KeyError } from '../common/key.js';
import { systemClock } from '../common/time.js';
import type { Address, Hex } from '../common/words.js';
import { loadEnvironment } from '../config/environment.js';
import { ConfigError } from '../config/problem.js';
import { createSignerSets } from '../publisher/signer-sets.js';
import { sortSigners } from '../reports/signing.js';
import { openState } from '../state/open.js';
import { createLogger } from '../telemetry/logger.js';
import { createMetrics } from '../telemetry/metrics.js';
import { openOnChain } from './on-chain.js';
import { print } from './output.js';

const DEADLINE_MS = 10 * 60_000;

interface FileOptions {
  readonly out: string;
  readonly passwordFile: string;
}

export function keysCommand(): Command {
  const keys = new Command('keys').description('Make, import and show keys; rotate signers');
  const keystore = (command: Command) =>
    command
      .requiredOption('--out <file>', 'keystore file to write (the format of geth and cast wallet)')
      .requiredOption('--password-file <file>', 'file that holds the password');
  keystore(keys.command('new').description('Make a key and write it to an encrypted keystore')).action(
    async (options: FileOptions) => writeKeystore(generatePrivateKey(), options),
  );
  keystore(
    keys
      .command('import')
      .description('Encrypt an existing private key into a keystore')
      .requiredOption('--from <file>', 'file that holds the private key, or - for standard input'),
  ).action(async ({ from, ...options }: FileOptions & { from: string }) => {
    const text = from === '-' ? readFileSync(0, 'utf8') : await readSecretFile(from, '--from');
    await writeKeystore(parsePrivateKey(text, '--from'), options);
  });
  keys
    .command('address')
    .description('Print the addresses of the keys that the environment names')
    .action(async () => {
      const { environment } = loadEnvironment(process.env);
      const loaded = await loadKeys(environment.keys);
      if (loaded.length === 0)
        throw new KeyError('no key is named; set PRIVATE_KEY, KEYSTORE_FILE or another');
      for (const { address } of loaded) print(address);
    });
  keys
    .command('rotate')
    .description('Change signers or threshold on the contract (PRIVATE_KEY must be the admin)')
    .option('--add <address>', 'signer to add, may be repeated', collectAddress, [])
    .option('--remove <address>', 'signer to remove, may be repeated', collectAddress, [])
    .option('--threshold <n>', 'signatures that a round needs from now on', readThreshold)
    .option('--group <name>', 'one group only')
    .option('--chain <name>', 'which chain, where the configuration names several')
    .action(rotate);
  return keys;
}

/** Writes a keystore that only its owner can read. Never overwrites: the file may be the only copy of a key. */
async function writeKeystore(privateKey: Hex, { out, passwordFile }: FileOptions): Promise<void> {
  if (existsSync(out)) throw new KeyError(`${out} exists; name a new file, an old key is never overwritten`);
  const password = (await readSecretFile(passwordFile, '--password-file')).replace(/\r?\n$/, '');
  if (password === '') throw new KeyError(`--password-file: ${passwordFile} is empty`);
  writeFileSync(out, await createKeystore(privateKey, password), { mode: 0o600, flag: 'wx' });
  print(`${createMemoryKey(privateKey).address}  (written to ${out})`);
}

interface RotateOptions {
  readonly add: readonly Address[];
  readonly remove: readonly Address[];
  readonly threshold?: number;
  readonly group?: string;
  readonly chain?: string;
}

/**
 * Changes each group's signer set by what is asked, keeping its threshold unless another is named. Running daemons find the new set in the
 * contract's events, so no heartbeat is missed as long as one of their keys stays in it.
 */
async function rotate(options: RotateOptions): Promise<void> {
  const { add, remove, group: only, chain: chainName } = options;
  const refuse = (path: string, message: string) =>
    new ConfigError([{ where: 'command line', path, message }]);
  if (add.length + remove.length === 0 && options.threshold === undefined)
    throw refuse('--add, --remove, --threshold', 'name at least one change');
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const on = await openOnChain(chainName, signal);
  try {
    const aggregator = on.chain.aggregator;
    if (aggregator === undefined) throw refuse('AGGREGATOR_ADDRESS', 'is missing');
    const groups = on.config.groups.filter(
      (group) => group.chain === on.chain.name && (only === undefined || group.name === only),
    );
    if (groups.length === 0) throw refuse('--group', 'is no group of this chain');
    const log = createLogger({ level: 'error' });
    const state = await openState({ url: 'memory:', log, clock: systemClock, metrics: createMetrics() });
    const chain = createChain({
      config: on.chain,
      keys: [],
      state,
      clock: systemClock,
      log,
      metrics: createMetrics(),
      random: Math.random,
    });
    const finding = await chain.start(signal);
    if (!finding.ok) throw new Error(finding.problems.join('\n'));
    const sets = createSignerSets({
      poolAddresses: on.keys.map(({ address }) => address),
      clock: systemClock,
      log,
    });
    for (const group of groups) {
      const [held] = await chain.readGroups([group.id], signal);
      if (!held) throw new Error(`group ${group.name} cannot be read`);
      const before = await sets.find(
        { chain, config: on.chain, aggregator },
        group,
        held.signersHash,
        signal,
      );
      if (!before)
        throw new Error(
          `the present signers of group ${group.name} are neither configured nor in the events; name them under \`signers\``,
        );
      const stays = before.filter((signer) => !remove.some((gone) => isAddressEqual(gone, signer)));
      const after = sortSigners([
        ...stays,
        ...add.filter((more) => !stays.some((signer) => isAddressEqual(signer, more))),
      ]);
      const threshold = options.threshold ?? held.threshold;
      if (after.join() === before.join() && threshold === held.threshold) {
        print(`= group ${group.name}: ${before.join(', ')}, threshold ${threshold}`);
        continue;
      }
      if (after.length < threshold)
        throw new Error(`group ${group.name} needs ${threshold} signers; it would have ${after.length}`);
      const data = encodeFunctionData({
        abi: oracleAggregatorAbi,
        functionName: 'setSigners',
        args: [group.id, after, threshold],
      });
      await on.deployer.sendAndConfirm(
        { to: aggregator, data, reason: `signers of group ${group.name}` },
        signal,
      );
      print(`+ group ${group.name}: ${after.join(', ')}, threshold ${threshold}`);
    }
  } finally {
    await on.close();
  }
}

function readThreshold(text: string): number {
  if (!/^([1-9]|1[0-6])$/.test(text))
    throw new InvalidArgumentError('a threshold is a whole number from 1 to 16');
  return Number(text);
}

function collectAddress(text: string, before: readonly Address[]): Address[] {
  if (!isAddress(text)) throw new InvalidArgumentError('an address is 0x and 40 hexadecimal digits');
  return [...before, getAddress(text)];
}
