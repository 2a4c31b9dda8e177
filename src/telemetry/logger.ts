/** JSON logs, one event a line. Secrets are masked by value, wherever they stand, not only by the name of a field. */
import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: string;
  /** Texts that must never be printed: keys, passwords, URLs that carry keys. Short ones (under 8 characters) are ignored. */
  readonly secrets?: readonly string[];
  /** Standard output unless a test says otherwise. */
  readonly destination?: DestinationStream;
}

const MASK = '[redacted]';

/**
 * Creates the process's logger. Each line goes through the masker before it is written, so a secret inside an error
 * message, a nested field or a library's own text is masked as well.
 */
export function createLogger({ level, secrets = [], destination }: LoggerOptions): Logger {
  const target = destination ?? pino.destination({ fd: 1, sync: true });
  const mask = createMask(secrets);
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => target.write(mask(line)) },
  );
}

/** A function that replaces each secret, in its plain, JSON-escaped and URL-encoded forms, by a fixed mask. */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const trimmed = secret.trim();
    if (trimmed.length < 8) continue;
    const bare = trimmed.replace(/^0x/i, '');
    for (const form of [
      trimmed,
      bare,
      bare.toLowerCase(),
      JSON.stringify(trimmed).slice(1, -1),
      encodeURIComponent(trimmed),
    ])
      if (form.length >= 8) forms.add(form);
  }
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((masked, form) => masked.replaceAll(form, MASK), text);
}
