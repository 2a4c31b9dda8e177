#!/usr/bin/env bash
# Encrypts key files for several people at once (age). The clear text goes through a pipe and never touches a disk.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/backup-keys.sh --recipients FILE --out FILE KEYFILE…
       … | scripts/backup-keys.sh --recipients FILE --out FILE --stdin NAME

  --recipients  age public keys (age1…), one a line, # for comments; at least two, so that no single person's loss or
                absence is the loss of the keys
  --out         the encrypted backup; must not exist yet
  --stdin NAME  take one key from standard input and call it NAME, for a key that lies in a Kubernetes Secret
HELP
}

fail() { echo "backup-keys: $*" >&2; exit 1; }
recipients='' out='' name=''
files=()
while [ $# -gt 0 ]; do
  case "$1" in
    --recipients) recipients=${2:?--recipients needs a file}; shift 2 ;;
    --out) out=${2:?--out needs a file}; shift 2 ;;
    --stdin) name=${2:?--stdin needs a name}; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    -*) echo "unknown argument: $1" >&2; usage >&2; exit 2 ;;
    *) files+=("$1"); shift ;;
  esac
done
[ -n "$recipients" ] && [ -n "$out" ] || { usage >&2; exit 2; }
if [ -n "$name" ]; then
  [ ${#files[@]} -eq 0 ] || { usage >&2; exit 2; }
  [[ $name =~ ^[A-Za-z0-9._-]+$ ]] || fail "--stdin: '$name' is no plain file name"
else
  [ ${#files[@]} -gt 0 ] || { usage >&2; exit 2; }
fi
command -v age >/dev/null || fail 'age is not installed'
[ -r "$recipients" ] || fail "cannot read $recipients"
count=$(grep -cE '^age1[0-9a-z]+$' "$recipients" || true)
[ "$count" -ge 2 ] || fail "$recipients names $count recipients; at least two are needed"
[ ! -e "$out" ] || fail "$out exists already; backups are not overwritten"

umask 077
draft=$(mktemp "$out.XXXXXX")
trap 'rm -f "$draft"' EXIT
# The archive as a node program, so that a key from standard input needs no file: JSON of names, contents and hashes.
pack() {
  node -e '
    const { readFileSync } = require("node:fs");
    const { basename } = require("node:path");
    const { createHash } = require("node:crypto");
    const [name, ...files] = process.argv.slice(1);
    const entries = name ? [[name, readFileSync(0)]] : files.map((file) => [basename(file), readFileSync(file)]);
    if (new Set(entries.map(([entry]) => entry)).size !== entries.length) { console.error("two files have the same name"); process.exit(1); }
    if (entries.some(([, content]) => content.length === 0)) { console.error("a key is empty"); process.exit(1); }
    process.stdout.write(JSON.stringify({ format: "oracle-publisher-keys/1", takenAt: new Date().toISOString(), keys:
      entries.map(([entry, content]) => ({ name: entry, content: content.toString("base64"), sha256: createHash("sha256").update(content).digest("hex") })) }));
  ' "$name" "${files[@]}"
}
pack | age --encrypt --recipients-file "$recipients" >"$draft"
head -c 21 "$draft" | grep -q 'age-encryption.org/v1' || fail 'what age wrote is no age file'
mv "$draft" "$out"
trap - EXIT
if [ -n "$name" ]; then kept=1; else kept=${#files[@]}; fi
echo "$out: $kept key file(s) for $count recipients"
echo 'Try it now: scripts/restore-keys.sh --in THIS --identity YOURS --check'
