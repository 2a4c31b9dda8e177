#!/usr/bin/env bash
# Restores a backup of the publisher's state into a Redis. Safe at any time: the publisher checks what it reads here
# against the chain before it acts on it.
set -euo pipefail

usage() { echo 'usage: STATE_URL=redis://… scripts/restore-state.sh --in FILE --identity FILE'; }
fail() { echo "restore-state: $*" >&2; exit 1; }
in='' identity=''
while [ $# -gt 0 ]; do
  case "$1" in
    --in) in=${2:?--in needs a file}; shift 2 ;;
    --identity) identity=${2:?--identity needs a file}; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown argument: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[ -n "$in" ] && [ -n "$identity" ] || { usage >&2; exit 2; }
[ -n "${STATE_URL:-}" ] || fail 'STATE_URL is not set'
command -v age >/dev/null || fail 'age is not installed'
root=$(cd "$(dirname "$0")/.." && pwd)
age --decrypt --identity "$identity" "$in" | node "$root/scripts/ops/state-copy.mjs" load
