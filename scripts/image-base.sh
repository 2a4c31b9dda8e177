#!/usr/bin/env bash
# Makes a stand-in for the Node base image out of this machine's own Node, npm and libraries, for tests on machines that
# can pull no image. Not for production.
set -euo pipefail

usage() { echo 'usage: scripts/image-base.sh [TAG]    (default: localhost/node-stand-in:local)'; }
case "${1:-}" in --help | -h) usage; exit 0 ;; -*) usage >&2; exit 2 ;; esac
tag=${1:-localhost/node-stand-in:local}
command -v buildah >/dev/null 2>&1 || { echo 'buildah is missing: scripts/ops/install-test-tools.sh --image' >&2; exit 1; }

node=$(readlink -f "$(command -v node)")
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
# What `npm ci` and the build need beside Node: a shell and the tools that npm's scripts call.
tools=("$(readlink -f /bin/sh)" /bin/bash /usr/bin/env /bin/ls /bin/cat /bin/mkdir /bin/rm /bin/cp /bin/mv /bin/chmod /usr/bin/dirname /bin/uname /bin/sed)

container=$(buildah from scratch)
trap 'buildah rm "$container" >/dev/null' EXIT
rootfs=$(buildah mount "$container")
mkdir -p "$rootfs"/{bin,tmp,root,etc,proc,sys,dev,usr/bin,usr/local/bin,usr/local/lib/node_modules,var/tmp}
chmod 1777 "$rootfs/tmp" "$rootfs/var/tmp"
ln -s ../usr/local/bin/node "$rootfs/usr/bin/node"
cp "$node" "$rootfs/usr/local/bin/node"
cp -r "$npm" "$rootfs/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$rootfs/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$rootfs/usr/local/bin/npx"
for tool in "${tools[@]}"; do [ ! -e "$tool" ] || cp -L "$tool" "$rootfs/bin/$(basename "$tool")"; done
ln -sf "$(basename "$(readlink -f /bin/sh)")" "$rootfs/bin/sh"
ln -sf ../../bin/env "$rootfs/usr/bin/env"

# Libraries of all of them, and those that glibc loads by name.
libraries() {
  for binary in "$node" "${tools[@]}"; do [ ! -e "$binary" ] || ldd "$binary" 2>/dev/null || true; done |
    grep -oE '/[^ ]+\.so[^ ]*' | sort -u
}
{ libraries; ls /lib/*-linux-gnu/libnss_{files,dns}.so.2 /lib/*-linux-gnu/libresolv.so.2 /lib/*-linux-gnu/librt.so.1 2>/dev/null || true; } |
  sort -u | while read -r library; do
    mkdir -p "$rootfs$(dirname "$library")"
    cp -L "$library" "$rootfs$library"
  done
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$rootfs/etc/passwd"
printf 'root:x:0:\n' >"$rootfs/etc/group"
printf 'hosts: files dns\n' >"$rootfs/etc/nsswitch.conf"
if [ -d /etc/ssl/certs ]; then
  mkdir -p "$rootfs/etc/ssl/certs"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/"
fi

buildah config --env PATH=/usr/local/bin:/usr/bin:/bin --env NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:+/etc/ssl/certs/ca-certificates.crt}" "$container"
buildah commit --quiet --format docker "$container" "$tag" >/dev/null
echo "$tag"
