#!/usr/bin/env bash
# Backs up the publisher's state (rounds, transaction journal, audit stream) from Redis, encrypted for several people.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: STATE_URL=redis://… scripts/backup-state.sh --recipients FILE --out FILE

The chain is the truth, so a lost state costs no round; the backup keeps the journal (a faster restart) and the audit.
  --recipients  age public keys, one a line
  --out         the encrypted backup; must not exist yet
HELP
}

fail() { echo "backup-state: $*" >&2; exit 1; }
recipients='' out=''
while [ $# -gt 0 ]; do
  case "$1" in
    --recipients) recipients=${2:?--recipients needs a file}; shift 2 ;;
    --out) out=${2:?--out needs a file}; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown argument: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[ -n "$recipients" ] && [ -n "$out" ] || { usage >&2; exit 2; }
[ -n "${STATE_URL:-}" ] || fail 'STATE_URL is not set'
command -v age >/dev/null || fail 'age is not installed'
[ ! -e "$out" ] || fail "$out exists already; backups are not overwritten"
root=$(cd "$(dirname "$0")/.." && pwd)
umask 077
draft=$(mktemp "$out.XXXXXX")
trap 'rm -f "$draft"' EXIT
node "$root/scripts/ops/state-copy.mjs" dump | age --encrypt --recipients-file "$recipients" >"$draft"
mv "$draft" "$out"
trap - EXIT
echo "$out"
