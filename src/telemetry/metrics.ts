/** Every metric of the daemon, declared once. Labels come from closed sets; children start at zero through `declare`. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { DECISION_REASONS } from '../common/words.js';

export interface MetricsOptions {
  /** Process metrics (memory, event loop) as well; off in unit tests. */
  readonly processMetrics?: boolean;
}

export type Metrics = ReturnType<typeof createMetrics>;

const SECONDS_OF_TRANSACTION = [0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 21, 34, 55, 90, 180];
const SECONDS_OF_REQUEST = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What a source's poll can end with; Connect's typed response codes, as a closed list. */
export const SOURCE_RESULTS = [
  'ok',
  'timeout',
  'network',
  'http_status',
  'rate_limited',
  'forbidden',
  'too_large',
  'not_json',
  'path_missing',
  'not_a_number',
  'out_of_range',
  'time_invalid',
  'venue_error',
  'market_suspended',
  'stale',
  'breaker_open',
  'disconnected',
] as const;
export type SourceResult = (typeof SOURCE_RESULTS)[number];

/** What a call to a chain endpoint can fail with. */
export const RPC_ERROR_TYPES = [
  'timeout',
  'network',
  'http_status',
  'rate_limited',
  'invalid_reply',
  'rpc_error',
  'wrong_chain',
  'height_lag',
  'height_regression',
] as const;
export type RpcErrorType = (typeof RPC_ERROR_TYPES)[number];

export const TRANSACTION_OPERATIONS = ['transmit', 'cancel'] as const;
export const TRANSACTION_STATUSES = [
  'sent',
  'confirmed',
  'reverted',
  'replaced',
  'failed',
  'withdrawn',
] as const;
export type TransactionStatus = (typeof TRANSACTION_STATUSES)[number];

/** Why an update did not become a round. */
export const UPDATE_ERRORS = [
  'reverted',
  'someone_faster',
  'unauthorised',
  'too_few_signatures',
  'late',
  'paused',
  'send_failed',
  'not_confirmed',
  'reorganised',
  'fee_cap',
  'budget',
  'balance',
  'signing',
  'clock_ahead',
  'internal',
] as const;
export type UpdateError = (typeof UPDATE_ERRORS)[number];

/** What asking a peer for its signed report can end with. */
export const PEER_RESULTS = [
  'ok',
  'not_found',
  'timeout',
  'network',
  'http_status',
  'too_large',
  'invalid_signature',
  'not_a_signer',
  'other_round',
] as const;
export type PeerResult = (typeof PEER_RESULTS)[number];

/** What happens to a replica's leases, as a closed list: metric label, log field, change told to the publisher. */
export const LEASE_EVENTS = [
  'key_claimed',
  'key_released',
  'key_lost',
  'group_acquired',
  'group_released',
  'group_lost',
  /** The store is away: what is held stays held. */
  'carrying_on',
  'store_back',
  /** Without the store: the chain shows another's round in a group held here. */
  'stood_down',
  /** Without the store: a group that the chain shows late, or a key for it, was taken. */
  'taken_over',
  /** This process was stopped for longer than a lease lasts. */
  'woken',
] as const;
export type LeaseEvent = (typeof LEASE_EVENTS)[number];

export const REPLICA_ROLES = ['alone', 'holder', 'standby', 'blind', 'without_store', 'released'] as const;
export type ReplicaRole = (typeof REPLICA_ROLES)[number];

/** Creates all metrics in a registry of their own. */
export function createMetrics({ processMetrics = false }: MetricsOptions = {}) {
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ) => new Histogram<L>({ name, help, labelNames: [...labelNames], buckets, registers });

  const metrics = {
    registry,
    updatesSent: counter('oracle_updates_sent_total', 'Rounds of a feed that were confirmed on chain', [
      'feed',
    ]),
    updateErrors: counter(
      'oracle_update_errors_total',
      'Updates of a group that did not become a round, by cause',
      ['group', 'error'],
    ),
    transactions: counter('blockchain_transactions_total', 'Transactions by what became of them', [
      'adapter',
      'operation',
      'status',
    ]),
    transactionSeconds: histogram(
      'blockchain_transaction_duration_seconds',
      'Time from the decision to the confirmed receipt',
      ['adapter', 'operation'],
      SECONDS_OF_TRANSACTION,
    ),
    rpcRequests: counter('blockchain_rpc_requests_total', 'Calls to chain endpoints', ['adapter']),
    rpcErrors: counter('blockchain_rpc_errors_total', 'Failed calls to chain endpoints, by kind', [
      'adapter',
      'error_type',
    ]),
    adapterHealth: gauge(
      'blockchain_adapter_health',
      '1 while at least one endpoint of the chain is healthy, else 0',
      ['adapter'],
    ),
    contractReverts: counter(
      'blockchain_reverts_total',
      'Reverts of the contract, simulated or on chain, by its named error',
      ['adapter', 'error'],
    ),
    gasUsed: counter('blockchain_gas_used_total', 'Gas used by confirmed and reverted transactions', [
      'adapter',
    ]),

    feedAnswer: gauge('oracle_feed_answer', 'Last present answer on chain, in the unit of the feed', [
      'feed',
    ]),
    feedLastUpdate: gauge(
      'oracle_feed_last_update_timestamp_seconds',
      'updatedAt of the feed as consumers read it',
      ['feed'],
    ),
    feedHeartbeat: gauge('oracle_feed_heartbeat_seconds', 'Heartbeat of the feed', ['feed']),
    feedDeviation: gauge(
      'oracle_feed_deviation_ratio',
      'Deviation of the price from the answer on chain over its threshold; 1 is due',
      ['feed'],
    ),
    feedSourcesFresh: gauge(
      'oracle_feed_sources_fresh',
      'Sources whose observation was used at the last tick',
      ['feed'],
    ),
    decisions: counter('oracle_decisions_total', 'Verdicts per feed and tick', ['feed', 'reason']),

    sourceRequests: counter('oracle_source_requests_total', 'Polls of a source by result', [
      'source',
      'result',
    ]),
    sourceSeconds: histogram(
      'oracle_source_duration_seconds',
      'Duration of a poll',
      ['source'],
      SECONDS_OF_REQUEST,
    ),
    sourceLastSuccess: gauge(
      'oracle_source_last_success_timestamp_seconds',
      'Last time that a source gave a usable value',
      ['source'],
    ),

    loopLastIteration: gauge(
      'oracle_loop_last_iteration_timestamp_seconds',
      'Last finished iteration of the publishing loop',
      [],
    ),
    groupRound: gauge('oracle_group_round', 'Number of the last round on chain', ['group', 'adapter']),
    groupLeader: gauge('oracle_group_leader', '1 while this replica publishes the group, else 0', ['group']),
    groupsWithoutHolder: gauge(
      'oracle_groups_without_holder',
      'Groups of the configuration that no replica holds a lease of, as this replica sees it; for the autoscaler',
      [],
    ),
    tickLag: gauge(
      'oracle_loop_tick_lag_seconds',
      'How late the last tick was worked off; for the autoscaler',
      [],
    ),
    groupThreshold: gauge('oracle_group_threshold', 'Signatures that a round of the group needs', ['group']),
    groupSignatures: gauge(
      'oracle_group_signatures',
      'Valid signatures, the own ones included, that the last attempt at a round had',
      ['group'],
    ),
    peerReports: counter('oracle_peer_reports_total', 'Requests for the signed report of a peer, by result', [
      'peer',
      'result',
    ]),
    oldestPending: gauge(
      'oracle_transaction_oldest_pending_seconds',
      'Age of the oldest unconfirmed transaction, 0 without one',
      ['adapter'],
    ),
    transmitterBalance: gauge(
      'oracle_transmitter_balance',
      'Balance of a transmitter key in the native currency',
      ['adapter', 'address'],
    ),
    transmitterRunwayDays: gauge(
      'oracle_transmitter_runway_days',
      'Days that the balance lasts at the spending of the last day',
      ['adapter', 'address'],
    ),
    transmitterMinBalance: gauge(
      'oracle_transmitter_min_balance',
      'Configured balance below which a transmitter key of the chain is low; 0 switches the alert off',
      ['adapter'],
    ),
    transmitterFeeAtCap: gauge(
      'oracle_transmitter_fee_at_cap',
      '1 while the pending transaction bids the highest fee allowed',
      ['adapter'],
    ),
    transmitterSpend: counter('oracle_transmitter_spend_total', 'Native currency spent on transactions', [
      'adapter',
    ]),
    configReload: gauge(
      'oracle_config_reload_success',
      '1 when the last load of the configuration was taken, 0 when it was refused',
      [],
    ),
    configRefused: counter('oracle_config_refused_total', 'Changed configurations that were refused', []),
    configReloadTime: gauge(
      'oracle_config_last_reload_timestamp_seconds',
      'Time of the last load that was taken',
      [],
    ),
    configHash: gauge('oracle_config_hash_info', 'The configuration in force', ['hash']),
    rpcEndpointUp: gauge(
      'oracle_rpc_endpoint_up',
      '1 while the endpoint is healthy; the endpoint is its host and place in the list',
      ['adapter', 'endpoint'],
    ),
    rpcEndpointHeight: gauge('oracle_rpc_endpoint_height', 'Newest block number that the endpoint told', [
      'adapter',
      'endpoint',
    ]),
    keysFree: gauge(
      'oracle_transmitter_keys_free',
      'Keys of the pool that no replica has claimed, as this replica sees it; 0 means that a further replica stands by',
      [],
    ),
    replicasActive: gauge(
      'oracle_replicas_active',
      'Replicas that have claimed a key, this one included',
      [],
    ),
    replicaRole: gauge('oracle_replica_role', '1 for the role that this replica has now, else 0', ['role']),
    leaseEvents: counter('oracle_lease_events_total', 'What happened to this replica and its leases', [
      'event',
    ]),
    leaseAge: gauge(
      'oracle_lease_age_seconds',
      'Longest time since the store confirmed a lease held here; grows while the store is away, 0 without leases',
      [],
    ),
    leaseSeconds: histogram(
      'oracle_lease_write_duration_seconds',
      'Duration of a claim, renewal or release that the store answered',
      [],
      SECONDS_OF_REQUEST,
    ),
    stateUp: gauge('oracle_state_up', '1 while the state store answers', []),
    stateErrors: counter('oracle_state_errors_total', 'Failed calls to the state store, by cause', ['code']),
  };

  return {
    ...metrics,
    /** Starts every child of a feed at zero, so that a rate over it is right from the first event on. */
    declareFeed(feed: string): void {
      metrics.updatesSent.inc({ feed }, 0);
      for (const reason of DECISION_REASONS) metrics.decisions.inc({ feed, reason }, 0);
    },
    declareGroup(group: string): void {
      for (const error of UPDATE_ERRORS) metrics.updateErrors.inc({ group, error }, 0);
    },
    declareSource(source: string): void {
      for (const result of SOURCE_RESULTS) metrics.sourceRequests.inc({ source, result }, 0);
    },
    declarePeer(peer: string): void {
      for (const result of PEER_RESULTS) metrics.peerReports.inc({ peer, result }, 0);
    },
    declareChain(adapter: string): void {
      metrics.rpcRequests.inc({ adapter }, 0);
      metrics.gasUsed.inc({ adapter }, 0);
      metrics.transmitterSpend.inc({ adapter }, 0);
      metrics.oldestPending.set({ adapter }, 0);
      metrics.transmitterFeeAtCap.set({ adapter }, 0);
      for (const error_type of RPC_ERROR_TYPES) metrics.rpcErrors.inc({ adapter, error_type }, 0);
      for (const operation of TRANSACTION_OPERATIONS)
        for (const status of TRANSACTION_STATUSES)
          metrics.transactions.inc({ adapter, operation, status }, 0);
    },
  };
}
