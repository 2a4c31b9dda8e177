/** A chain with its settings and the contract's address, known to be there. */
import type { Chain } from '../chain/types.js';
import type { Address } from '../common/words.js';
import type { ChainConfig } from '../config/types.js';

export interface ChainRuntime {
  readonly config: ChainConfig;
  readonly chain: Chain;
  readonly aggregator: Address;
}
