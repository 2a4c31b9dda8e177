# Everything an operator or a developer runs. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

INSTALLED := node_modules/.package-lock.json
ROUNDS ?=
MINUTES ?= 10
SEED ?=
OF ?= endpoints
ENV ?= dev
HTTP_PORT ?= 8080

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): package.json package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); if (a < 20 || (a === 20 && b < 19)) { console.error(`Node 20.19 or later is needed, this is $${process.versions.node}`); process.exit(1) }'
	npm ci --no-audit --no-fund
	@touch $@

.PHONY: install build
install: $(INSTALLED)

build: install ## Compile the contracts and the daemon
	@npm run --silent build

.PHONY: demo
demo: build ## Run the main job on real candles (ROUNDS=20 ends by itself)
	@tsx demo/main.ts $(if $(ROUNDS),--rounds $(ROUNDS))

.PHONY: test test-unit test-contract test-tools test-drills test-image soak
test-tools: install
	@bash scripts/ops/install-test-tools.sh

test: build test-tools lint ## Install what is missing and run every test that needs no container engine
	npm run --silent test:contracts
	vitest run --project unit --project contract
	vitest run --project integration --maxWorkers 3
	@bash scripts/test-long.sh

test-unit: build ## Run the tests that need no server
	vitest run --project unit

test-contract: build ## Run the contract's tests
	npm run --silent test:contracts
	vitest run --project contract

test-drills: build test-tools ## Cause the fault behind each page, run the runbooks, destroy and recover state
	vitest run --project drills --maxWorkers 3

test-image: build ## Build the image over a local stand-in base and run it as Kubernetes would (needs root)
	@bash scripts/ops/install-test-tools.sh --image
	vitest run --project image

soak: build ## Run through a random schedule of faults: MINUTES=10 SEED=… OF=endpoints, or OF=replicas for a fleet
ifeq ($(OF),replicas)
	@bash scripts/ops/install-test-tools.sh
	SOAK_MINUTES=$(MINUTES) SOAK_SEED=$(or $(SEED),$(shell date +%s)) vitest run --project e2e test/e2e/replicas.test.ts
else
	@tsx scripts/soak.ts --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
endif

.PHONY: lint format
lint: build ## Check types, format, lint and the import arrows
	tsc --noEmit
	biome check --error-on-warnings
	depcruise --config .dependency-cruiser.cjs --output-type err src
	node scripts/forge.mjs fmt --check

format: install ## Format everything
	biome check --write
	node scripts/forge.mjs fmt

.PHONY: gas bench
gas: build ## Measure the contract's gas and print it beside the peers'
	@npm run --silent gas

bench: build ## Measure what one replica with one key carries
	@tsx scripts/bench.ts

.PHONY: validate-config
validate-config: build ## Check the configuration in CONFIG_DIR (default: config)
	@oracle-publisher check-config

.PHONY: up down status logs health smoke-test deploy
up: ## Start the whole stack on this machine (needs Docker with compose)
	docker compose up --detach --build --wait

down: ## Stop the stack
	docker compose down

status: ## Show the feeds, groups and chains of the daemon on this machine
	@npx oracle-publisher status

logs: ## Follow the daemon's log
	docker compose logs --follow publisher

health: ## Ask the daemon on this machine how it is
	@curl --silent --show-error --fail-with-body http://127.0.0.1:$(HTTP_PORT)/health && echo

smoke-test: ## Check the stack from outside: fresh rounds, metrics, alerts
	@node scripts/ops/smoke-test.mjs

deploy: ## Apply the overlay of ENV (dev, staging, prod) to the cluster that kubectl points at
	kubectl apply --kustomize k8s/overlays/$(ENV)
