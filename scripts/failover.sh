#!/usr/bin/env bash
# Moves the publisher from one region to another, validates it there, and says how long it took. Failing back is the same
# command with the regions exchanged and --planned.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/failover.sh --from REGION --to REGION [--planned] [--state FILE --identity FILE] [--deadline SECONDS] [--driver PROGRAM]

  --planned    the old region must be reachable and is stopped gracefully first, and the first thing that fails ends it;
               without it, the old region is stopped if it can be, and left behind if not
  --state      restore this backup of the state into the new region first (see scripts/restore-state.sh); where that fails,
               an unplanned failover goes on without: the chain is the truth
  --identity   the age identity that opens it
  --deadline   seconds until the new region must be valid (default 900, the objective for recovery)
  VALIDATE_RPC_URL  endpoints that the regions do not use, to compare the rounds with (see scripts/failover-validate.mjs)
  --driver     how a region is reached (default: scripts/failover-kubectl.sh); called as
                 PROGRAM reachable|stop|start|status|state-url REGION

What protects consumers meanwhile is the contract: it takes each round once, so even an old region that wakes up in the
middle can write no second round. Stop it all the same: with the same keys it would waste gas.
HELP
}

root=$(cd "$(dirname "$0")/.." && pwd)
from='' to='' planned=no state='' identity='' deadline=900 driver=$root/scripts/failover-kubectl.sh
while [ $# -gt 0 ]; do
  case "$1" in
    --from) from=${2:?--from needs a region}; shift 2 ;;
    --to) to=${2:?--to needs a region}; shift 2 ;;
    --planned) planned=yes; shift ;;
    --state) state=${2:?--state needs a file}; shift 2 ;;
    --identity) identity=${2:?--identity needs a file}; shift 2 ;;
    --deadline) deadline=${2:?--deadline needs seconds}; shift 2 ;;
    --driver) driver=${2:?--driver needs a program}; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown argument: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[ -n "$from" ] && [ -n "$to" ] && [ "$from" != "$to" ] || { usage >&2; exit 2; }
[ -z "$state" ] || [ -n "$identity" ] || { echo '--state needs --identity' >&2; exit 2; }
[[ $deadline =~ ^[0-9]+$ ]] || { echo '--deadline must be a number of seconds' >&2; exit 2; }
[ -x "$driver" ] || { echo "cannot run $driver" >&2; exit 2; }

# A stop that takes longer than this has failed: the pods get 90 s, and nobody waits for a dead node.
readonly STOP_SECONDS=180
started=$(date +%s)
step() { echo "[$(($(date +%s) - started)) s] $*"; }
warn() { step "WARNING: $*" >&2; }
late() { [ $(($(date +%s) - started)) -ge "$deadline" ]; }
give_up() { echo "$*" >&2; exit 1; }
restore() {
  local url
  url=$("$driver" state-url "$to") && STATE_URL=$url "$root/scripts/restore-state.sh" --in "$state" --identity "$identity"
}

"$driver" reachable "$to" || give_up "$to cannot be reached: nothing was changed"
reachable=yes
"$driver" reachable "$from" || reachable=no
[ $reachable = yes ] || [ $planned = no ] || give_up "$from cannot be reached, but this is planned: nothing was changed"

# Before anything is stopped: a planned failover that cannot restore has changed nothing.
if [ -n "$state" ]; then
  step "restoring the state into $to"
  if ! restore; then
    [ $planned = no ] || give_up "the state could not be restored into $to, and this is planned: nothing was stopped"
    warn "the state could not be restored into $to; going on without it: the publisher takes rounds and nonces from the chain"
  fi
fi
if [ $reachable = no ]; then
  step "$from cannot be reached; stop it as soon as it is back: $driver stop $from"
else
  step "stopping $from"
  if ! timeout "$STOP_SECONDS" "$driver" stop "$from"; then
    [ $planned = no ] ||
      give_up "$from did not stop, and this is planned: $to was not started. Put $from back with: $driver start $from"
    warn "$from did not stop, and may still publish; going on: the contract takes each round once, so both together" \
      "only waste gas. See that it stops: $driver stop $from"
  fi
fi
step "starting $to"
until "$driver" start "$to"; do
  ! late || give_up "$to could not be started within $deadline s"
  warn "starting $to failed; trying again"
  sleep 1
done
step "validating $to"
said='' problems=$(mktemp)
trap 'rm -f "$problems"' EXIT
until finding=$("$driver" status "$to" 2>"$problems" | node "$root/scripts/failover-validate.mjs"); do
  # What the driver says explains a status that is missing or cut.
  finding="${finding:-no status}$(sed 's/^/; /' "$problems" | tail -n 1)"
  ! late || give_up "$to is not valid after $deadline s: $finding"
  [ "$finding" = "$said" ] || step "not yet: $finding"
  said=$finding
  sleep 1
done
step "$finding"
step "done: $to publishes"
