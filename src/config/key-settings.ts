/** Which of the variables for keys is set: exactly one source of keys. */
import type { ConfigProblem } from './problem.js';
import type { KeySettings } from './types.js';

/** Variables that say where keys are. */
export type KeyVariable =
  | 'PRIVATE_KEY'
  | 'PRIVATE_KEY_FILE'
  | 'KEYSTORE_FILE'
  | 'KEYSTORE_PASSWORD_FILE'
  | 'KMS_KEY_ID'
  | 'KMS_ENDPOINT'
  | 'AWS_REGION'
  | 'WEB3SIGNER_URL'
  | 'WEB3SIGNER_ADDRESSES';

/** Reads one variable, `undefined` when it is not set. */
type Lookup = (name: KeyVariable) => string | undefined;

/** Exactly one source of keys may be named; naming two is an error, because nobody could tell which one signs. */
export function readKeySettings(value: Lookup, problems: ConfigProblem[]): KeySettings {
  const named = (
    ['PRIVATE_KEY', 'PRIVATE_KEY_FILE', 'KEYSTORE_FILE', 'KMS_KEY_ID', 'WEB3SIGNER_URL'] as const
  ).filter((name) => value(name) !== undefined);
  if (named.length > 1) {
    problems.push({
      where: 'environment',
      path: named.join(', '),
      message: 'name only one source of keys; remove the others',
    });
  }
  const list = (text: string) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  switch (named[0]) {
    case 'PRIVATE_KEY':
      return { kind: 'environment', privateKeys: list(value('PRIVATE_KEY') ?? '') };
    case 'PRIVATE_KEY_FILE':
      return { kind: 'file', path: value('PRIVATE_KEY_FILE') ?? '' };
    case 'KEYSTORE_FILE': {
      const passwordFile = value('KEYSTORE_PASSWORD_FILE');
      if (passwordFile === undefined)
        problems.push({
          where: 'environment',
          path: 'KEYSTORE_PASSWORD_FILE',
          message: 'is needed beside KEYSTORE_FILE: the file that holds the password',
        });
      return {
        kind: 'keystore',
        paths: list(value('KEYSTORE_FILE') ?? ''),
        passwordFile: passwordFile ?? '',
      };
    }
    case 'KMS_KEY_ID': {
      const region = value('AWS_REGION');
      const endpoint = value('KMS_ENDPOINT');
      return {
        kind: 'kms',
        keyIds: list(value('KMS_KEY_ID') ?? ''),
        ...(region === undefined ? {} : { region }),
        ...(endpoint === undefined ? {} : { endpoint }),
      };
    }
    case 'WEB3SIGNER_URL':
      return {
        kind: 'web3signer',
        url: value('WEB3SIGNER_URL') ?? '',
        addresses: list(value('WEB3SIGNER_ADDRESSES') ?? ''),
      };
    default:
      return { kind: 'none' };
  }
}
