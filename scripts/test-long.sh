#!/usr/bin/env bash
# The long tests side by side: they wait for blocks and deadlines more than they compute. Each prints its output when it
# ends; the exit code is 1 when one of them failed.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
trap 'rm -rf "$logs"; kill $(jobs -p) 2>/dev/null || true' EXIT
declare -A running=()

begin() {
  local name=$1
  shift
  "$@" >"$logs/$name" 2>&1 </dev/null &
  running[$name]=$!
}

finish() {
  local name=$1 result=passed
  wait "${running[$name]}" || {
    result=FAILED
    failed+=("$name")
  }
  printf '\n== %s: %s\n' "$name" "$result"
  cat "$logs/$name"
}

failed=()
begin e2e vitest run --project e2e
begin ops vitest run --project ops
begin chaos vitest run --project chaos
begin soak tsx scripts/soak.ts --minutes 2 --seed 7
for name in chaos soak ops; do finish "$name"; done
begin drills vitest run --project drills --maxWorkers 3
for name in e2e drills; do finish "$name"; done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
