/** Reloads the configuration when its directory's content changes; a bad or unfit one changes nothing and is reported. */
import { isDeepStrictEqual } from 'node:util';
import { sleep } from '../common/time.js';
import { readConfigDirectory } from './documents.js';
import type { LoadedConfig } from './load.js';
import { ConfigError, type ConfigProblem } from './problem.js';
import type { GroupConfig, PublisherConfig } from './types.js';

/** What became of a change. */
export type Reload =
  | { readonly ok: true; readonly loaded: LoadedConfig }
  | { readonly ok: false; readonly hash: string | undefined; readonly problems: readonly ConfigProblem[] };

interface WatchOptions {
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The configuration in force. */
  readonly current: () => PublisherConfig;
  readonly load: () => LoadedConfig;
  /** Called once for each changed content, taken or refused; the one in force coming back is taken again. */
  readonly onChange: (reload: Reload) => void;
}

/**
 * The directory is read whole and compared by its content: Kubernetes replaces a ConfigMap by swapping a symbolic link,
 * which a watch on a file sees once and never again, and kubelet takes up to a minute anyway.
 */
const LOOK_EVERY_MS = 2_000;

/** Watches until the signal aborts. */
export async function watchConfig(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { directory, env, current, load, onChange } = options;
  let seen = current().hash;
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, signal);
    if (signal.aborted) return;
    const found = look(directory, env);
    const mark = found.hash ?? found.problems.map(({ message }) => message).join();
    if (mark === seen) continue;
    seen = mark;
    onChange(found.hash === undefined ? { ok: false, ...found } : judge(found.hash, load, current()));
  }
}

/** The hash of what is there now, or why it cannot be read. A directory half-way through a swap is read again next time. */
function look(
  directory: string,
  env: WatchOptions['env'],
): { readonly hash: string | undefined; readonly problems: readonly ConfigProblem[] } {
  try {
    return { hash: readConfigDirectory(directory, env).hash, problems: [] };
  } catch (error) {
    return { hash: undefined, problems: problemsOf(error) };
  }
}

function judge(hash: string, load: () => LoadedConfig, current: PublisherConfig): Reload {
  try {
    const loaded = load();
    const problems = whatNeedsRestart(current, loaded.config);
    return problems.length === 0 ? { ok: true, loaded } : { ok: false, hash, problems };
  } catch (error) {
    return { ok: false, hash, problems: problemsOf(error) };
  }
}

const problemsOf = (error: unknown): readonly ConfigProblem[] =>
  error instanceof ConfigError
    ? error.problems
    : [{ where: 'configuration', path: '(load)', message: String(error) }];

/**
 * Lists what differs and cannot change while running: chains and their contracts, and the layout of groups, which is
 * the contract's. Triggers, sources, guards and signers can.
 */
export function whatNeedsRestart(current: PublisherConfig, next: PublisherConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (path: string, message: string) => problems.push({ where: 'reload', path, message });
  if (!isDeepStrictEqual(current.chains, next.chains))
    refuse('chains', 'cannot change while running; restart the process to take the new chain settings');
  const names = (groups: readonly GroupConfig[]) => groups.map(({ name }) => name).join(', ');
  if (names(current.groups) !== names(next.groups)) {
    refuse(
      'groups',
      `cannot be added, removed or reordered while running (${names(current.groups)}); restart`,
    );
    return problems;
  }
  for (const [index, group] of current.groups.entries()) {
    const changed = next.groups[index];
    if (changed && !isDeepStrictEqual(layoutOf(group), layoutOf(changed)))
      refuse(
        `groups.${group.name}`,
        'id, chain, width, history, tick, and the names, decimals and order of its feeds are the contract’s layout and cannot change while running; restart (and run `oracle-publisher deploy` for new feeds)',
      );
  }
  return problems;
}

const layoutOf = ({ id, chain, wide, ringBits, tickSeconds, feeds }: GroupConfig) => ({
  id,
  chain,
  wide,
  ringBits,
  tickSeconds,
  feeds: feeds.map(({ name, decimals, description }) => ({ name, decimals, description })),
});
