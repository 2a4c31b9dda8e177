/** Turns a group as written into one with every default filled in. */
import type { Address } from '../common/words.js';
import type { Report } from './problem.js';
import type { GroupInput } from './schema.js';
import type { FeedConfig, GroupConfig } from './types.js';

/** What the contract has room for. */
const MAX_FEEDS = 32;

export interface GroupReports {
  /** At paths below the group. */
  readonly group: Report;
  /** At paths below one of its feeds, which may stand in another file. */
  readonly feed: (index: number) => Report;
}

/** Checks a group against the ones before it and resolves it. */
export function resolveGroup(
  input: GroupInput,
  chain: string,
  feeds: readonly FeedConfig[],
  others: readonly GroupConfig[],
  { group: report, feed: feedReport }: GroupReports,
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
      feedReport(index)(
        ['decimals'],
        'leaves no room for a price in a narrow group (56 bits); set `width: wide` for the group',
        String(feed.decimals),
      );
  if (feeds.length > MAX_FEEDS)
    feedReport(MAX_FEEDS)(
      [],
      `is one too many: a group holds at most ${MAX_FEEDS} feeds, this one has ${feeds.length}; spread them over \`groups\``,
      feeds[MAX_FEEDS]?.name,
    );
  const tickSeconds = input.tick ?? 1;
  // Half a heartbeat is the most that a round can be early, and a tick may be missed.
  const hurried = feeds.filter(({ heartbeatSeconds }) => heartbeatSeconds < 2 * tickSeconds);
  for (const feed of input.tick === undefined ? hurried : hurried.slice(0, 1)) {
    const { name, heartbeatSeconds } = feed;
    if (input.tick === undefined)
      feedReport(feeds.indexOf(feed))(
        ['heartbeat'],
        `must be at least two ticks (${tickSeconds}s each), or a round that fails once is late`,
        `${heartbeatSeconds}s`,
      );
    else
      report(
        ['tick'],
        `must be at most half of every heartbeat (${name}: ${heartbeatSeconds}s), or a round that fails once is late`,
        `${tickSeconds}s`,
      );
  }
  const signers = [...(input.signers ?? [])].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  for (const [index, signer] of signers.entries())
    if (index > 0 && BigInt(signer) === BigInt(signers[index - 1] ?? '0x'))
      report(['signers'], 'names a signer twice', signer);
  const threshold = input.threshold ?? (signers.length === 0 ? 1 : Math.floor((2 * signers.length) / 3) + 1);
  if (signers.length > 0 && threshold > signers.length)
    report(['threshold'], `is more than the ${signers.length} signers`, String(threshold));
  if (signers.length === 0 && threshold > 1)
    report(
      ['threshold'],
      'needs `signers` of several operators; without them the keys of the own pool sign, and they count as one',
      String(threshold),
    );
  return {
    name: input.name,
    id,
    chain,
    wide,
    ringBits: Math.log2(input.history ?? 128),
    tickSeconds,
    threshold,
    signers: signers as Address[],
    feeds,
  };
}
