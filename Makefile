# Everything an operator or a developer runs. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

INSTALLED := node_modules/.package-lock.json
ROUNDS ?=
MINUTES ?= 10
SEED ?=
ENV ?= dev

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

.PHONY: test test-unit test-contract test-tools
test-tools: install
	@bash scripts/install-test-tools.sh

test: build test-tools lint ## Install what is missing and run every test
	forge test
	vitest run

test-unit: build ## Run the tests that need no server
	vitest run --project unit

test-contract: build ## Run the contract's tests
	forge test
	vitest run --project contract

.PHONY: lint format
lint: build ## Check types, format, lint and the import arrows
	tsc --noEmit
	biome check --error-on-warnings
	depcruise --config .dependency-cruiser.cjs --output-type err src
	forge fmt --check

format: install ## Format everything
	biome check --write
	forge fmt

.PHONY: gas bench
gas: build ## Measure the contract's gas and print it beside the peers'
	@npm run --silent gas

.PHONY: validate-config
validate-config: build ## Check the configuration in CONFIG_DIR (default: config)
	@oracle-publisher check-config
