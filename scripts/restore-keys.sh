#!/usr/bin/env bash
# Decrypts a backup of key files with one recipient's identity. Existing files are never overwritten.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/restore-keys.sh --in FILE --identity FILE --out DIRECTORY     writes the key files, mode 0600
       scripts/restore-keys.sh --in FILE --identity FILE --check             proves that it can be read, writes nothing
       scripts/restore-keys.sh --in FILE --identity FILE --stdout NAME       one key to standard output, for a pipe:
           see runbooks/keys.md
HELP
}

fail() { echo "restore-keys: $*" >&2; exit 1; }
in='' identity='' out='' mode='' name=''
while [ $# -gt 0 ]; do
  case "$1" in
    --in) in=${2:?--in needs a file}; shift 2 ;;
    --identity) identity=${2:?--identity needs a file}; shift 2 ;;
    --out) out=${2:?--out needs a directory}; mode=files; shift 2 ;;
    --check) mode=check; shift ;;
    --stdout) name=${2:?--stdout needs a name}; mode=stdout; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown argument: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[ -n "$in" ] && [ -n "$identity" ] && [ -n "$mode" ] || { usage >&2; exit 2; }
command -v age >/dev/null || fail 'age is not installed'
[ -r "$in" ] || fail "cannot read $in"
[ -r "$identity" ] || fail "cannot read $identity"
if [ "$mode" = stdout ] && [ -t 1 ]; then fail 'standard output is a terminal; a key is not shown, pipe it'; fi

umask 077
age --decrypt --identity "$identity" "$in" | node -e '
  const { readFileSync, mkdirSync, writeFileSync, existsSync } = require("node:fs");
  const { join, basename } = require("node:path");
  const { createHash } = require("node:crypto");
  const [mode, out, wanted] = process.argv.slice(1);
  const fail = (message) => { console.error(`restore-keys: ${message}`); process.exit(1); };
  let backup;
  try { backup = JSON.parse(readFileSync(0, "utf8")); } catch { fail("not decrypted, or no backup of keys"); }
  if (backup.format !== "oracle-publisher-keys/1") fail("this is no backup of keys");
  const keys = backup.keys.map(({ name, content, sha256 }) => {
    const bytes = Buffer.from(content, "base64");
    if (name !== basename(name) || name.startsWith(".")) fail("a name in the backup is no plain file name");
    if (createHash("sha256").update(bytes).digest("hex") !== sha256) fail(`${name} is damaged`);
    return { name, bytes };
  });
  if (mode === "stdout") {
    const key = keys.find(({ name }) => name === wanted);
    if (!key) fail(`no key is called ${wanted}; there are: ${keys.map(({ name }) => name).join(", ")}`);
    process.stdout.write(key.bytes);
  } else {
    if (mode === "files") {
      for (const { name } of keys) if (existsSync(join(out, name))) fail(`${join(out, name)} exists already`);
      mkdirSync(out, { recursive: true, mode: 0o700 });
      for (const { name, bytes } of keys) writeFileSync(join(out, name), bytes, { mode: 0o600, flag: "wx" });
    }
    console.log(`${keys.length} key file(s) of ${backup.takenAt}: ${keys.map(({ name }) => name).join(", ")}`);
  }
' "$mode" "$out" "$name"
