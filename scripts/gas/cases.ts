// What the gas table measures, with the most that each may cost: the ceilings that the contract is held to.

/** Some signers of a set publish groups of equal shape in one transaction. */
export interface UpdateCase {
  readonly feeds: number;
  readonly signers: number;
  readonly of: number;
  /** Whether one of the signers sends the transaction, and so needs no signature. */
  readonly senderSigns: boolean;
  readonly wide: boolean;
  /** Groups in the transaction. */
  readonly groups: number;
  /** Receipt `gasUsed`, base cost and calldata included, in steady state with history kept. */
  readonly ceiling: number;
}

/** One cold read by another contract, through a feed's proxy. */
export interface ReadCase {
  readonly read: 'latestRoundData' | 'latestRoundDataWhileMissing' | 'getRoundData';
  readonly ceiling: number;
}

const FEEDS = [1, 4, 5, 10, 20];

const row = (signers: number, of: number, senderSigns: boolean, ceilings: readonly number[]): UpdateCase[] =>
  ceilings.map((ceiling, i) => ({
    feeds: FEEDS[i] ?? 0,
    signers,
    of,
    senderSigns,
    wide: false,
    groups: 1,
    ceiling,
  }));

const wide = (feeds: number, signers: number, ceiling: number): UpdateCase => ({
  feeds,
  signers,
  of: signers,
  senderSigns: false,
  wide: true,
  groups: 1,
  ceiling,
});

const twoGroups = (signers: number, ceiling: number): UpdateCase => ({
  feeds: 4,
  signers,
  of: signers,
  senderSigns: false,
  wide: false,
  groups: 2,
  ceiling,
});

export const UPDATES: readonly UpdateCase[] = [
  ...row(1, 1, true, [37_200, 37_500, 43_500, 50_000, 62_500]),
  ...row(1, 1, false, [42_000, 42_500, 48_500, 54_500, 67_000]),
  ...row(2, 2, false, [48_000, 48_500, 55_500, 63_000, 78_000]),
  ...row(3, 3, false, [53_000, 53_500, 60_500, 68_000, 84_000]),
  ...row(3, 3, true, [48_500, 49_000, 56_000, 63_500, 79_000]),
  ...row(3, 5, false, [54_000, 54_500, 61_500, 69_500, 85_000]),
  wide(1, 1, 42_000),
  wide(2, 1, 42_500),
  wide(10, 1, 67_000),
  wide(1, 3, 53_000),
  wide(2, 3, 53_500),
  wide(10, 3, 83_500),
  twoGroups(1, 62_000),
  twoGroups(3, 84_500),
];

export const READS: readonly ReadCase[] = [
  { read: 'latestRoundData', ceiling: 11_800 },
  { read: 'latestRoundDataWhileMissing', ceiling: 14_000 },
  { read: 'getRoundData', ceiling: 12_000 },
];
