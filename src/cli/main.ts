#!/usr/bin/env node
/** The command line: `oracle-publisher <command>`. Exit codes: 0 fine, 1 failed, 2 bad usage or configuration. */
import { Command, CommanderError } from 'commander';
import { KeyError } from '../common/key.js';
import { ConfigError, formatProblem } from '../config/problem.js';
import { StateError } from '../state/store.js';
import { checkConfigCommand } from './check-config.js';
import { deployCommand } from './deploy.js';
import { explainCommand } from './explain.js';
import { keysCommand } from './keys.js';
import { EXIT_FAILED, EXIT_USAGE, print, printError } from './output.js';
import { pauseCommand } from './pause.js';
import { runCommand } from './run.js';
import { statusCommand } from './status.js';
import { VERSION } from './version.js';

const program = new Command('oracle-publisher')
  .description(
    'Keeps price feeds on an EVM chain true: polls sources, takes the median, publishes signed rounds.',
  )
  .version(VERSION, '--version', 'print the version')
  .showHelpAfterError('(oracle-publisher --help lists commands and options)')
  .exitOverride()
  .configureOutput({ writeErr: (text) => process.stderr.write(text) });

for (const command of [
  runCommand,
  checkConfigCommand,
  deployCommand,
  statusCommand,
  explainCommand,
  keysCommand,
  pauseCommand,
])
  program.addCommand(adopt(program, command()));
program
  .command('version')
  .description('Print the version')
  .action(() => print(VERSION));

/** A command that was made elsewhere does not end the process by itself either: bad usage has one exit code. */
function adopt(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent);
  for (const below of command.commands) adopt(command, below);
  return command;
}

async function main(): Promise<number> {
  try {
    await program.parseAsync(process.argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    if (error instanceof ConfigError) {
      printError('The configuration is refused:');
      for (const problem of error.problems) printError(`  ${formatProblem(problem)}`);
      return EXIT_USAGE;
    }
    printError(error instanceof Error ? error.message : String(error));
    const usage = error instanceof KeyError || (error instanceof StateError && error.code === 'bad_url');
    return usage ? EXIT_USAGE : EXIT_FAILED;
  }
}

process.exitCode = await main();
