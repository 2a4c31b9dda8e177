# Sourced by whoever works with the runbooks: `. runbooks/shell.sh`. Sets what their commands use; set any of it before.
# shellcheck shell=bash
: "${NAMESPACE:=oracle-prod}"                       # where the publisher runs
: "${PUBLISHER:=http://127.0.0.1:8080}"             # a replica's status port
: "${SHADOW:=http://127.0.0.1:18080}"               # the status port of a shadow, see deployment.md
: "${SHADOW_MINUTES:=60}"                           # how long it is compared
: "${METRICS:=http://127.0.0.1:8000}"               # its metrics port
: "${PROMETHEUS:=http://127.0.0.1:9090}"
: "${ALERTMANAGER:=http://127.0.0.1:9093}"
: "${RPC_URL:=http://127.0.0.1:8545}"               # an endpoint of the chain
: "${VALIDATE_RPC_URL:=}"                           # endpoints that the publisher does not use, for failover-validate.mjs
: "${AGGREGATOR_ADDRESS:=0x0000000000000000000000000000000000000001}"
: "${GROUP:=default}"                               # name of the group in question
: "${GROUP_ID:=1}"                                  # and its id on chain
: "${STATE_URL:=memory:}"
: "${POD:=}"                                        # name of the pod in question
: "${LOGS:=}"                                       # a log file; the cluster's logs when empty
export GROUP NAMESPACE PUBLISHER METRICS PROMETHEUS ALERTMANAGER RPC_URL VALIDATE_RPC_URL AGGREGATOR_ADDRESS GROUP_ID STATE_URL
RUNBOOKS_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$RUNBOOKS_ROOT/node_modules/.bin:$PATH

# Asks Prometheus: ask 'EXPRESSION'
ask() { node "$RUNBOOKS_ROOT/scripts/ops/ask.mjs" "$1"; }

# The newest log lines of all replicas, of the events named: logs [EVENT…]
logs() {
  local pattern=''
  [ $# -eq 0 ] || pattern="\"event\":\"($(IFS='|'; echo "$*"))\""
  if [ -n "$LOGS" ]; then cat "$LOGS"; else
    kubectl -n "$NAMESPACE" logs -l app.kubernetes.io/name=oracle-publisher,app.kubernetes.io/component=publisher \
      --since=30m --tail=-1 --ignore-errors
  fi | { grep -E "$pattern" || true; } |
    # Pod comes after pod; a line without a time belongs to the one before it.
    awk '{ if (match($0, /"time":"[^"]+"/)) time = substr($0, RSTART, RLENGTH); print time, $0 }' |
    sort -s -k 1,1 | cut -d ' ' -f 2- | tail -n 20
}

# What a read-only function of the contract answers: chain 'getGroup(uint8)(…)' ARGUMENTS…
chain() { cast call --rpc-url "${RPC_URL%%,*}" "$AGGREGATOR_ADDRESS" "$@"; }

oracle-publisher() { node "$RUNBOOKS_ROOT/dist/cli/main.js" "$@"; }
