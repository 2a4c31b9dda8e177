import { describe, expect, it } from 'vitest';
import { createLogger, createMask } from '../../../src/telemetry/logger.js';

const KEY = `0x${'c0ffee'.repeat(10)}abcd`;

function logged(secrets: string[], write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  const log = createLogger({
    level: 'trace',
    mask: createMask(secrets),
    destination: { write: (line) => void lines.push(line) },
  });
  write(log);
  return lines.join('');
}

describe('the log', () => {
  it('masks a secret wherever it stands', () => {
    const text = logged([KEY, 'p"ss w/rd1'], (log) => {
      log.info({ deep: { er: [{ key: KEY }] } }, `the key is ${KEY}`);
      log.error({ err: new Error(`cannot use ${KEY.slice(2).toUpperCase()}`, { cause: new Error(KEY) }) });
      log.warn({ url: `redis://x:${encodeURIComponent('p"ss w/rd1')}@h`, raw: 'p"ss w/rd1' });
    });
    expect(text.toLowerCase()).not.toContain('c0ffeec0ffee');
    expect(text).not.toContain('ss w');
    expect(text).not.toContain('ss%20w');
    expect(text).toContain('[redacted]');
  });

  it('masks secrets that a reload brought', () => {
    const mask = createMask([]);
    mask.add(['fresh-token-1']);
    expect(mask('Bearer fresh-token-1')).toBe('Bearer [redacted]');
  });

  it('is one JSON event a line with level as a word', () => {
    const line = logged([], (log) => log.info({ event: 'x' }, 'said'));
    expect(JSON.parse(line)).toMatchObject({ level: 'info', event: 'x', message: 'said' });
    expect(line.trimEnd().split('\n')).toHaveLength(1);
  });
});
