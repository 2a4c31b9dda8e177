/** The real daemon behind a mouth that lies by one about one answer: the demo must find it on the chain. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const [command] = process.argv.slice(2);
if (command !== 'run') await import('../../dist/cli/main.js');
else {
  const real = spawn(process.execPath, ['dist/cli/main.js', ...process.argv.slice(2)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: real.stdout }).on('line', (line) => {
    const entry = JSON.parse(line);
    if (entry.event === 'round_confirmed' && entry.round === 2) {
      const [first] = entry.answers;
      first.answer = (BigInt(first.answer) + 1n).toString();
    }
    console.log(JSON.stringify(entry));
  });
  // The demo signals the whole process group; this mouth only waits for the real one.
  process.on('SIGTERM', () => undefined);
  real.once('close', (code) => process.exit(code ?? 1));
}
