/** What commands print to people, and their exit codes. */

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** One line on standard output. */
export const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** One line on standard error. */
export const printError = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Rows as aligned columns; the first row is the heading. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (found, row) => row.map((text, column) => Math.max(found[column] ?? 0, text.length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
