#!/usr/bin/env bash
# Builds the publisher's image with the container engine that is there: Docker, Podman, or Buildah without a daemon.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: scripts/image-build.sh [--tag NAME:VERSION] [--base IMAGE] [--npmrc FILE] [--sbom FILE] [--engine docker|podman|buildah]

  --tag     name of the image (default: oracle-publisher: and the version of package.json)
  --base    the Node image to build on (default: that of the Dockerfile); a local one is not pulled
  --npmrc   settings of a private npm registry, given to the build as a secret and kept in no layer
  --sbom    also write the list of what is in the image (CycloneDX JSON) to this file
  --engine  which engine (default: the first one that works)
HELP
}

root=$(cd "$(dirname "$0")/.." && pwd)
version=$(node -p "require('$root/package.json').version")
tag=oracle-publisher:$version base='' npmrc='' sbom='' engine=''
while [ $# -gt 0 ]; do
  case "$1" in
    --tag) tag=${2:?--tag needs a name}; shift 2 ;;
    --base) base=${2:?--base needs an image}; shift 2 ;;
    --npmrc) npmrc=${2:?--npmrc needs a file}; shift 2 ;;
    --sbom) sbom=${2:?--sbom needs a file}; shift 2 ;;
    --engine) engine=${2:?--engine needs a name}; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "unknown argument: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[ -z "$npmrc" ] || [ -r "$npmrc" ] || { echo "cannot read $npmrc" >&2; exit 2; }

if [ -z "$engine" ]; then
  if docker info >/dev/null 2>&1; then engine=docker
  elif command -v podman >/dev/null 2>&1; then engine=podman
  elif command -v buildah >/dev/null 2>&1; then engine=buildah
  else
    echo 'no container engine: start Docker, or install podman or buildah' >&2
    exit 1
  fi
fi

arguments=(--tag "$tag" --file "$root/Dockerfile" --label "org.opencontainers.image.version=$version")
[ -z "$base" ] || arguments+=(--build-arg "BASE_IMAGE=$base")
# The Dockerfile mounts the secret always; without one it is an empty file.
if [ -z "$npmrc" ]; then npmrc=$(mktemp); trap 'rm -f "$npmrc"' EXIT; fi
arguments+=(--secret "id=npmrc,src=$npmrc")

case "$engine" in
  docker) DOCKER_BUILDKIT=1 docker build "${arguments[@]}" "$root" ;;
  podman) podman build "${arguments[@]}" "$root" ;;
  # chroot needs no namespaces of its own; docker's format keeps the health check.
  buildah) buildah bud --isolation chroot --format docker --layers=false "${arguments[@]}" "$root" ;;
  *) echo "unknown engine: $engine" >&2; exit 2 ;;
esac

if [ -n "$sbom" ]; then
  case "$engine" in
    docker | podman)
      container=$("$engine" create "$tag")
      "$engine" cp "$container:/app/sbom.cdx.json" "$sbom"
      "$engine" rm "$container" >/dev/null
      ;;
    buildah)
      container=$(buildah from --pull-never "$tag")
      cp "$(buildah mount "$container")/app/sbom.cdx.json" "$sbom"
      buildah rm "$container" >/dev/null
      ;;
  esac
fi
echo "$tag"
