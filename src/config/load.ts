/** Loads the configuration: files over environment over defaults, checked as a whole, or refused as a whole. */
import { DEFAULT_CHAIN, resolveChains } from './chains.js';
import { readConfigDirectory } from './documents.js';
import { type EnvironmentDefaults, secretsOfUrl } from './environment.js';
import { type FeedDefaults, resolveFeed } from './feeds.js';
import { resolveGroup } from './groups.js';
import { reportIssues } from './issues.js';
import { collectGroups, readProcessSettings } from './joining.js';
import type { Place, Placed } from './place.js';
import { collectPresets } from './presets.js';
import { ConfigError, type ConfigProblem, type Report } from './problem.js';
import { checkReferences, type PlacedFeed } from './references.js';
import { type FeedInput, type FileInput, fileSchema } from './schema.js';
import type { FeedConfig, GroupConfig, LogLevel, PublisherConfig } from './types.js';

export interface LoadedConfig {
  readonly config: PublisherConfig;
  /** Overrides LOG_LEVEL while the files say so. */
  readonly logLevel?: LogLevel;
  /** Texts that must never be printed, beyond those of the environment. */
  readonly secrets: readonly string[];
}

const DEFAULT_POLL_MS = 1_000;

/**
 * Reads and resolves the configuration directory.
 * @throws ConfigError with every problem found, each with file, line, path, value and what is allowed
 */
export function loadConfig(
  directory: string,
  defaults: EnvironmentDefaults,
  env: Readonly<Record<string, string | undefined>>,
): LoadedConfig {
  const { documents, hash, secrets } = readConfigDirectory(directory, env);
  const problems: ConfigProblem[] = [];
  const reporter =
    ({ document, path }: Place): Report =>
    (below, message, value) => {
      const full = [...path, ...below];
      const line = document.lineOf(full);
      problems.push({
        where: document.file,
        ...(line === undefined ? {} : { line }),
        path: formatPath(full),
        ...(value === undefined ? {} : { value }),
        message,
      });
    };

  const files = documents.flatMap((document): Placed<FileInput>[] => {
    const place = { document, path: [] };
    const result = fileSchema.safeParse(document.content);
    if (result.success) return [{ value: result.data, place }];
    reportIssues(result.error.issues, document.content, reporter(place));
    return [];
  });
  if (problems.length > 0) throw new ConfigError(problems);

  const { poll, logLevel } = readProcessSettings(files, reporter);
  const presets = collectPresets(files, reporter);
  const pollIntervalMs = poll ?? DEFAULT_POLL_MS;
  const chains = resolveChains(files, defaults, reporter);
  const placedFeeds: PlacedFeed[] = [];
  const feedAt = (input: FeedInput, place: Place, fallback: FeedDefaults): FeedConfig => {
    const report = reporter(place);
    const feed = resolveFeed(input, fallback, presets, report);
    if (placedFeeds.some((other) => other.feed.name === feed.name))
      report(['name'], 'is the name of another feed as well; names are unique', feed.name);
    placedFeeds.push({ feed, named: input.sources.length, report });
    return feed;
  };

  const groups: GroupConfig[] = [];
  for (const { value: group, place, feedPlace } of collectGroups(files, reporter)) {
    const report = reporter(place);
    const chain =
      group.chain === undefined ? chains[0] : chains.find(({ config }) => config.name === group.chain);
    if (!chain || (group.chain === undefined && chains.length > 1))
      report(
        ['chain'],
        `must name one of the chains: ${chains.map(({ config }) => config.name).join(', ')}`,
        group.chain ?? '',
      );
    const fallback: FeedDefaults = {
      heartbeatSeconds: chain?.input.heartbeat ?? defaults.heartbeatSeconds,
      deviation: chain?.input.deviation ?? defaults.deviation,
      pollIntervalMs,
      group,
    };
    const feeds = group.feeds.map((input, index) => feedAt(input, feedPlace(index), fallback));
    const reports = { group: report, feed: (index: number) => reporter(feedPlace(index)) };
    groups.push(resolveGroup(group, chain?.config.name ?? DEFAULT_CHAIN, feeds, groups, reports));
  }
  const { heartbeatSeconds, deviation } = defaults;
  const fallback = { heartbeatSeconds, deviation, pollIntervalMs };
  const conversions = files.flatMap(({ value, place }) =>
    (value.conversions ?? []).map((input, index) =>
      feedAt(input, { ...place, path: ['conversions', index] }, fallback),
    ),
  );
  if (groups.length === 0 && problems.length === 0)
    problems.push({
      where: documents.map(({ file }) => file).join(', '),
      path: 'feeds',
      message: 'is empty; name at least one feed under `feeds` or `groups`',
    });
  checkReferences(placedFeeds);
  if (problems.length > 0) throw new ConfigError(problems);

  return {
    config: {
      chains: chains.map(({ config }) => config),
      groups,
      conversions,
      pollIntervalMs,
      hash,
    },
    ...(logLevel === undefined ? {} : { logLevel }),
    secrets: [...secrets, ...chains.flatMap(({ config }) => config.rpcUrls.flatMap(secretsOfUrl))],
  };
}

const formatPath = (path: readonly (string | number)[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  ) || '(file)';
