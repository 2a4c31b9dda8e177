// Measures the cases on a real chain: receipts of transactions on anvil, each after enough rounds that every slot it
// writes has been written before.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type Abi,
  concatHex,
  createPublicClient,
  encodeFunctionData,
  formatTransactionReceipt,
  type Hex,
  hexToBigInt,
  http,
  keccak256,
  type LocalAccount,
  numberToHex,
} from 'viem';
import { mnemonicToAccount, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { anvil as chain } from 'viem/chains';
import {
  feedProxyFactoryAbi,
  feedProxyFactoryBytecode,
  oracleAggregatorAbi,
  oracleAggregatorBytecode,
} from '../../src/chain/generated/contracts.js';
import { GENESIS, startAnvil } from './anvil.js';
import { READS, type ReadCase, UPDATES, type UpdateCase } from './cases.js';
import { encodeReport } from './reports.js';

export interface Figures {
  readonly updates: readonly (UpdateCase & { readonly gas: number })[];
  readonly reads: readonly (ReadCase & { readonly gas: number })[];
}

/** Rounds before the measured one: twice around a ring of two rounds, and the first that fills nothing. */
const ROUNDS = 5;
const RING_BITS = 1;
const TICK = 10;
const MAX_REPORT_AGE = 300;
const RECEIPT_DEADLINE_MS = 30_000;
const MNEMONIC = 'test test test test test test test test test test test junk';

/** Deterministic signers, sorted as the contract wants them. */
const makeSigners = (count: number): PrivateKeyAccount[] =>
  Array.from({ length: count }, (_, i) =>
    privateKeyToAccount(keccak256(numberToHex(i + 1, { size: 32 }))),
  ).sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1));

/**
 * An answer as a feed has it, different for every feed, signer and round: a price between half a dollar and 65,000 at 8
 * decimals, or a rate between a half and 65,000 at 18.
 */
const makeAnswer = (seed: number, isWide: boolean): bigint => {
  const digest = hexToBigInt(keccak256(numberToHex(seed, { size: 32 })));
  const half = isWide ? 500_000_000_000_000_000n : 50_000_000n;
  const magnitude = BigInt(seed % 17);
  return (half << magnitude) + (digest % (half << magnitude));
};

const compileProbe = (): { abi: Abi; bytecode: Hex } => {
  const solc = fileURLToPath(new URL('../solc.mjs', import.meta.url));
  const read = (path: string) => ({
    content: readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'),
  });
  const paths = ['scripts/gas/ReadProbe.sol', 'contracts/src/interfaces/AggregatorV2V3Interface.sol'];
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(paths.map((path) => [path, read(path)])),
    settings: {
      evmVersion: 'paris',
      viaIR: true,
      optimizer: { enabled: true, runs: 1_000_000 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const run = spawnSync(process.execPath, [solc, '--standard-json'], {
    input: JSON.stringify(input),
    encoding: 'utf8',
  });
  const output = JSON.parse(run.stdout);
  const contract = output.contracts?.['scripts/gas/ReadProbe.sol']?.ReadProbe;
  if (!contract) throw new Error(`the probe does not compile: ${JSON.stringify(output.errors)}`);
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
};

/** Measures every case. Takes some seconds. */
export const measure = async (): Promise<Figures> => {
  const node = await startAnvil();
  try {
    return await measureOn(node.url);
  } finally {
    await node.stop();
  }
};

const measureOn = async (url: string): Promise<Figures> => {
  const client = createPublicClient({ chain, transport: http(url), cacheTime: 0 });
  const admin = mnemonicToAccount(MNEMONIC);
  const nonces = new Map<Hex, number>();
  let now = GENESIS + 100;

  /** Mined at once, but not always by the time that the hash is known. */
  const receiptOf = async (hash: Hex) => {
    const deadline = Date.now() + RECEIPT_DEADLINE_MS;
    for (;;) {
      const receipt = await client.request({ method: 'eth_getTransactionReceipt', params: [hash] });
      if (receipt) return formatTransactionReceipt(receipt);
      if (Date.now() > deadline) throw new Error(`transaction ${hash} was not mined within 30 s`);
      await setTimeout(20);
    }
  };

  /** Signed here with every field given, mined at once: anvil makes a block of each transaction. */
  const send = async (from: LocalAccount, to: Hex | undefined, data: Hex) => {
    await client.request({ method: 'evm_setNextBlockTimestamp', params: [numberToHex(now)] } as never);
    const nonce = nonces.get(from.address) ?? 0;
    nonces.set(from.address, nonce + 1);
    const serializedTransaction = await from.signTransaction({
      type: 'eip1559',
      chainId: chain.id,
      nonce,
      ...(to === undefined ? {} : { to }),
      data,
      gas: 12_000_000n,
      maxFeePerGas: 2_000_000_000n,
      maxPriorityFeePerGas: 1n,
    });
    const hash = await client.sendRawTransaction({ serializedTransaction });
    const receipt = await receiptOf(hash);
    if (receipt.status !== 'success') throw new Error(`transaction ${hash} reverted`);
    return receipt;
  };
  const deploy = async (bytecode: Hex, args: Hex = '0x'): Promise<Hex> => {
    const { contractAddress } = await send(admin, undefined, concatHex([bytecode, args]));
    if (!contractAddress) throw new Error('the receipt of a deployment names no contract');
    return contractAddress;
  };
  const word = (value: Hex | number): Hex =>
    typeof value === 'number' ? numberToHex(value, { size: 32 }) : numberToHex(BigInt(value), { size: 32 });

  const signers = makeSigners(5);
  for (const signer of signers) {
    await client.request({
      method: 'anvil_setBalance',
      params: [signer.address, numberToHex(10n ** 24n)],
    } as never);
  }
  const aggregator = await deploy(
    oracleAggregatorBytecode,
    concatHex([word(admin.address), word(0), word(0), word(MAX_REPORT_AGE), word(TICK)]),
  );
  const domain = { chainId: chain.id, verifyingContract: aggregator };
  let groups = 0;

  const createGroup = async (
    feeds: number,
    of: number,
    threshold: number,
    isWide: boolean,
  ): Promise<number> => {
    groups += 1;
    const set = signers.slice(0, of).map((signer) => signer.address);
    const infos = Array.from({ length: feeds }, (_, i) => ({ decimals: 8, description: `FEED${i} / USD` }));
    const data = encodeFunctionData({
      abi: oracleAggregatorAbi,
      functionName: 'createGroup',
      args: [groups, isWide, RING_BITS, set, threshold, infos],
    });
    await send(admin, aggregator, data);
    return groups;
  };

  /** One round of every group given; the last signer is the sender where a signer sends. */
  const publish = async (
    ids: readonly number[],
    shape: Omit<UpdateCase, 'ceiling'>,
    round: number,
    missing?: number,
  ) => {
    now += TICK;
    const senderPlace = shape.signers - 1;
    const reports = await Promise.all(
      ids.map((group) =>
        encodeReport(
          {
            group,
            round,
            timestamp: now - 1,
            wide: shape.wide,
            set: signers.slice(0, shape.of),
            answers: Array.from({ length: shape.of }, (_, place) =>
              place < shape.signers
                ? Array.from({ length: shape.feeds }, (_, feed) =>
                    feed === missing
                      ? undefined
                      : makeAnswer(((group * 64 + round) * 64 + feed) * 16 + place, shape.wide),
                  )
                : undefined,
            ),
            ...(shape.senderSigns ? { senderPlace } : {}),
          },
          domain,
        ),
      ),
    );
    const sender = (shape.senderSigns ? signers[senderPlace] : undefined) ?? admin;
    const data = encodeFunctionData({
      abi: oracleAggregatorAbi,
      functionName: 'transmit',
      args: [concatHex(reports)],
    });
    return send(sender, aggregator, data);
  };

  const updates: (UpdateCase & { gas: number })[] = [];
  for (const shape of UPDATES) {
    const ids: number[] = [];
    for (let i = 0; i < shape.groups; i += 1) {
      ids.push(await createGroup(shape.feeds, shape.of, shape.signers, shape.wide));
    }
    let gas = 0;
    for (let round = 1; round <= ROUNDS; round += 1) gas = Number((await publish(ids, shape, round)).gasUsed);
    updates.push({ ...shape, gas });
  }

  const factory = await deploy(feedProxyFactoryBytecode, word(aggregator));
  const compiled = compileProbe();
  const probe = await deploy(compiled.bytecode);
  const shape = { feeds: 4, signers: 1, of: 1, senderSigns: false, wide: false, groups: 1 };
  const group = await createGroup(shape.feeds, shape.of, shape.signers, shape.wide);
  const FEED = 2;
  await send(
    admin,
    factory,
    encodeFunctionData({ abi: feedProxyFactoryAbi, functionName: 'deploy', args: [group, FEED] }),
  );
  const proxy = await client.readContract({
    address: factory,
    abi: feedProxyFactoryAbi,
    functionName: 'proxyAddress',
    args: [group, FEED],
  });
  const read = async (functionName: string, ...more: unknown[]): Promise<number> =>
    Number(
      await client.readContract({ address: probe, abi: compiled.abi, functionName, args: [proxy, ...more] }),
    );
  for (let round = 1; round <= ROUNDS; round += 1) await publish([group], shape, round);
  const latest = await read('latestRoundData');
  const past = await read('getRoundData', BigInt(ROUNDS - 1));
  await publish([group], shape, ROUNDS + 1, FEED);
  const missing = await read('latestRoundData');
  const gasOf = { latestRoundData: latest, latestRoundDataWhileMissing: missing, getRoundData: past };
  return { updates, reads: READS.map((item) => ({ ...item, gas: gasOf[item.read] })) };
};
