/** Holds what the daemon said that it published against what the feed proxies answer. Exact, or it is a difference. */
import type { Address } from 'viem';
import type { SaidRound } from './daemon.js';
import type { Proxies, RoundData } from './proxies.js';

/** One feed of the group and the proxy that consumers read. */
export interface PublishedFeed {
  readonly name: string;
  readonly decimals: number;
  readonly proxy: Address;
}

/** Something that differed, as a sentence. */
export type Difference = string;

/** What was compared so far. */
export interface Verification {
  readonly getRoundData: number;
  readonly latestRoundData: number;
  readonly differences: readonly Difference[];
}

/**
 * Compares one answer: the round, the answer to the last digit, and a time that is not after the signed one.
 * @returns what differs, or `undefined`
 */
export function compareAnswer(
  read: 'getRoundData' | 'latestRoundData',
  said: Pick<SaidRound, 'round' | 'timestamp'>,
  answer: { readonly feed: string; readonly answer: bigint },
  found: RoundData | undefined,
): Difference | undefined {
  const where = `${answer.feed}, round ${said.round}: the daemon said ${answer.answer}, ${read}`;
  if (!found) return `${where} has no data`;
  if (found.round !== said.round) return `${where} tells of round ${found.round}`;
  if (found.answer !== answer.answer) return `${where} says ${found.answer}`;
  if (found.updatedAt > said.timestamp || found.updatedAt === 0)
    return `${where} agrees, but is dated ${found.updatedAt}, and the report was signed for ${said.timestamp}`;
  return undefined;
}

/** The rounds' numbers begin at one, since the contract is new, and grow by one. */
export function compareOrder(rounds: readonly SaidRound[]): readonly Difference[] {
  return rounds.flatMap(({ round }, index) => {
    const previous = rounds[index - 1]?.round ?? 0;
    return round === previous + 1 ? [] : [`the daemon told of round ${round} after round ${previous}`];
  });
}

/** Each feed's newest answer among the rounds, with the round that it came in. */
function newestAnswers(rounds: readonly SaidRound[]) {
  const newest = new Map<string, { said: SaidRound; answer: bigint }>();
  for (const said of rounds)
    for (const { feed, answer } of said.answers) if (answer !== undefined) newest.set(feed, { said, answer });
  return newest;
}

export interface Verifier {
  /** Reads a round back, right after the daemon said that it is confirmed. */
  readonly check: (said: SaidRound) => Promise<void>;
  /** With the daemon stopped: nothing may be on the chain but what it said, in order. */
  readonly finish: (rounds: readonly SaidRound[]) => Promise<void>;
  readonly result: () => Verification;
}

/** Creates the verifier. Its promises reject only when the chain does not answer. */
export function createVerifier(proxies: Proxies, feeds: readonly PublishedFeed[]): Verifier {
  const differences: Difference[] = [];
  const compared = { getRoundData: 0, latestRoundData: 0 };
  const proxyOf = (name: string) => feeds.find((feed) => feed.name === name)?.proxy;
  const compare = (
    read: keyof typeof compared,
    said: SaidRound,
    answer: { readonly feed: string; readonly answer: bigint },
    found: RoundData | undefined,
  ) => {
    compared[read] += 1;
    const difference = compareAnswer(read, said, answer, found);
    if (difference) differences.push(difference);
  };

  return {
    check: async (said) => {
      await Promise.all(
        said.answers.map(async ({ feed, answer }) => {
          if (answer === undefined) return;
          const proxy = proxyOf(feed);
          if (!proxy) return void differences.push(`round ${said.round} has an unknown feed, ${feed}`);
          const [at, latest] = await Promise.all([proxies.at(proxy, said.round), proxies.latest(proxy)]);
          compare('getRoundData', said, { feed, answer }, at);
          // A newer round may have come in the meantime; it is compared in its own turn.
          if (!latest || latest.round <= said.round)
            compare('latestRoundData', said, { feed, answer }, latest);
        }),
      );
    },
    finish: async (rounds) => {
      differences.push(...compareOrder(rounds));
      await Promise.all(
        [...newestAnswers(rounds)].map(async ([feed, { said, answer }]) => {
          const proxy = proxyOf(feed);
          if (proxy) compare('latestRoundData', said, { feed, answer }, await proxies.latest(proxy));
        }),
      );
    },
    result: () => ({ ...compared, differences: [...differences] }),
  };
}
