/** Files that hold secrets. */
import { readFile } from 'node:fs/promises';
import { KeyError } from '../../common/key.js';

/** Reads a file that holds a secret. @throws KeyError with the setting, the path and the system's code */
export async function readSecretFile(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new KeyError(`${setting}: ${path} cannot be read (${code})`);
  }
}
