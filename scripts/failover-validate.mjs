#!/usr/bin/env node
// Reads the status of a region's replicas (the JSON of `oracle-publisher status --json`, one after the other) from standard
// input; exit code 0 when every chain is healthy, every group has a holder and every feed is within its heartbeat.
// With RPC_URL set, the rounds are compared with what that endpoint, which the region does not use, says of the contract.
import { readFileSync } from 'node:fs';

if (process.argv.includes('--help')) {
  process.stdout.write(
    'usage: oracle-publisher status --json | [RPC_URL=…] node scripts/failover-validate.mjs\n',
  );
  process.exit(0);
}

/** JSON values that stand one after the other. */
function readAll(text) {
  const values = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted) {
      if (letter === '\\') at += 1;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === '{' && depth++ === 0) start = at;
    else if (letter === '}' && --depth === 0) values.push(JSON.parse(text.slice(start, at + 1)));
  }
  return values;
}

const replicas = readAll(readFileSync(0, 'utf8'));
const problems = [];
if (replicas.length === 0) problems.push('no replica told its status');
const held = new Set(
  replicas.flatMap(({ groups }) => groups.filter(({ leader }) => leader).map(({ name }) => name)),
);
for (const { chains, groups, feeds } of replicas) {
  for (const { name, healthy } of chains)
    if (!healthy) problems.push(`chain ${name} has no healthy endpoint`);
  for (const { name, paused } of groups) {
    if (!held.has(name)) problems.push(`group ${name} has no holder`);
    if (paused) problems.push(`group ${name} is paused`);
  }
  for (const { name, onChain, ageSeconds, heartbeatSeconds } of feeds)
    if (!onChain || ageSeconds === null) problems.push(`${name} has no answer on chain`);
    else if (ageSeconds > heartbeatSeconds)
      problems.push(`${name} is ${ageSeconds} s old, its heartbeat is ${heartbeatSeconds} s`);
}

if (process.env.RPC_URL && problems.length === 0)
  for (const { chains, groups } of replicas.slice(0, 1))
    for (const { id, chain, round } of groups) {
      const { aggregator } = chains.find(({ name }) => name === chain);
      // getGroup(uint8); its first word is the round.
      const data = `0x6638a0fa${id.toString(16).padStart(64, '0')}`;
      const response = await fetch(process.env.RPC_URL.split(',')[0], {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'eth_call',
          params: [{ to: aggregator, data }, 'latest'],
        }),
        signal: AbortSignal.timeout(10_000),
      });
      const { result } = await response.json();
      const onChain = Number.parseInt(String(result).slice(2, 66), 16);
      if (!(onChain >= round))
        problems.push(
          `group ${id} is at round ${round} for the publisher and at ${onChain} for ${new URL(process.env.RPC_URL).host}`,
        );
    }

if (problems.length > 0) {
  process.stdout.write(`${[...new Set(problems)].join('; ')}\n`);
  process.exit(1);
}
const feeds = replicas[0].feeds.length;
process.stdout.write(
  `valid: ${replicas.length} replica(s), ${held.size} group(s) held, ${feeds} feed(s) within their heartbeats\n`,
);
