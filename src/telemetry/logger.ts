/** JSON logs, one event a line. Secrets are masked by value, wherever they stand, not only by the name of a field. */
import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: string;
  /** Masks texts that must never be printed: keys, passwords, the parts of URLs that carry keys. */
  readonly mask?: Mask;
  /** Standard output unless a test says otherwise. */
  readonly destination?: DestinationStream;
  /** Told of each line as it was written, masked. */
  readonly onLine?: (line: string) => void;
}

const MASK = '[redacted]';
const SHORTEST_SECRET = 8;

/**
 * Creates the process's logger. Each line goes through the masker before it is written, so a secret inside an error
 * message, a nested field or a library's own text is masked as well.
 */
export function createLogger({ level, mask = createMask([]), destination, onLine }: LoggerOptions): Logger {
  const target = destination ?? pino.destination({ fd: 1, sync: true });
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string) {
        const masked = mask(line);
        target.write(masked);
        onLine?.(masked);
      },
    },
  );
}

/** Replaces secrets in texts by a fixed mask. */
export interface Mask {
  (text: string): string;
  /** More secrets, from a reloaded configuration. */
  add(secrets: readonly string[]): void;
}

/** A mask for the given secrets, in their plain, JSON-escaped and URL-encoded forms. */
export function createMask(secrets: readonly string[]): Mask {
  const forms = new Set<string>();
  let ordered: readonly string[] = [];
  const add = (more: readonly string[]): void => {
    for (const secret of more) for (const form of formsOf(secret.trim())) forms.add(form);
    ordered = [...forms].sort((a, b) => b.length - a.length);
  };
  add(secrets);
  const mask = (text: string) => ordered.reduce((masked, form) => masked.replaceAll(form, MASK), text);
  return Object.assign(mask, { add });
}

/** Short texts are no secrets: masking them would tear ordinary words apart. */
function formsOf(secret: string): string[] {
  if (secret.length < SHORTEST_SECRET) return [];
  const bare = secret.replace(/^0x/i, '');
  return [
    secret,
    bare,
    bare.toLowerCase(),
    bare.toUpperCase(),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
  ].filter((form) => form.length >= SHORTEST_SECRET);
}
