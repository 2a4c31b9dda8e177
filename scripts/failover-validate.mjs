#!/usr/bin/env node
// Reads the status of a region's replicas (the JSON of `oracle-publisher status --json`, one after the other) from standard
// input; exit code 0 when every chain is healthy, every group has a holder and every feed whose market is open is within
// its heartbeat. Rounds are compared with what endpoints that the region does not use say of the contract.
import { readFileSync } from 'node:fs';

const TIMEOUT_MS = 10_000;
const HELP = `usage: oracle-publisher status --json | node scripts/failover-validate.mjs

  VALIDATE_RPC_URL  endpoints that the publisher does not use, comma-separated, at least one a chain; each is asked for its
                    chain id and for the groups of that chain. Without it nothing is checked from outside, and that is said.
`;
if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
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

async function call(url, method, params) {
  // fetch takes no user in the address, and repeats the address in its refusal.
  const { username, password } = url;
  const bare = new URL(url);
  [bare.username, bare.password] = ['', ''];
  const user = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const response = await fetch(bare, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(username ? { authorization: `Basic ${user.toString('base64')}` } : {}),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { result, error } = await response.json();
  if (typeof result !== 'string') throw new Error(error?.message ?? `no result of ${method}`);
  return result;
}

/** What one endpoint from outside says of the groups of its chain. @returns the name of the chain, for the summary */
async function compare(text, { chains, groups }) {
  if (!URL.canParse(text)) return void problems.push('VALIDATE_RPC_URL holds something that is no URL');
  const url = new URL(text);
  // Alone: paths and user names carry keys.
  const { host } = url;
  try {
    const id = Number(await call(url, 'eth_chainId', []));
    const chain = chains.find((each) => each.id === id);
    if (!chain) return void problems.push(`${host} is of chain ${id}, which the publisher does not serve`);
    for (const group of groups.filter((each) => each.chain === chain.name)) {
      // getGroup(uint8); its first word is the round.
      const data = `0x6638a0fa${group.id.toString(16).padStart(64, '0')}`;
      const state = await call(url, 'eth_call', [{ to: chain.aggregator, data }, 'latest']);
      const round = Number.parseInt(state.slice(2, 66), 16);
      if (!(round >= group.round))
        problems.push(
          `group ${group.name} is at round ${group.round} for the publisher and at ${round} for ${host}`,
        );
    }
    return chain.name;
  } catch (error) {
    problems.push(`${host} gives no answer: ${error.cause?.message || error.cause?.code || error.message}`);
  }
}

const replicas = readAll(readFileSync(0, 'utf8'));
const problems = [];
const closed = new Set();
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
  for (const { name, onChain, ageSeconds, heartbeatSeconds, reason } of feeds)
    if (reason === 'market_closed') closed.add(name);
    else if (!onChain || ageSeconds === null) problems.push(`${name} has no answer on chain`);
    else if (ageSeconds > heartbeatSeconds)
      problems.push(`${name} is ${ageSeconds} s old, its heartbeat is ${heartbeatSeconds} s`);
}

const outside = (process.env.VALIDATE_RPC_URL ?? '').split(',').filter((url) => url.trim());
const checked = new Set();
if (problems.length === 0)
  for (const url of outside) {
    const chain = await compare(url.trim(), replicas[0]);
    if (chain) checked.add(chain);
  }

if (problems.length > 0) {
  process.stdout.write(`${[...new Set(problems)].join('; ')}\n`);
  process.exit(1);
}
const [{ chains, feeds }] = replicas;
const list = (names) => [...names].join(', ');
const unchecked = chains.map(({ name }) => name).filter((name) => !checked.has(name));
const parts = [
  `valid: ${replicas.length} replica(s), ${held.size} group(s) held, ${feeds.length - closed.size} feed(s) within their heartbeats`,
  ...(closed.size > 0 ? [`market closed, not checked: ${list(closed)}`] : []),
  ...(checked.size > 0 ? [`rounds checked from outside: ${list(checked)}`] : []),
  ...(unchecked.length > 0
    ? [`NOT checked from outside: ${list(unchecked)} (no endpoint in VALIDATE_RPC_URL)`]
    : []),
];
process.stdout.write(`${parts.join('; ')}\n`);
