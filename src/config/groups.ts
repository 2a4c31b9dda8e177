/** Turns a group as written into one with every default filled in. */
import type { Address } from '../common/words.js';
import type { GroupInput } from './schema.js';
import type { Report } from './sources.js';
import type { FeedConfig, GroupConfig } from './types.js';

/** Checks a group against the ones before it and resolves it; problems are reported at paths below the group. */
export function resolveGroup(
  input: GroupInput,
  chain: string,
  feeds: readonly FeedConfig[],
  others: readonly GroupConfig[],
  report: Report,
): GroupConfig {
  const id = input.id ?? others.length + 1;
  const clash = others.find((other) => other.chain === chain && other.id === id);
  if (clash)
    report(['id'], `is the id of the group ${clash.name} as well; ids are unique per contract`, String(id));
  if (others.some((other) => other.name === input.name))
    report(['name'], 'is the name of another group as well', input.name);
  const wide = input.width === 'wide';
  for (const [index, feed] of feeds.entries())
    if (!wide && feed.decimals > 12)
      report(
        ['feeds', index, 'decimals'],
        'leaves no room for a price in a narrow group (56 bits); set `width: wide` for the group',
        String(feed.decimals),
      );
  const signers = [...(input.signers ?? [])].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  for (const [index, signer] of signers.entries())
    if (index > 0 && BigInt(signer) === BigInt(signers[index - 1] ?? '0x'))
      report(['signers'], 'names a signer twice', signer);
  const threshold = input.threshold ?? (signers.length === 0 ? 1 : Math.floor((2 * signers.length) / 3) + 1);
  if (signers.length > 0 && threshold > signers.length)
    report(['threshold'], `is more than the ${signers.length} signers`, String(threshold));
  return {
    name: input.name,
    id,
    chain,
    wide,
    ringBits: Math.log2(input.history ?? 128),
    tickSeconds: input.tick ?? 1,
    threshold,
    signers: signers as Address[],
    feeds,
  };
}
