#!/usr/bin/env bash
# How scripts/failover.sh reaches a region that is a Kubernetes cluster. A region's name is its kubectl context.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/failover-kubectl.sh reachable|stop|start|status|state-url CONTEXT

  NAMESPACE  where the publisher runs (default oracle-prod)
  REPLICAS   how many to start with (default 2); the autoscaler takes over from there
HELP
}
case "${1:-}" in --help | -h) usage; exit 0 ;; esac
[ $# -eq 2 ] || { usage >&2; exit 2; }
verb=$1 context=$2 namespace=${NAMESPACE:-oracle-prod}
kube() { kubectl --context "$context" --namespace "$namespace" --request-timeout=20s "$@"; }
case "$verb" in
  reachable) kube get deployment/oracle-publisher --output name >/dev/null ;;
  stop)
    # No replicas also means that the autoscaler leaves it alone. The pods let a transaction in flight settle.
    kube scale deployment/oracle-publisher --replicas=0
    kubectl --context "$context" --namespace "$namespace" wait --for=delete pod \
      --selector app.kubernetes.io/name=oracle-publisher,app.kubernetes.io/component=publisher --timeout=120s
    ;;
  start)
    kube scale deployment/oracle-publisher --replicas="${REPLICAS:-2}"
    kubectl --context "$context" --namespace "$namespace" rollout status deployment/oracle-publisher --timeout=300s
    ;;
  status)
    for pod in $(kube get pods --field-selector status.phase=Running \
      --selector app.kubernetes.io/name=oracle-publisher,app.kubernetes.io/component=publisher --output name); do
      kube exec "$pod" --container publisher -- node dist/cli/main.js status --json
    done
    ;;
  state-url) kube get secret/oracle-redis --output 'jsonpath={.data.STATE_URL}' | base64 --decode ;;
  *) usage >&2; exit 2 ;;
esac
