# Fairway. `make demo` shows it, `make test` proves it; both do all set-up themselves (Debian 12, root, any Node with npm).
ARCH := $(if $(filter aarch64,$(shell uname -m)),arm64,x64)
export PATH := $(CURDIR)/toolchain/node_modules/node-linux-$(ARCH)/bin:$(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help setup setup-node demo check test soak dist bench golden generate up down
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

setup: ## Node 24, Debian packages, npm packages, kubectl; reuses what is there
	@scripts/setup.sh
setup-node:
	@scripts/setup.sh --node-only

demo: setup ## brings the lab up and goes through the ways in, one by one
	@node demo/main.ts

check: setup-node ## lint, types, layers, unit, property and scenario tests: no root, no namespaces
	@node scripts/check.ts check
test: setup ## everything that `check` has, and live tests with packets
	@node scripts/check.ts test
soak: setup ## the long forms of what `test` runs short
	@node scripts/check.ts soak
dist: setup-node ## bundles what ships into dist/
	@node scripts/bundle.ts
bench: setup ## measures against peers and rewrites bench/RESULTS.md
	@node bench/main.ts

golden: setup-node ## rewrites golden files from what the code does now: read the diff
	@UPDATE_GOLDEN=1 vitest run --project unit --project scenario
generate: setup-node ## rewrites generated documents and data
	@node scripts/generate-openapi.ts && node scripts/generate-docs.ts && node scripts/generate-kubectl-page.ts && node scripts/generate-resources-page.ts

up: setup ## brings the lab up
	@bin/fairway lab up
down: ## takes the lab down
	@bin/fairway lab down
