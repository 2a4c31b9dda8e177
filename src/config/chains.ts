/** Turns chains as written into ones with every default filled in; without any, the environment makes one. */
import type { EnvironmentDefaults } from './environment.js';
import type { Placed, Reporter } from './place.js';
import type { ChainInput, FileInput } from './schema.js';
import type { ChainConfig } from './types.js';

/** The only chain's name where no file names one. */
export const DEFAULT_CHAIN = 'main';
const GWEI = 10n ** 9n;

/** Resolves the chains of all files; problems are reported where they stand. */
export function resolveChains(
  files: readonly Placed<FileInput>[],
  defaults: EnvironmentDefaults,
  reporter: Reporter,
): { config: ChainConfig; input: ChainInput }[] {
  const placed = files.flatMap(({ value, place }) =>
    (value.chains ?? []).map((input, index) => ({
      input,
      report: reporter({ ...place, path: ['chains', index] }),
    })),
  );
  const [firstFile] = files;
  if (placed.length === 0 && firstFile)
    placed.push({ input: { name: DEFAULT_CHAIN }, report: reporter(firstFile.place) });
  const only = placed.length === 1;
  return placed.map(({ input, report }, index) => {
    if (placed.findIndex((other) => other.input.name === input.name) !== index)
      report(['name'], 'is the name of another chain as well', input.name);
    const rpcUrls = input.rpc ?? (only ? defaults.rpcUrls : []);
    if (rpcUrls.length === 0)
      report(
        ['rpc'],
        only
          ? 'is missing; set RPC_URL or the chain’s `rpc`'
          : 'is missing; with several chains each names its own',
      );
    if (new Set(rpcUrls).size !== rpcUrls.length) report(['rpc'], 'names an endpoint twice');
    const id = input.id ?? (only ? defaults.chainId : undefined);
    if (id === undefined && !only) report(['id'], 'is missing; with several chains each names its own');
    const fees = input.fees ?? {};
    const mode = fees.mode ?? 'eip1559';
    const maxFeeWei = mode === 'zero' ? 0n : (fees.maxFee ?? 500n * GWEI);
    const maxPriorityFeeWei = mode === 'zero' ? 0n : (fees.maxPriorityFee ?? 50n * GWEI);
    return {
      input,
      config: {
        name: input.name,
        id,
        rpcUrls,
        aggregator: input.aggregator ?? (only ? defaults.aggregator : undefined),
        confirmations: input.confirmations ?? 1,
        confirmationDeadlineMs: input.confirmationDeadline ?? 60_000,
        replaceAfterMs: input.replaceAfter ?? 15_000,
        pollIntervalMs: input.poll ?? 1_000,
        rpcTimeoutMs: input.rpcTimeout ?? 5_000,
        minLeadMs: input.lead ?? 2_000,
        gasLimitCap: BigInt(input.gasLimit ?? 3_000_000),
        ...(input.minBalance === undefined ? {} : { minBalanceWei: input.minBalance }),
        fees: {
          mode,
          maxFeeWei,
          maxPriorityFeeWei: maxPriorityFeeWei > maxFeeWei ? maxFeeWei : maxPriorityFeeWei,
          ...(fees.maxTransaction === undefined ? {} : { maxTransactionWei: fees.maxTransaction }),
          ...(fees.perHour === undefined ? {} : { budgetPerHourWei: fees.perHour }),
          ...(fees.perDay === undefined ? {} : { budgetPerDayWei: fees.perDay }),
        },
      },
    };
  });
}
