/** A configuration directory for a test, removed with it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Writes files into a fresh directory and returns its path. */
export function configDir(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'oracle-publisher-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}
