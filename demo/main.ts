/**
 * `make demo`: an embedded chain, four exchanges that replay real candles, and the real daemon between them, driven from
 * outside as a user would. See `options.ts` for what can be asked of it.
 */
import { parseOptions, USAGE } from './options.js';
import { runSession } from './session.js';

const parsed = parseOptions(process.argv.slice(2));
if (!parsed.ok) {
  console.error(`${parsed.message}\n\n${USAGE}`);
  process.exit(2);
}

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    // Asked twice: the children are killed as this process exits.
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort(new Error(`ended by ${signal}`));
  });
// Nobody reads any more, as after `make demo | head`.
process.stdout.on('error', () => interruption.abort(new Error('the output was closed')));

process.exit(
  await runSession({ options: parsed.options, output: process.stdout, interrupted: interruption.signal }),
);
