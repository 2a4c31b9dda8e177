/** What several files say together: lists are joined, what can stand only once is refused the second time. */
import type { Place, Placed, Reporter } from './place.js';
import type { FileInput, GroupInput } from './schema.js';

const DEFAULT_GROUP = 'default';

/** The file with a setting of which there can be one; nobody could tell which of two counts. */
function theOnlyOne(
  files: readonly Placed<FileInput>[],
  setting: 'poll' | 'logLevel' | 'group',
  reporter: Reporter,
): Placed<FileInput> | undefined {
  const [first, ...others] = files.filter(({ value }) => value[setting] !== undefined);
  for (const { place } of others)
    reporter(place)([setting], `stands in ${first?.place.document.file} as well; write it in one file only`);
  return first;
}

/** The settings of the whole process. */
export function readProcessSettings(
  files: readonly Placed<FileInput>[],
  reporter: Reporter,
): Pick<FileInput, 'poll' | 'logLevel'> {
  return {
    poll: theOnlyOne(files, 'poll', reporter)?.value.poll,
    logLevel: theOnlyOne(files, 'logLevel', reporter)?.value.logLevel,
  };
}

export interface PlacedGroup extends Placed<GroupInput> {
  readonly feedPlace: (index: number) => Place;
}

/** A plain list of feeds is one group; its settings may stand under `group`. */
export function collectGroups(files: readonly Placed<FileInput>[], reporter: Reporter): PlacedGroup[] {
  const settings = theOnlyOne(files, 'group', reporter);
  const plain = files.flatMap(({ value, place }) =>
    (value.feeds ?? []).map((feed, index) => ({ feed, place: { ...place, path: ['feeds', index] } })),
  );
  const named = files.flatMap(({ value, place }) =>
    (value.groups ?? []).map((group, index) => ({
      value: group,
      place: { ...place, path: ['groups', index] },
      feedPlace: (feed: number) => ({ ...place, path: ['groups', index, 'feeds', feed] }),
    })),
  );
  const [first] = plain;
  if (!first) {
    if (settings)
      reporter(settings.place)(
        ['group'],
        'belongs to a plain list of `feeds`, and there is none; a group of `groups` has its settings beside its `name`',
      );
    return named;
  }
  return [
    {
      value: {
        name: DEFAULT_GROUP,
        ...settings?.value.group,
        feeds: plain.map(({ feed }) => feed),
      } as GroupInput,
      place: settings ? { ...settings.place, path: ['group'] } : { ...first.place, path: [] },
      feedPlace: (index) => plain[index]?.place ?? first.place,
    },
    ...named,
  ];
}
