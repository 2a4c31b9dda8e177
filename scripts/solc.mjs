#!/usr/bin/env node
// The Solidity compiler for forge: solc-js from npm behind the native compiler's command line, so that a build needs
// no download. forge calls it with `--version` and with `--standard-json` (sources inline, so no import callback).
import solc from 'solc';

const args = process.argv.slice(2);
if (args.includes('--version')) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (args.includes('--standard-json')) {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  process.stdout.write(solc.compile(Buffer.concat(chunks).toString('utf8')));
} else {
  process.stderr.write(`solc.mjs: only --version and --standard-json are served, not: ${args.join(' ')}\n`);
  process.exit(2);
}
