#!/usr/bin/env node
// Compares a shadow (`--dry-run`) with the replica that publishes: their prices at the same moments, and whether the shadow
// wanted each round that was made. Prints a table; exit code 0 when they agree, 1 when they do not.
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const HELP = `usage: node scripts/ops/compare-shadow.mjs --live URL --shadow URL [--minutes 60] [--every 1s] [--share 0.1]

Asks both for /v1/status again and again, and compares, feed by feed and group by group.

  --live     status port of the replica that publishes
  --shadow   status port of the shadow
  --minutes  how long (60)
  --every    between two looks, such as 1s or 250ms; about a tick (1s)
  --share    prices may differ by this share of the feed's deviation threshold (0.1); 0.05 % where a feed has none
`;
const TIMEOUT_MS = 2_000;
/** Percent that prices of a feed without a deviation threshold may differ by. */
const ALLOWED_WITHOUT_THRESHOLD = 0.05;
/** Share of the looks that may go wrong: an answer that was late, a price that one had and the other not yet. */
const TOLERATED = 0.01;
/** Looks before a round was seen in which the shadow may have wanted it; it lands some ticks after the decision. */
const LOOKS_BACK = 30;
const DUE = new Set(['first_round', 'deviation', 'heartbeat', 'deviation_and_heartbeat']);

const usage = (problem) => {
  process.stderr.write(`compare-shadow: ${problem}\n\n${HELP}`);
  process.exit(2);
};
const fail = (problem) => {
  process.stderr.write(`compare-shadow: ${problem}\n`);
  process.exit(1);
};

function readOptions() {
  const options = Object.fromEntries(
    ['live', 'shadow', 'minutes', 'every', 'share'].map((name) => [name, { type: 'string' }]),
  );
  let values;
  try {
    values = parseArgs({ options: { ...options, help: { type: 'boolean' } } }).values;
  } catch (error) {
    usage(error.message);
  }
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  for (const name of ['live', 'shadow'])
    if (!URL.canParse(values[name] ?? '')) usage(`--${name} needs a URL`);
  const [, count, unit] = /^(\d+)(ms|s)$/.exec(values.every ?? '1s') ?? usage('--every needs 1s or 250ms');
  const number = (name, fallback) => {
    const value = Number(values[name] ?? fallback);
    return value > 0 ? value : usage(`--${name} needs a number above zero`);
  };
  return {
    live: values.live,
    shadow: values.shadow,
    forMs: number('minutes', 60) * 60_000,
    everyMs: Number(count) * (unit === 's' ? 1_000 : 1) || usage('--every needs more than nothing'),
    share: number('share', 0.1),
  };
}

async function look(base) {
  try {
    const response = await fetch(new URL('/v1/status', base), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}

const options = readOptions();
const feeds = new Map();
const groups = new Map();
/** The looks at the live replica around the one that is judged: the two tick at different moments of a second. */
const window = [];
let [looks, missed] = [0, 0];

function judgePrices({ live, shadow }, around) {
  for (const mine of shadow.feeds) {
    const theirs = live.feeds.find(({ name }) => name === mine.name);
    const row = feeds.get(mine.name) ?? { looks: 0, wrong: 0, held: 0, worst: 0, allowed: 0 };
    feeds.set(mine.name, row);
    row.looks += 1;
    const prices = around.flatMap((status) => {
      const price = status.feeds.find(({ name }) => name === mine.name)?.price ?? null;
      return price === null ? [] : [Number(price)];
    });
    if (!theirs || (mine.price === null) !== (prices.length === 0)) row.held += 1;
    if (mine.price === null || prices.length === 0) continue;
    const threshold = mine.deviation?.threshold ?? theirs?.deviation?.threshold;
    row.allowed = threshold ? Number(threshold) * options.share : ALLOWED_WITHOUT_THRESHOLD;
    const price = Number(mine.price);
    const [least, most] = [Math.min(...prices), Math.max(...prices)];
    const off = price < least ? least - price : price > most ? price - most : 0;
    const percent = off === 0 ? 0 : (off * 100) / Math.max(Math.abs(least), Number.MIN_VALUE);
    row.worst = Math.max(row.worst, percent);
    if (percent > row.allowed) row.wrong += 1;
  }
  for (const { name } of live.feeds)
    if (!shadow.feeds.some((feed) => feed.name === name))
      feeds.set(name, { looks: 1, wrong: 0, held: 1, worst: 0, allowed: 0 });
}

/**
 * Whether a feed of the group was within the longest lead of its heartbeat, half of it. The live replica's lead grows with the
 * inclusion that it measures, and a shadow measures none: such a round is early for the shadow, and no less wanted.
 */
const nearHeartbeat = ({ feeds: all }, group) =>
  all.some(
    (feed) =>
      feed.group === group && feed.ageSeconds !== null && 2 * feed.ageSeconds >= feed.heartbeatSeconds - 2,
  );

function judgeRounds({ live, shadow }) {
  for (const { name, round } of live.groups) {
    const row = groups.get(name) ?? { round, rounds: 0, wanted: 0, dueFor: Number.POSITIVE_INFINITY };
    groups.set(name, row);
    const due =
      shadow.feeds.some((feed) => feed.group === name && DUE.has(feed.reason)) || nearHeartbeat(live, name);
    row.dueFor = due ? 0 : row.dueFor + 1;
    if (round > row.round) {
      row.rounds += round - row.round;
      if (row.dueFor <= LOOKS_BACK) row.wanted += round - row.round;
      row.round = round;
      // One wish is one round.
      row.dueFor = due ? 0 : Number.POSITIVE_INFINITY;
    }
  }
}

const endAt = Date.now() + options.forMs;
while (Date.now() < endAt) {
  const next = Date.now() + options.everyMs;
  const [live, shadow] = await Promise.all([look(options.live), look(options.shadow)]);
  looks += 1;
  if (live && shadow) {
    if (live.dryRun) fail(`${options.live} publishes nothing: it is a shadow itself`);
    if (!shadow.dryRun) fail(`${options.shadow} is no shadow: it publishes`);
    if (looks === 1)
      process.stdout.write(
        `live ${live.version}, shadow ${shadow.version}${live.configHash === shadow.configHash ? '' : '; their configurations differ'}\n`,
      );
    window.push({ live, shadow });
    if (window.length > 3) window.shift();
    if (window.length === 3)
      judgePrices(
        window[1],
        window.map((each) => each.live),
      );
    judgeRounds({ live, shadow });
  } else missed += 1;
  await pause(Math.max(0, next - Date.now()));
}

const problems = [];
const verdict = (good, problem) => {
  if (!good) problems.push(problem);
  return good ? 'ok' : 'DIFFERS';
};
const table = (rows) => {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => String(row[at]).length)));
  for (const row of rows)
    process.stdout.write(
      `${row.map((cell, at) => String(cell).padEnd(widths[at])).join('  ')}\n`.replace(/ +\n$/, '\n'),
    );
};
table([
  ['feed', 'looks', 'largest difference', 'allowed', 'outside', 'only one has a price', ''],
  ...[...feeds].map(([name, { looks: count, worst, allowed, wrong, held }]) => [
    ...[name, count, `${worst.toFixed(4)} %`, `${allowed.toFixed(4)} %`, wrong, held],
    verdict(wrong + held <= count * TOLERATED, `the prices of ${name} differ`),
  ]),
]);
table([
  ['group', 'rounds', 'wanted by the shadow', ''],
  ...[...groups].map(([name, { rounds, wanted }]) => [
    ...[name, rounds, wanted],
    verdict(wanted >= rounds, `the shadow wanted ${wanted} of ${rounds} rounds of ${name}`),
  ]),
]);
if (missed > looks * TOLERATED) problems.push(`${missed} of ${looks} looks had no answer`);
if (feeds.size === 0) problems.push('nothing was compared');
if (problems.length > 0) fail(problems.join('; '));
process.stdout.write(`they agree, over ${looks} looks\n`);
