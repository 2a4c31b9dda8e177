#!/usr/bin/env bash
# Installs what the tests of test/ops need from Debian's packages, where it is missing. Quiet when all is there.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/ops/install-test-tools.sh [--image]

Installs promtool, prometheus, alertmanager, amtool, age and redis-server from Debian's packages, and kustomize where
kubectl has none that is new enough (through the Go module proxy, with `go install`).

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

KUSTOMIZE_VERSION=v5.5.0
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

# Components need kustomize 3.7 or newer; kubectl has it built in since 1.21.
if ! command -v kustomize >/dev/null 2>&1 &&
  ! kubectl version --client 2>/dev/null | grep -Eq 'Kustomize Version: v([4-9]|[1-9][0-9])'; then
  if ! command -v go >/dev/null 2>&1; then
    echo 'missing: kubectl 1.21 or newer, or kustomize, or go to install kustomize with' >&2
    exit 1
  fi
  echo "installing kustomize $KUSTOMIZE_VERSION"
  target=/usr/local/bin
  [ -w "$target" ] || target=$HOME/.local/bin
  mkdir -p "$target"
  GOBIN=$target go install "sigs.k8s.io/kustomize/kustomize/v5@$KUSTOMIZE_VERSION"
fi
