/** Durations as operators write them: `60s`, `5m`, `1h`, `250ms`; a bare number means seconds. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a duration. @returns milliseconds, or `undefined` when the text is no duration (negative ones included). */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,3}))?\s*(ms|s|m|h|d)?$/.exec(text.trim());
  if (!match) return undefined;
  const [, wholePart = '', fraction = '', unit = 's'] = match;
  const thousandths = Number(wholePart) * 1_000 + Number(fraction.padEnd(3, '0'));
  const ms = (thousandths * (UNIT_MS[unit] ?? 0)) / 1_000;
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** Prints milliseconds in the largest unit that keeps them whole: `90000` is `90s`, `300000` is `5m`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
