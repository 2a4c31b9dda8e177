# The publisher's image: compiled in the first stages, then only Node, production dependencies and the compiled daemon.
# The base is an argument, so that a mirror or a hardened Node image takes its place: --build-arg BASE_IMAGE=…
ARG BASE_IMAGE=node:24-bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# A private registry's settings come as a secret: --secret id=npmrc,src=$HOME/.npmrc; they stay in no layer.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build

FROM ${BASE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Without the development dependencies in package.json nothing optional of theirs is kept, and the SBOM is of what is here.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
  npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && npm pkg delete devDependencies \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && npm sbom --omit=dev --sbom-format=cyclonedx > sbom.cdx.json

FROM ${BASE_IMAGE}
ENV NODE_ENV=production \
    CONFIG_DIR=/etc/oracle-publisher/config
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=dependencies /app/sbom.cdx.json ./
COPY --from=build /app/dist ./dist
COPY --from=build /app/config ./config
COPY package.json ./
# Numeric, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8080 8000
STOPSIGNAL SIGTERM
# Exec forms only: the image runs without a shell.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["run"]
