#!/usr/bin/env bash
# Moves the publisher from one region to another, validates it there, and says how long it took. Failing back is the same
# command with the regions exchanged and --planned.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/failover.sh --from REGION --to REGION [--planned] [--state FILE --identity FILE] [--deadline SECONDS] [--driver PROGRAM]

  --planned    the old region must be reachable and is stopped gracefully first; without it, it is stopped if it can be
               reached, and left behind if not
  --state      restore this backup of the state into the new region first (see scripts/restore-state.sh)
  --identity   the age identity that opens it
  --deadline   seconds until the new region must be valid (default 900, the objective for recovery)
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

started=$(date +%s)
step() { echo "[$(($(date +%s) - started)) s] $*"; }

"$driver" reachable "$to" || { echo "$to cannot be reached: nothing was changed" >&2; exit 1; }
if "$driver" reachable "$from"; then
  step "stopping $from"
  "$driver" stop "$from"
elif [ "$planned" = yes ]; then
  echo "$from cannot be reached, but this is planned: nothing was changed" >&2
  exit 1
else
  step "$from cannot be reached; stop it as soon as it is back: $driver stop $from"
fi
if [ -n "$state" ]; then
  step "restoring the state into $to"
  STATE_URL=$("$driver" state-url "$to") "$root/scripts/restore-state.sh" --in "$state" --identity "$identity"
fi
step "starting $to"
"$driver" start "$to"
step "validating $to"
until finding=$("$driver" status "$to" 2>/dev/null | node "$root/scripts/failover-validate.mjs"); do
  if [ $(($(date +%s) - started)) -ge "$deadline" ]; then
    echo "$to is not valid after $deadline s: ${finding:-no status}" >&2
    exit 1
  fi
  sleep 1
done
step "$finding"
step "done: $to publishes"
