/** What is wrong with a configuration, said so that the operator can mend it: file, line, path, value, what is allowed. */

export interface ConfigProblem {
  /** File name, or `environment`. */
  readonly where: string;
  readonly line?: number;
  /** Such as `feeds[0].sources[2].convert`, or a variable's name. */
  readonly path: string;
  /** The offending value; left out where it could be a secret. */
  readonly value?: string;
  /** What is allowed, and what to do next. */
  readonly message: string;
}

/** Reports a problem at a path below where the reporter stands. */
export type Report = (path: readonly (string | number)[], message: string, value?: string) => void;

/** A configuration that was refused whole. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'));
  }
}

/** One problem on one line: `feeds.yaml:7 feeds[0].deviation "0": must be above 0 …`. */
export function formatProblem({ where, line, path, value, message }: ConfigProblem): string {
  const place = line === undefined ? where : `${where}:${line}`;
  return `${place} ${path}${value === undefined ? '' : ` ${JSON.stringify(value)}`}: ${message}`;
}
