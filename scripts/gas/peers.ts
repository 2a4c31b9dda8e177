// What one update costs with the field's other oracles: receipt `gasUsed` on anvil 1.7.1, base cost and calldata included,
// fourth or later update of the same slots, each contract under its own compiler settings.

export interface Peer {
  readonly name: string;
  readonly signers: string;
  /** Whether past rounds can be read. */
  readonly history: boolean;
  /** By number of feeds; one figure for each number of signers. */
  readonly gas: Readonly<Record<1 | 5 | 10, readonly number[]>>;
}

export const PEERS: readonly Peer[] = [
  {
    name: 'API3 Api3ServerV1',
    signers: '1',
    history: false,
    gas: { 1: [37_233], 5: [111_012], 10: [199_679] },
  },
  {
    name: 'API3, 3 beacons',
    signers: '3',
    history: false,
    gas: { 1: [91_468], 5: [368_226], 10: [714_110] },
  },
  {
    name: 'Chronicle Scribe',
    signers: '1/3/13',
    history: false,
    gas: { 1: [43_172, 70_289, 122_933], 5: [], 10: [] },
  },
  {
    name: 'RedStone multi-feed',
    signers: '1/3',
    history: false,
    gas: { 1: [41_078, 57_483], 5: [84_781, 117_353], 10: [141_969, 200_006] },
  },
  {
    name: 'RedStone with rounds',
    signers: '1/3',
    history: true,
    gas: { 1: [89_200, 105_593], 5: [191_996, 224_556], 10: [323_111, 381_100] },
  },
  {
    name: 'Umbrella',
    signers: '1/3',
    history: false,
    gas: { 1: [41_775, 54_211], 5: [74_458, 86_887], 10: [115_238, 127_637] },
  },
  { name: 'Chainlink OCR2', signers: '2', history: true, gas: { 1: [94_080], 5: [], 10: [] } },
  {
    name: 'Chainlink FluxAggregator',
    signers: '1/3',
    history: true,
    gas: { 1: [141_358, 327_700], 5: [], 10: [] },
  },
  { name: 'MakerDAO Median', signers: '1/3', history: false, gas: { 1: [40_698, 57_000], 5: [], 10: [] } },
  { name: 'Stork, packed', signers: '1', history: false, gas: { 1: [51_062], 5: [121_397], 10: [209_412] } },
  {
    name: 'Pyth',
    signers: '1/13',
    history: false,
    gas: { 1: [93_804, 193_542], 5: [194_245, 294_038], 10: [319_441, 419_590] },
  },
];
