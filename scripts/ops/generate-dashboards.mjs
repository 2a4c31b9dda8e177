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

const ratio = (steps) => ({
  mode: 'absolute',
  steps: steps.map(([color, value]) => ({ color, value })),
});

/** A panel: what it shows, in which unit, and the expressions with their legends. */
const panel = (title, description, unit, targets, options = {}) => ({
  title,
  description,
  unit,
  targets,
  ...options,
});

const DASHBOARDS = {
  overview: {
    title: 'Oracle Publisher / Overview',
    description:
      'Every feed: its answer, its age against the heartbeat, its deviation against the threshold, its sources.',
    panels: [
      panel(
        'Firing alerts',
        'Alerts of the publisher that fire now, by severity. The watchdog is left out.',
        'short',
        [
          [
            `count by (severity) (ALERTS{alertname=~"Oracle.*",alertname!="OracleWatchdog",alertstate="firing"}) or vector(0)`,
            '{{severity}}',
          ],
        ],
        { type: 'stat', w: 6, h: 5 },
      ),
      panel(
        'Feeds past their heartbeat',
        'Feeds whose answer on chain is older than the heartbeat. Should be 0 at all times.',
        'short',
        [
          [
            `count(max by (namespace, feed) (time() - oracle_feed_last_update_timestamp_seconds{${F}}) > on (namespace, feed) max by (namespace, feed) (oracle_feed_heartbeat_seconds{${F}})) or vector(0)`,
            'feeds',
          ],
        ],
        {
          type: 'stat',
          w: 6,
          h: 5,
          thresholds: ratio([
            ['green', null],
            ['red', 1],
          ]),
        },
      ),
      panel(
        'Replicas',
        'Replicas that Prometheus reaches.',
        'short',
        [[`sum(up{job="oracle-publisher",${N}})`, 'replicas']],
        {
          type: 'stat',
          w: 6,
          h: 5,
          thresholds: ratio([
            ['red', null],
            ['green', 1],
          ]),
        },
      ),
      panel(
        'Rounds an hour',
        'Rounds of feeds that were confirmed on chain in the last hour.',
        'short',
        [[`sum(increase(oracle_updates_sent_total{${F}}[1h]))`, 'rounds']],
        { type: 'stat', w: 6, h: 5 },
      ),
      panel(
        'Answer',
        'Last present answer on chain, in the unit of the feed.',
        'short',
        [[`max by (feed) (oracle_feed_answer{${F}})`, '{{feed}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Age against heartbeat',
        'Age of the answer on chain as a share of the heartbeat. A round is due before it reaches 100 %.',
        'percentunit',
        [
          [
            `min by (namespace, feed) (time() - oracle_feed_last_update_timestamp_seconds{${F}}) / on (namespace, feed) max by (namespace, feed) (oracle_feed_heartbeat_seconds{${F}})`,
            '{{feed}}',
          ],
        ],
        {
          w: 12,
          h: 9,
          thresholds: ratio([
            ['green', null],
            ['orange', 0.95],
            ['red', 1],
          ]),
        },
      ),
      panel(
        'Deviation against threshold',
        'Distance of the price from the answer on chain, as a share of the deviation threshold. 100 % is due at once.',
        'percentunit',
        [[`max by (feed) (oracle_feed_deviation_ratio{${F}})`, '{{feed}}']],
        {
          w: 12,
          h: 9,
          thresholds: ratio([
            ['green', null],
            ['orange', 0.9],
            ['red', 1],
          ]),
        },
      ),
      panel(
        'Fresh sources',
        'Sources whose observation was used at the last tick.',
        'short',
        [[`max by (feed) (oracle_feed_sources_fresh{${F}})`, '{{feed}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Verdicts',
        'The one reason that each feed gets at each tick, without the quiet ones (not due, not the holder).',
        'ops',
        [
          [
            `sum by (reason) (rate(oracle_decisions_total{${F},reason!~"not_due|not_leader"}[$__rate_interval])) > 0`,
            '{{reason}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Failed updates',
        'Updates of groups that did not become a round, by cause.',
        'ops',
        [
          [
            `sum by (group, error) (rate(oracle_update_errors_total{${G}}[$__rate_interval])) > 0`,
            '{{group}} {{error}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Feeds',
        'Age of every feed’s answer on chain.',
        's',
        [
          [
            `min by (feed) (time() - oracle_feed_last_update_timestamp_seconds{${F}})`,
            '{{feed}}',
            { instant: true, format: 'table' },
          ],
        ],
        { type: 'table', w: 24, h: 9 },
      ),
    ],
  },
  transactions: {
    title: 'Oracle Publisher / Transactions and gas',
    description: 'What is sent, what lands, how long it takes and what it costs.',
    panels: [
      panel(
        'Transactions',
        'Transactions by what became of them.',
        'ops',
        [
          [
            `sum by (adapter, status) (rate(blockchain_transactions_total{${C}}[$__rate_interval]))`,
            '{{adapter}} {{status}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Time to confirmation',
        'Time from the decision to the confirmed receipt, as quantiles, with the objective that follows from the block time.',
        's',
        [
          [
            `histogram_quantile(0.5, sum by (adapter, le) (rate(blockchain_transaction_duration_seconds_bucket{${C}}[5m])))`,
            '{{adapter}} p50',
          ],
          [
            `histogram_quantile(0.95, sum by (adapter, le) (rate(blockchain_transaction_duration_seconds_bucket{${C}}[5m])))`,
            '{{adapter}} p95',
          ],
          [`max by (adapter) (oracle:transaction_latency_objective_seconds{${C}})`, '{{adapter}} objective'],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Oldest pending',
        'Age of the oldest unconfirmed transaction; 0 without one. Over the limit it counts as stuck.',
        's',
        [
          [`max by (adapter) (oracle_transaction_oldest_pending_seconds{${C}})`, '{{adapter}}'],
          [`max by (adapter) (oracle:transaction_pending_limit_seconds{${C}})`, '{{adapter}} limit'],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Share that fails',
        'Reverted and failed transactions as a share of all that ended, over five minutes.',
        'percentunit',
        [
          [
            `sum by (adapter) (increase(blockchain_transactions_total{${C},status=~"reverted|failed"}[5m])) / (sum by (adapter) (increase(blockchain_transactions_total{${C},status=~"confirmed|reverted|failed"}[5m])) > 0)`,
            '{{adapter}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Gas an hour',
        'Gas used by confirmed and reverted transactions in the last hour.',
        'short',
        [[`sum by (adapter) (increase(blockchain_gas_used_total{${C}}[1h]))`, '{{adapter}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Gas a round',
        'Gas used for each round of a feed, over the last hour.',
        'short',
        [
          [
            `sum by (namespace) (increase(blockchain_gas_used_total{${N}}[1h])) / (sum by (namespace) (increase(oracle_updates_sent_total{${N}}[1h])) > 0)`,
            'gas a round',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Spending an hour',
        'Native currency spent in the last hour, and the mean hour of the last day.',
        'short',
        [
          [`sum by (adapter) (increase(oracle_transmitter_spend_total{${C}}[1h]))`, '{{adapter}} last hour'],
          [
            `sum by (adapter) (increase(oracle_transmitter_spend_total{${C}}[1d])) / 24`,
            '{{adapter}} mean hour',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Balance',
        'Balance of every transmitter key in the native currency, and the least balance configured.',
        'short',
        [
          [`min by (adapter, address) (oracle_transmitter_balance{${C}})`, '{{adapter}} {{address}}'],
          [`max by (adapter) (oracle_transmitter_min_balance{${C}}) > 0`, '{{adapter}} least'],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Runway',
        'Days that each balance lasts at the spending of the last day.',
        'd',
        [[`min by (adapter, address) (oracle_transmitter_runway_days{${C}})`, '{{adapter}} {{address}}']],
        {
          w: 12,
          h: 9,
          thresholds: ratio([
            ['red', null],
            ['orange', 1],
            ['green', 7],
          ]),
        },
      ),
      panel(
        'Fee at cap',
        '1 while the pending transaction bids the highest fee that the configuration allows.',
        'bool',
        [[`max by (adapter) (oracle_transmitter_fee_at_cap{${C}})`, '{{adapter}}']],
        { w: 12, h: 9 },
      ),
    ],
  },
  sources: {
    title: 'Oracle Publisher / Sources and guards',
    description: 'Where prices come from, what the polls end with, and what the guards hold back.',
    panels: [
      panel(
        'Age of the last value',
        'Time since each source gave a usable value.',
        's',
        [[`min by (source) (time() - oracle_source_last_success_timestamp_seconds{${N}})`, '{{source}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Polls',
        'Polls of all sources by result.',
        'ops',
        [[`sum by (result) (rate(oracle_source_requests_total{${N}}[$__rate_interval])) > 0`, '{{result}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Failed polls by source',
        'Polls that gave no usable value, by source and result.',
        'ops',
        [
          [
            `sum by (source, result) (rate(oracle_source_requests_total{${N},result!="ok"}[$__rate_interval])) > 0`,
            '{{source}} {{result}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Duration of a poll',
        '95 % of the polls of a source end within this time.',
        's',
        [
          [
            `histogram_quantile(0.95, sum by (source, le) (rate(oracle_source_duration_seconds_bucket{${N}}[5m])))`,
            '{{source}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Fresh sources by feed',
        'Sources whose observation was used at the last tick.',
        'short',
        [[`max by (feed) (oracle_feed_sources_fresh{${F}})`, '{{feed}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Held back by guards',
        'Ticks at which a guard kept a feed from having a price, by guard.',
        'ops',
        [
          [
            `sum by (feed, reason) (rate(oracle_decisions_total{${F},reason=~"no_observations|too_few_sources|spread_too_wide|not_positive|out_of_bounds|out_of_range|input_missing|jump_unconfirmed|held_back"}[$__rate_interval])) > 0`,
            '{{feed}} {{reason}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Markets closed',
        'Ticks at which the market of a feed was closed.',
        'ops',
        [
          [
            `sum by (feed) (rate(oracle_decisions_total{${F},reason="market_closed"}[$__rate_interval])) > 0`,
            '{{feed}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Peers',
        'Reports asked of the other operators, by peer and result.',
        'ops',
        [
          [
            `sum by (peer, result) (rate(oracle_peer_reports_total{${N}}[$__rate_interval])) > 0`,
            '{{peer}} {{result}}',
          ],
        ],
        { w: 12, h: 9, optional: true },
      ),
    ],
  },
  rpc: {
    title: 'Oracle Publisher / RPC and Redis',
    description: 'The endpoints of each chain, and the state store.',
    panels: [
      panel(
        'Chain health',
        '1 while at least one endpoint of the chain is healthy.',
        'bool',
        [[`max by (adapter) (blockchain_adapter_health{${C}})`, '{{adapter}}']],
        {
          type: 'stat',
          w: 8,
          h: 5,
          thresholds: ratio([
            ['red', null],
            ['green', 1],
          ]),
        },
      ),
      panel(
        'Redis',
        '1 while the state store answers a replica.',
        'bool',
        [[`min by (instance) (oracle_state_up{${N}})`, '{{instance}}']],
        {
          type: 'stat',
          w: 8,
          h: 5,
          thresholds: ratio([
            ['red', null],
            ['green', 1],
          ]),
        },
      ),
      panel(
        'Block time',
        'Seconds between blocks, from the heights that the endpoints told over ten minutes.',
        's',
        [[`max by (adapter) (oracle:block_seconds{${C}})`, '{{adapter}}']],
        { type: 'stat', w: 8, h: 5 },
      ),
      panel(
        'Endpoints',
        '1 while the endpoint is healthy, 0 while it is in quarantine.',
        'bool',
        [[`max by (adapter, endpoint) (oracle_rpc_endpoint_up{${C}})`, '{{adapter}} {{endpoint}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Height behind the best',
        'Blocks that each endpoint lags behind the one furthest ahead.',
        'short',
        [[LAG, '{{adapter}} {{endpoint}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Calls',
        'Calls to the endpoints of a chain.',
        'reqps',
        [[`sum by (adapter) (rate(blockchain_rpc_requests_total{${C}}[$__rate_interval]))`, '{{adapter}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Failed calls',
        'Failed calls by kind.',
        'ops',
        [
          [
            `sum by (adapter, error_type) (rate(blockchain_rpc_errors_total{${C}}[$__rate_interval])) > 0`,
            '{{adapter}} {{error_type}}',
          ],
        ],
        { w: 12, h: 9 },
      ),
      panel(
        'Share of calls that fail',
        'Failed calls as a share of all, over five minutes. The alert is at 1 %.',
        'percentunit',
        [
          [
            `sum by (adapter) (rate(blockchain_rpc_errors_total{${C}}[5m])) / sum by (adapter) (rate(blockchain_rpc_requests_total{${C}}[5m]))`,
            '{{adapter}}',
          ],
        ],
        {
          w: 12,
          h: 9,
          thresholds: ratio([
            ['green', null],
            ['red', 0.01],
          ]),
        },
      ),
    ],
  },
  replicas: {
    title: 'Oracle Publisher / Replicas',
    description: 'Who holds which group, how the loops run, which configuration is in force.',
    panels: [
      panel(
        'Holder of each group',
        '1 where the replica publishes the group. Each group has exactly one.',
        'bool',
        [[`max by (group, instance) (oracle_group_leader{${G}})`, '{{group}} {{instance}}']],
        { type: 'state-timeline', w: 24, h: 9 },
      ),
      panel(
        'Groups of a replica',
        'Groups that each replica holds.',
        'short',
        [[`sum by (instance) (oracle_group_leader{${G}})`, '{{instance}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Groups without a holder',
        'As each replica sees it. The autoscaler adds replicas while it is above 0.',
        'short',
        [[`max by (instance) (oracle_groups_without_holder{${N}})`, '{{instance}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Age of the last iteration',
        'Time since the publishing loop of each replica finished an iteration. Above 30 s it counts as stalled.',
        's',
        [[`time() - max by (instance) (oracle_loop_last_iteration_timestamp_seconds{${N}})`, '{{instance}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Tick lag',
        'How late the last tick was worked off.',
        's',
        [[`max by (instance) (oracle_loop_tick_lag_seconds{${N}})`, '{{instance}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'CPU',
        'CPU time that each replica uses, in cores.',
        'short',
        [[`rate(process_cpu_seconds_total{job="oracle-publisher",${N}}[$__rate_interval])`, '{{instance}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Memory',
        'Resident memory of each replica.',
        'bytes',
        [[`process_resident_memory_bytes{job="oracle-publisher",${N}}`, '{{instance}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Event loop',
        '99 % of the delays of the event loop are below this.',
        's',
        [[`nodejs_eventloop_lag_p99_seconds{job="oracle-publisher",${N}}`, '{{instance}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Configuration',
        '1 when the last load of the configuration was taken, 0 when it was refused.',
        'bool',
        [[`min by (instance) (oracle_config_reload_success{${N}})`, '{{instance}}']],
        { w: 12, h: 9 },
      ),
      panel(
        'Configuration in force',
        'Hash of the configuration of each replica. All show the same, but for the moments of a change.',
        'short',
        [[`max by (instance, hash) (oracle_config_hash_info{${N}})`, '', { instant: true, format: 'table' }]],
        { type: 'table', w: 24, h: 7 },
      ),
    ],
  },
  slo: {
    title: 'Oracle Publisher / Objectives',
    description:
      'Objectives: 99.9 % of the time each feed is within its heartbeat; 99 % of the transactions land.',
    panels: [
      panel(
        'Freshness, six hours',
        'Share of the time that feeds were within their heartbeats. Objective: 99.9 %.',
        'percentunit',
        [[`1 - oracle:feeds_past_heartbeat:ratio6h{${N}}`, '{{namespace}}']],
        {
          type: 'stat',
          w: 12,
          h: 5,
          thresholds: ratio([
            ['red', null],
            ['green', 0.999],
          ]),
        },
      ),
      panel(
        'Transactions, six hours',
        'Share of the transactions that landed. Objective: 99 %.',
        'percentunit',
        [[`1 - oracle:transactions_failed:ratio6h{${N}}`, '{{namespace}}']],
        {
          type: 'stat',
          w: 12,
          h: 5,
          thresholds: ratio([
            ['red', null],
            ['green', 0.99],
          ]),
        },
      ),
      panel(
        'Freshness: rate of burning',
        'How many times faster than allowed the budget of 0.1 % is spent. 14.4 pages, 6 opens a ticket.',
        'short',
        [
          [`oracle:feeds_past_heartbeat:ratio1h{${N}} / 0.001`, '1 h'],
          [`oracle:feeds_past_heartbeat:ratio6h{${N}} / 0.001`, '6 h'],
        ],
        {
          w: 12,
          h: 9,
          thresholds: ratio([
            ['green', null],
            ['orange', 6],
            ['red', 14.4],
          ]),
        },
      ),
      panel(
        'Transactions: rate of burning',
        'How many times faster than allowed the budget of 1 % is spent. 14.4 pages, 6 opens a ticket.',
        'short',
        [
          [`oracle:transactions_failed:ratio1h{${N}} / 0.01`, '1 h'],
          [`oracle:transactions_failed:ratio6h{${N}} / 0.01`, '6 h'],
        ],
        {
          w: 12,
          h: 9,
          thresholds: ratio([
            ['green', null],
            ['orange', 6],
            ['red', 14.4],
          ]),
        },
      ),
      panel(
        'Feeds against their heartbeats',
        'Age as a share of the heartbeat, closed markets left out. Above 100 % the objective is missed.',
        'percentunit',
        [[`oracle:feed_lateness_ratio{${F}}`, '{{feed}}']],
        {
          w: 24,
          h: 9,
          thresholds: ratio([
            ['green', null],
            ['red', 1],
          ]),
        },
      ),
      panel(
        'Time to confirmation',
        'p95 against the objective that follows from the block time.',
        's',
        [
          [`oracle:transaction_latency_seconds:p95{${C}}`, '{{adapter}} p95'],
          [`oracle:transaction_latency_objective_seconds{${C}}`, '{{adapter}} objective'],
        ],
        { w: 24, h: 9 },
      ),
    ],
  },
};

const graph = { drawStyle: 'line', lineWidth: 1, fillOpacity: 8, showPoints: 'never', spanNulls: false };

function buildPanels(panels) {
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  return panels.map(
    ({ title, description, unit, targets, type = 'timeseries', w, h, thresholds, optional }, index) => {
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
              ? { custom: { ...graph, ...(thresholds ? { thresholdsStyle: { mode: 'line' } } : {}) } }
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
        targets: targets.map(([expr, legendFormat, extra = {}], at) => ({
          refId: String.fromCharCode(65 + at),
          datasource: DATASOURCE,
          expr,
          legendFormat,
          ...extra,
        })),
      };
    },
  );
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
