/** `oracle-publisher status`: asks a running daemon how it is and prints it as a table. */
import { Command } from 'commander';
import { withDeadline } from '../common/time.js';
import type { Status } from '../publisher/status.js';
import { EXIT_FAILED, formatTable, print } from './output.js';

const TIMEOUT_MS = 5_000;

export const statusCommand = (): Command =>
  new Command('status')
    .description('Show feeds, groups and chains of a running daemon')
    .option('--url <url>', 'where the daemon listens', `http://127.0.0.1:${process.env.HTTP_PORT || 8080}`)
    .option('--json', 'print the raw JSON')
    .action(async ({ url, json }: { url: string; json?: boolean }) => {
      const status = await readStatus(url);
      if (json) return print(JSON.stringify(status, null, 2));
      print(
        `oracle-publisher ${status.version}, up since ${status.startedAt}${status.dryRun ? ', dry run' : ''}`,
      );
      print('');
      print(
        formatTable([
          ['feed', 'price', 'on chain', 'deviation', 'age', 'sources', 'reason'],
          ...status.feeds.map((feed) => [
            feed.name,
            feed.price ?? '-',
            feed.onChain?.answer ?? '-',
            feed.deviation ? `${feed.deviation.percent} of ${feed.deviation.threshold} %` : '-',
            feed.ageSeconds === null ? '-' : `${feed.ageSeconds} of ${feed.heartbeatSeconds} s`,
            `${feed.sources.filter(({ used }) => used).length}/${feed.sources.length}`,
            feed.detail ? `${feed.reason} (${feed.detail})` : feed.reason,
          ]),
        ]),
      );
      print('');
      print(
        formatTable([
          ['group', 'chain', 'round', 'publisher', 'last transaction', 'gas'],
          ...status.groups.map((group) => [
            group.name,
            group.chain,
            String(group.round ?? '-'),
            group.paused ? 'paused' : group.leader ? 'this replica' : 'another',
            group.lastTransaction?.hash ?? '-',
            group.lastTransaction?.gasUsed ?? '-',
          ]),
        ]),
      );
      if (status.chains.some(({ healthy }) => !healthy)) process.exitCode = EXIT_FAILED;
    });

async function readStatus(url: string): Promise<Status> {
  const target = new URL('/v1/status', url);
  const fail = (problem: string) =>
    new Error(`no status from ${target.host}: ${problem}; is the daemon running, and --url its HTTP_PORT?`);
  try {
    return await withDeadline('reading the status', TIMEOUT_MS, async (signal) => {
      const response = await fetch(target, { signal });
      if (response.status === 503) throw fail('it is starting');
      if (!response.ok) throw fail(`HTTP ${response.status}`);
      return (await response.json()) as Status;
    });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('no status')) throw error;
    throw fail(
      error instanceof Error ? ((error.cause as Error | undefined)?.message ?? error.message) : String(error),
    );
  }
}
