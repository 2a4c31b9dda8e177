#!/usr/bin/env node
// Writes Grafana's dashboards to k8s/monitoring/dashboards from the panels listed here.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIRECTORY = join(dirname(fileURLToPath(import.meta.url)), '../../k8s/monitoring/dashboards');
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable.
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** Filters by the dashboards' variables, for the labels that a metric has. */
const F = 'namespace=~"$namespace",feed=~"$feed"';
const G = 'namespace=~"$namespace",group=~"$group"';
const C = 'namespace=~"$namespace",adapter=~"$chain"';
const N = 'namespace=~"$namespace"';

/** Blocks that each endpoint lags behind the best of its chain. */
const LAG = `max by (adapter) (oracle_rpc_endpoint_height{${C}}) - on (adapter) group_right () max by (adapter, endpoint) (oracle_rpc_endpoint_height{${C}})`;

/** A feed's gauge as the replicas tell it that see the newest round; one that has lost the chain is left out. */
const seen = (metric) =>
  `max by (namespace, feed) (${metric}{${F}} and on (namespace, feed, instance) (oracle_feed_last_update_timestamp_seconds{${F}} == on (namespace, feed) group_left () max by (namespace, feed) (oracle_feed_last_update_timestamp_seconds{${F}})))`;
/** Seconds since consumers got an answer: by the replica that sees the newest one. */
const AGE = `min by (namespace, feed) (time() - oracle_feed_last_update_timestamp_seconds{${F}})`;
const HEARTBEAT = `max by (namespace, feed) (oracle_feed_heartbeat_seconds{${F}})`;

const query = (name, label, expression, extra = {}) => ({
  name,
  label,
  type: 'query',
  datasource: DATASOURCE,
  definition: expression,
  query: { query: expression, refId: name },
  refresh: 2,
  multi: true,
  includeAll: true,
  allValue: '.*',
  current: { selected: true, text: 'All', value: '$__all' },
  sort: 1,
  ...extra,
});

const VARIABLES = [
  {
    name: 'datasource',
    label: 'Data source',
    type: 'datasource',
    query: 'prometheus',
    current: {},
    hide: 0,
    refresh: 1,
  },
  query('namespace', 'Namespace', 'label_values(oracle_loop_last_iteration_timestamp_seconds, namespace)'),
  query('chain', 'Chain', `label_values(blockchain_adapter_health{${N}}, adapter)`),
  query('group', 'Group', `label_values(oracle_group_round{${C}}, group)`),
  query('feed', 'Feed', `label_values(oracle_feed_heartbeat_seconds{${N}}, feed)`),
];

/** Colours and the values from which they hold: `steps('green', 1, 'red')`. */
const steps = (first, ...rest) => ({
  mode: 'absolute',
  steps: [
    { color: first, value: null },
    ...rest.flatMap((value, at) => (at % 2 === 0 ? [{ color: rest[at + 1], value }] : [])),
  ],
});

/** A panel: what it shows, in which unit, and its expressions by their legends. */
const panel =
  (type, w, h, extra = {}) =>
  (title, description, unit, expressions, options = {}) => ({
    ...{ type, w, h, title, description, unit, ...options },
    targets: Object.entries(expressions).map(([legendFormat, expr]) => ({ expr, legendFormat, ...extra })),
  });
const graph = panel('timeseries', 12, 9);
const stat = panel('stat', 6, 5);
const timeline = panel('state-timeline', 24, 9);
const table = panel('table', 24, 9, { instant: true, format: 'table' });

const DASHBOARDS = {
  overview: {
    title: 'Oracle Publisher / Overview',
    description:
      'Every feed: its answer, its age against the heartbeat, its deviation against the threshold, its sources.',
    panels: [
      stat(
        'Firing alerts',
        'Alerts of the publisher that fire now, by severity. The watchdog is left out.',
        'short',
        {
          '{{severity}}':
            'count by (severity) (ALERTS{alertname=~"Oracle.*",alertname!="OracleWatchdog",alertstate="firing"}) or vector(0)',
        },
      ),
      stat(
        'Feeds past their heartbeat',
        'Feeds whose answer on chain is older than the heartbeat, closed markets left out. Should be 0 at all times.',
        'short',
        {
          feeds: `count((${AGE} unless on (namespace, feed) oracle:feed_market_closed) > on (namespace, feed) ${HEARTBEAT}) or vector(0)`,
        },
        { thresholds: steps('green', 1, 'red') },
      ),
      stat(
        'Replicas',
        'Replicas that Prometheus reaches.',
        'short',
        { replicas: `sum(up{job="oracle-publisher",${N}})` },
        { thresholds: steps('red', 1, 'green') },
      ),
      stat('Rounds an hour', 'Rounds of feeds that were confirmed on chain in the last hour.', 'short', {
        rounds: `sum(increase(oracle_updates_sent_total{${F}}[1h]))`,
      }),
      graph('Answer', 'Last present answer on chain, in the unit of the feed.', 'short', {
        '{{feed}}': seen('oracle_feed_answer'),
      }),
      graph(
        'Age against heartbeat',
        'Age of the answer on chain as a share of the heartbeat. A round is due before it reaches 100 %.',
        'percentunit',
        {
          '{{feed}}': `${AGE} / on (namespace, feed) ${HEARTBEAT}`,
        },
        { thresholds: steps('green', 0.95, 'orange', 1, 'red') },
      ),
      graph(
        'Deviation against threshold',
        'Distance of the price from the answer on chain, as a share of the deviation threshold. 100 % is due at once.',
        'percentunit',
        { '{{feed}}': seen('oracle_feed_deviation_ratio') },
        { thresholds: steps('green', 0.9, 'orange', 1, 'red') },
      ),
      graph('Fresh sources', 'Sources whose observation was used at the last tick.', 'short', {
        '{{feed}}': `max by (feed) (oracle_feed_sources_fresh{${F}})`,
      }),
      graph(
        'Verdicts',
        'The one reason that each feed gets at each tick, without the quiet ones (not due, not the holder).',
        'ops',
        {
          '{{reason}}': `sum by (reason) (rate(oracle_decisions_total{${F},reason!~"not_due|not_leader"}[$__rate_interval])) > 0`,
        },
      ),
      graph('Failed updates', 'Updates of groups that did not become a round, by cause.', 'ops', {
        '{{group}} {{error}}': `sum by (group, error) (rate(oracle_update_errors_total{${G}}[$__rate_interval])) > 0`,
      }),
      table('Feeds', 'Age of every feed’s answer on chain.', 's', {
        '{{feed}}': `min by (feed) (time() - oracle_feed_last_update_timestamp_seconds{${F}})`,
      }),
    ],
  },
  transactions: {
    title: 'Oracle Publisher / Transactions and gas',
    description: 'What is sent, what lands, how long it takes and what it costs.',
    panels: [
      graph('Transactions', 'Transactions by what became of them.', 'ops', {
        '{{adapter}} {{status}}': `sum by (adapter, status) (rate(blockchain_transactions_total{${C}}[$__rate_interval]))`,
      }),
      graph(
        'Time to confirmation',
        'Time from the decision to the confirmed receipt, as quantiles, with the objective that follows from the block time.',
        's',
        {
          '{{adapter}} p50': `histogram_quantile(0.5, sum by (adapter, le) (rate(blockchain_transaction_duration_seconds_bucket{${C}}[5m])))`,
          '{{adapter}} p95': `histogram_quantile(0.95, sum by (adapter, le) (rate(blockchain_transaction_duration_seconds_bucket{${C}}[5m])))`,
          '{{adapter}} objective': `max by (adapter) (oracle:transaction_latency_objective_seconds{${C}})`,
        },
      ),
      graph(
        'Oldest pending',
        'Age of the oldest unconfirmed transaction; 0 without one. Over the limit it counts as stuck.',
        's',
        {
          '{{adapter}}': `max by (adapter) (oracle_transaction_oldest_pending_seconds{${C}})`,
          '{{adapter}} limit': `max by (adapter) (oracle:transaction_pending_limit_seconds{${C}})`,
        },
      ),
      graph(
        'Share that fails',
        'Reverted and failed transactions as a share of all that ended, over five minutes.',
        'percentunit',
        {
          '{{adapter}}': `sum by (adapter) (increase(blockchain_transactions_total{${C},status=~"reverted|failed"}[5m])) / (sum by (adapter) (increase(blockchain_transactions_total{${C},status=~"confirmed|reverted|failed"}[5m])) > 0)`,
        },
      ),
      graph('Gas an hour', 'Gas used by confirmed and reverted transactions in the last hour.', 'short', {
        '{{adapter}}': `sum by (adapter) (increase(blockchain_gas_used_total{${C}}[1h]))`,
      }),
      graph('Gas a round', 'Gas used for each round of a feed, over the last hour.', 'short', {
        'gas a round': `sum by (namespace) (increase(blockchain_gas_used_total{${N}}[1h])) / (sum by (namespace) (increase(oracle_updates_sent_total{${N}}[1h])) > 0)`,
      }),
      graph(
        'Spending an hour',
        'Native currency spent in the last hour, and the mean hour of the last day.',
        'short',
        {
          '{{adapter}} last hour': `sum by (adapter) (increase(oracle_transmitter_spend_total{${C}}[1h]))`,
          '{{adapter}} mean hour': `sum by (adapter) (increase(oracle_transmitter_spend_total{${C}}[1d])) / 24`,
        },
      ),
      graph(
        'Balance',
        'Balance of every transmitter key in the native currency, and the least balance configured.',
        'short',
        {
          '{{adapter}} {{address}}': `min by (adapter, address) (oracle_transmitter_balance{${C}})`,
          '{{adapter}} least': `max by (adapter) (oracle_transmitter_min_balance{${C}}) > 0`,
        },
      ),
      graph(
        'Runway',
        'Days that each balance lasts at the spending of the last day.',
        'd',
        { '{{adapter}} {{address}}': `min by (adapter, address) (oracle_transmitter_runway_days{${C}})` },
        { thresholds: steps('red', 1, 'orange', 7, 'green') },
      ),
      graph(
        'Fee at cap',
        '1 while the pending transaction bids the highest fee that the configuration allows.',
        'bool',
        { '{{adapter}}': `max by (adapter) (oracle_transmitter_fee_at_cap{${C}})` },
      ),
    ],
  },
  sources: {
    title: 'Oracle Publisher / Sources and guards',
    description: 'Where prices come from, what the polls end with, and what the guards hold back.',
    panels: [
      graph('Age of the last value', 'Time since each source gave a usable value.', 's', {
        '{{source}}': `min by (source) (time() - oracle_source_last_success_timestamp_seconds{${N}})`,
      }),
      graph('Polls', 'Polls of all sources by result.', 'ops', {
        '{{result}}': `sum by (result) (rate(oracle_source_requests_total{${N}}[$__rate_interval])) > 0`,
      }),
      graph('Failed polls by source', 'Polls that gave no usable value, by source and result.', 'ops', {
        '{{source}} {{result}}': `sum by (source, result) (rate(oracle_source_requests_total{${N},result!="ok"}[$__rate_interval])) > 0`,
      }),
      graph('Duration of a poll', '95 % of the polls of a source end within this time.', 's', {
        '{{source}}': `histogram_quantile(0.95, sum by (source, le) (rate(oracle_source_duration_seconds_bucket{${N}}[5m])))`,
      }),
      graph('Fresh sources by feed', 'Sources whose observation was used at the last tick.', 'short', {
        '{{feed}}': `max by (feed) (oracle_feed_sources_fresh{${F}})`,
      }),
      graph(
        'Held back by guards',
        'Ticks at which a guard kept a feed from having a price, by guard.',
        'ops',
        {
          '{{feed}} {{reason}}': `sum by (feed, reason) (rate(oracle_decisions_total{${F},reason=~"no_observations|too_few_sources|spread_too_wide|not_positive|out_of_bounds|out_of_range|input_missing|jump_unconfirmed|held_back"}[$__rate_interval])) > 0`,
        },
      ),
      graph('Markets closed', 'Ticks at which the market of a feed was closed.', 'ops', {
        '{{feed}}': `sum by (feed) (rate(oracle_decisions_total{${F},reason="market_closed"}[$__rate_interval])) > 0`,
      }),
      graph(
        'Peers',
        'Reports asked of the other operators, by peer and result.',
        'ops',
        {
          '{{peer}} {{result}}': `sum by (peer, result) (rate(oracle_peer_reports_total{${N}}[$__rate_interval])) > 0`,
        },
        { optional: true },
      ),
    ],
  },
  rpc: {
    title: 'Oracle Publisher / RPC and Redis',
    description: 'The endpoints of each chain, and the state store.',
    panels: [
      stat(
        'Chain health',
        '1 while at least one endpoint of the chain is healthy.',
        'bool',
        { '{{adapter}}': `max by (adapter) (blockchain_adapter_health{${C}})` },
        { w: 8, thresholds: steps('red', 1, 'green') },
      ),
      stat(
        'Redis',
        '1 while the state store answers a replica.',
        'bool',
        { '{{instance}}': `min by (instance) (oracle_state_up{${N}})` },
        { w: 8, thresholds: steps('red', 1, 'green') },
      ),
      stat(
        'Block time',
        'Seconds between blocks, from the heights that the endpoints told over ten minutes.',
        's',
        { '{{adapter}}': `max by (adapter) (oracle:block_seconds{${C}})` },
        { w: 8 },
      ),
      graph('Endpoints', '1 while the endpoint is healthy, 0 while it is in quarantine.', 'bool', {
        '{{adapter}} {{endpoint}}': `max by (adapter, endpoint) (oracle_rpc_endpoint_up{${C}})`,
      }),
      graph(
        'Height behind the best',
        'Blocks that each endpoint lags behind the one furthest ahead.',
        'short',
        {
          '{{adapter}} {{endpoint}}': LAG,
        },
      ),
      graph('Calls', 'Calls to the endpoints of a chain.', 'reqps', {
        '{{adapter}}': `sum by (adapter) (rate(blockchain_rpc_requests_total{${C}}[$__rate_interval]))`,
      }),
      graph('Failed calls', 'Failed calls by kind.', 'ops', {
        '{{adapter}} {{error_type}}': `sum by (adapter, error_type) (rate(blockchain_rpc_errors_total{${C}}[$__rate_interval])) > 0`,
      }),
      graph(
        'Share of calls that fail',
        'Failed calls as a share of all, over five minutes. The alert is at 1 %.',
        'percentunit',
        {
          '{{adapter}}': `sum by (adapter) (rate(blockchain_rpc_errors_total{${C}}[5m])) / sum by (adapter) (rate(blockchain_rpc_requests_total{${C}}[5m]))`,
        },
        { thresholds: steps('green', 0.01, 'red') },
      ),
    ],
  },
  replicas: {
    title: 'Oracle Publisher / Replicas',
    description: 'Who holds which group, how the loops run, which configuration is in force.',
    panels: [
      timeline(
        'Holder of each group',
        '1 where the replica publishes the group. Each group has exactly one.',
        'bool',
        { '{{group}} {{instance}}': `max by (group, instance) (oracle_group_leader{${G}})` },
      ),
      timeline(
        'Role of each replica',
        'What each replica is now: holder, standby, alone, blind (sees the store, not the chain), without_store, released.',
        'bool',
        { '{{instance}} {{role}}': `max by (instance, role) (oracle_replica_role{${N}}) == 1` },
      ),
      graph(
        'Keys free',
        'Keys of the pool that no replica has claimed, as each replica sees it. 0 means that a further replica stands by.',
        'short',
        { '{{instance}}': `max by (instance) (oracle_transmitter_keys_free{${N}})` },
      ),
      graph('Replicas with a key', 'Replicas that have claimed a key, as each replica sees it.', 'short', {
        '{{instance}}': `max by (instance) (oracle_replicas_active{${N}})`,
      }),
      graph(
        'Lease age',
        'Longest time since the store confirmed a lease of the replica. It grows while the store is away; 0 without leases.',
        's',
        { '{{instance}}': `max by (instance) (oracle_lease_age_seconds{${N}})` },
      ),
      graph(
        'Lease events',
        'What happened to the replicas and their leases: claimed, lost, taken over, carrying on without the store.',
        'short',
        {
          '{{instance}} {{event}}': `sum by (instance, event) (increase(oracle_lease_events_total{${N}}[$__rate_interval])) > 0`,
        },
      ),
      graph(
        'Writing a lease',
        '95 % of the claims, renewals and releases that the store answered took less.',
        's',
        {
          '{{instance}}': `histogram_quantile(0.95, sum by (instance, le) (rate(oracle_lease_write_duration_seconds_bucket{${N}}[5m])))`,
        },
      ),
      graph('Groups of a replica', 'Groups that each replica holds.', 'short', {
        '{{instance}}': `sum by (instance) (oracle_group_leader{${G}})`,
      }),
      graph(
        'Groups without a holder',
        'As each replica sees it. The autoscaler adds replicas while it is above 0.',
        'short',
        { '{{instance}}': `max by (instance) (oracle_groups_without_holder{${N}})` },
      ),
      graph(
        'Age of the last iteration',
        'Time since the publishing loop of each replica finished an iteration. Above 30 s it counts as stalled.',
        's',
        { '{{instance}}': `time() - max by (instance) (oracle_loop_last_iteration_timestamp_seconds{${N}})` },
      ),
      graph('Tick lag', 'How late the last tick was worked off.', 's', {
        '{{instance}}': `max by (instance) (oracle_loop_tick_lag_seconds{${N}})`,
      }),
      graph('CPU', 'CPU time that each replica uses, in cores.', 'short', {
        '{{instance}}': `rate(process_cpu_seconds_total{job="oracle-publisher",${N}}[$__rate_interval])`,
      }),
      graph('Memory', 'Resident memory of each replica.', 'bytes', {
        '{{instance}}': `process_resident_memory_bytes{job="oracle-publisher",${N}}`,
      }),
      graph('Event loop', '99 % of the delays of the event loop are below this.', 's', {
        '{{instance}}': `nodejs_eventloop_lag_p99_seconds{job="oracle-publisher",${N}}`,
      }),
      graph(
        'Configuration',
        '1 when the last load of the configuration was taken, 0 when it was refused.',
        'bool',
        { '{{instance}}': `min by (instance) (oracle_config_reload_success{${N}})` },
      ),
      table(
        'Configuration in force',
        'Hash of the configuration of each replica. All show the same, but for the moments of a change.',
        'short',
        { '': `max by (instance, hash) (oracle_config_hash_info{${N}})` },
        { h: 7 },
      ),
    ],
  },
  slo: {
    title: 'Oracle Publisher / Objectives',
    description:
      'Objectives: 99.9 % of the time each feed is within its heartbeat; 99 % of the transactions land.',
    panels: [
      stat(
        'Freshness, six hours',
        'Share of the time that feeds were within their heartbeats. Objective: 99.9 %.',
        'percentunit',
        { '{{namespace}}': `1 - oracle:feeds_past_heartbeat:ratio6h{${N}}` },
        { w: 12, thresholds: steps('red', 0.999, 'green') },
      ),
      stat(
        'Transactions, six hours',
        'Share of the transactions that landed. Objective: 99 %.',
        'percentunit',
        { '{{namespace}}': `1 - oracle:transactions_failed:ratio6h{${N}}` },
        { w: 12, thresholds: steps('red', 0.99, 'green') },
      ),
      graph(
        'Freshness: rate of burning',
        'How many times faster than allowed the budget of 0.1 % is spent. 14.4 pages, 6 opens a ticket.',
        'short',
        {
          '1 h': `oracle:feeds_past_heartbeat:ratio1h{${N}} / 0.001`,
          '6 h': `oracle:feeds_past_heartbeat:ratio6h{${N}} / 0.001`,
        },
        { thresholds: steps('green', 6, 'orange', 14.4, 'red') },
      ),
      graph(
        'Transactions: rate of burning',
        'How many times faster than allowed the budget of 1 % is spent. 14.4 pages, 6 opens a ticket.',
        'short',
        {
          '1 h': `oracle:transactions_failed:ratio1h{${N}} / 0.01`,
          '6 h': `oracle:transactions_failed:ratio6h{${N}} / 0.01`,
        },
        { thresholds: steps('green', 6, 'orange', 14.4, 'red') },
      ),
      graph(
        'Feeds against their heartbeats',
        'Age as a share of the heartbeat, closed markets left out. Above 100 % the objective is missed.',
        'percentunit',
        { '{{feed}}': `oracle:feed_lateness_ratio{${F}}` },
        { w: 24, thresholds: steps('green', 1, 'red') },
      ),
      graph(
        'Time to confirmation',
        'p95 against the objective that follows from the block time.',
        's',
        {
          '{{adapter}} p95': `oracle:transaction_latency_seconds:p95{${C}}`,
          '{{adapter}} objective': `oracle:transaction_latency_objective_seconds{${C}}`,
        },
        { w: 24 },
      ),
    ],
  },
};

const LINES = { drawStyle: 'line', lineWidth: 1, fillOpacity: 8, showPoints: 'never', spanNulls: false };

function buildPanels(panels) {
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  return panels.map(({ title, description, unit, targets, type, w, h, thresholds, optional }, index) => {
    if (x + w > 24) {
      x = 0;
      y += rowHeight;
      rowHeight = 0;
    }
    const gridPos = { x, y, w, h };
    x += w;
    rowHeight = Math.max(rowHeight, h);
    return {
      id: index + 1,
      title,
      description: optional ? `${description} Empty where there is only one operator.` : description,
      type,
      datasource: DATASOURCE,
      gridPos,
      fieldConfig: {
        defaults: {
          unit,
          color: { mode: thresholds && type === 'stat' ? 'thresholds' : 'palette-classic' },
          ...(thresholds ? { thresholds } : {}),
          ...(type === 'timeseries'
            ? { custom: { ...LINES, ...(thresholds ? { thresholdsStyle: { mode: 'line' } } : {}) } }
            : {}),
        },
        overrides: [],
      },
      options:
        type === 'timeseries'
          ? {
              legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
              tooltip: { mode: 'multi', sort: 'desc' },
            }
          : type === 'stat'
            ? {
                reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
                colorMode: 'value',
                graphMode: 'area',
                textMode: 'auto',
              }
            : {},
      targets: targets.map((target, at) => ({
        refId: String.fromCharCode(65 + at),
        datasource: DATASOURCE,
        ...target,
      })),
    };
  });
}

/** All dashboards, file name to JSON text. */
export function generate() {
  return Object.fromEntries(
    Object.entries(DASHBOARDS).map(([name, { title, description, panels }]) => [
      `${name}.json`,
      `${JSON.stringify(
        {
          uid: `oracle-publisher-${name}`,
          title,
          description,
          tags: ['oracle-publisher'],
          editable: false,
          schemaVersion: 39,
          version: 1,
          refresh: '10s',
          time: { from: 'now-1h', to: 'now' },
          timezone: 'utc',
          templating: { list: VARIABLES },
          links: [
            {
              type: 'dashboards',
              title: 'Oracle Publisher',
              tags: ['oracle-publisher'],
              asDropdown: true,
              keepTime: true,
              includeVars: true,
            },
          ],
          annotations: { list: [] },
          panels: buildPanels(panels),
        },
        null,
        2,
      )}\n`,
    ]),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.some((argument) => argument !== '--check')) {
    process.stdout.write('usage: node scripts/ops/generate-dashboards.mjs [--check]\n');
    process.exit(args.includes('--help') ? 0 : 2);
  }
  for (const [name, text] of Object.entries(generate())) {
    const path = join(DIRECTORY, name);
    if (!args.includes('--check')) writeFileSync(path, text);
    else if (readFileSync(path, 'utf8') !== text) {
      process.stderr.write(`${name} differs from its source: run node scripts/ops/generate-dashboards.mjs\n`);
      process.exitCode = 1;
    }
  }
}
