/** The runbooks as the tests read them: their text, their command blocks, their links. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './kube.js';

export interface Block {
  readonly file: string;
  readonly line: number;
  /** Runs anywhere; changes the chain; needs a cluster; or one with a Redis in the namespace. */
  readonly kind: 'sh' | 'last' | 'cluster' | 'cluster redis';
  readonly commands: string;
}

export interface Runbook {
  readonly file: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Targets of links to other files, with the anchor. */
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
}

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

export function readRunbooks(): Runbook[] {
  const directory = join(ROOT, 'runbooks');
  return readdirSync(directory)
    .filter((file) => file.endsWith('.md'))
    .map((file) => {
      const text = readFileSync(join(directory, file), 'utf8');
      const blocks = [...text.matchAll(/^```sh(?: (cluster(?: redis)?|last))?\n([\s\S]*?)^```$/gm)].map(
        (match) => ({
          file,
          line: text.slice(0, match.index).split('\n').length,
          kind: (match[1] ?? 'sh') as Block['kind'],
          commands: match[2] ?? '',
        }),
      );
      return {
        file,
        text,
        blocks,
        links: [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target ?? ''),
        anchors: new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''))),
      };
    });
}
