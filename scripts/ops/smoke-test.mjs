#!/usr/bin/env node
// Asks every part of a running stack whether it does its work, and prints a line for each. Exit code 1 when one does not.
const HELP = `usage: node scripts/ops/smoke-test.mjs

  PUBLISHER     (http://127.0.0.1:8080)   METRICS       (http://127.0.0.1:8000)
  PROMETHEUS    (http://127.0.0.1:9090)   ALERTMANAGER  (http://127.0.0.1:9093)
  GRAFANA       (http://127.0.0.1:3000; "none" leaves it out)
  DEADLINE      seconds to wait for all of it (120)
`;
if (process.argv.length > 2) {
  process.stdout.write(HELP);
  process.exit(process.argv.includes('--help') ? 0 : 2);
}
const {
  PUBLISHER = 'http://127.0.0.1:8080',
  METRICS = 'http://127.0.0.1:8000',
  PROMETHEUS = 'http://127.0.0.1:9090',
  ALERTMANAGER = 'http://127.0.0.1:9093',
  GRAFANA = 'http://127.0.0.1:3000',
  DEADLINE = '120',
} = process.env;

const get = async (url) => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`HTTP ${response.status} of ${url}`);
  return response;
};
const json = async (url) => (await get(url)).json();
const demand = (holds, message) => {
  if (!holds) throw new Error(message);
};
const query = async (expression) =>
  (await json(`${PROMETHEUS}/api/v1/query?query=${encodeURIComponent(expression)}`)).data.result;

const CHECKS = {
  'the publisher is healthy': async () => {
    const { status, problems, degraded } = await json(`${PUBLISHER}/health`);
    demand(status === 'ok', [...problems, ...degraded].join('; '));
  },
  'every feed is within its heartbeat on chain': async () => {
    const { feeds } = await json(`${PUBLISHER}/v1/status`);
    demand(feeds.length > 0, 'no feeds');
    for (const { name, ageSeconds, heartbeatSeconds } of feeds)
      demand(
        ageSeconds !== null && ageSeconds <= heartbeatSeconds,
        `${name}: ${ageSeconds} of ${heartbeatSeconds} s`,
      );
  },
  'rounds are made': async () => {
    const text = await (await get(`${METRICS}/metrics`)).text();
    demand(/^oracle_updates_sent_total\{[^}]*\} [1-9]/m.test(text), 'no round of this process yet');
  },
  'Prometheus scrapes it and has the rules': async () => {
    demand((await query('up{job="oracle-publisher"} == 1')).length > 0, 'no replica is scraped');
    const { data } = await json(`${PROMETHEUS}/api/v1/rules`);
    const broken = data.groups.flatMap(({ rules }) => rules).filter(({ lastError }) => lastError);
    demand(data.groups.length > 0, 'no rules');
    demand(broken.length === 0, `rules fail: ${broken.map(({ name }) => name).join(', ')}`);
  },
  'Alertmanager has the watchdog': async () => {
    const alerts = await json(`${ALERTMANAGER}/api/v2/alerts`);
    demand(
      alerts.some(({ labels }) => labels.alertname === 'OracleWatchdog'),
      'no watchdog: alerts do not arrive',
    );
  },
  ...(GRAFANA === 'none'
    ? {}
    : {
        'Grafana has the dashboards': async () => {
          const found = await json(`${GRAFANA}/api/search?tag=oracle-publisher`);
          demand(found.length >= 6, `${found.length} dashboards`);
        },
      }),
};

const end = Date.now() + Number(DEADLINE) * 1_000;
let failed = 0;
for (const [name, check] of Object.entries(CHECKS)) {
  let problem;
  do {
    try {
      await check();
      problem = undefined;
    } catch (error) {
      problem = error.cause?.message ?? error.message;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  } while (problem !== undefined && Date.now() < end);
  process.stdout.write(
    `${problem === undefined ? 'ok    ' : 'FAILED'} ${name}${problem === undefined ? '' : `: ${problem}`}\n`,
  );
  if (problem !== undefined) failed += 1;
}
process.exit(failed > 0 ? 1 : 0);
