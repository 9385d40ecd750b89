# Every door to the project. `make` alone lists them; each target fetches and builds what it needs (into .tools and .build) and
# nothing else, so a fresh clone needs Go, Node.js and make only (`make test` also a C compiler, for the
# race detector). It runs with the GNU make 3.81 of macOS.
#
# ARGS is handed on:       make run ARGS='--query-http-address 127.0.0.1:9090'
# PKG narrows Go targets:  make test-integration PKG=./services/writer/...
# VERSION is stamped:      make build VERSION=0.2.0

MODULES  := $(shell sed -n 's|^[[:space:]]*\./||p' go.work)
ROLES    := ingest writer query janitor migrator
PKG      ?= $(patsubst %,./%/...,$(filter-out e2e,$(MODULES)))
ALL      := $(patsubst %,./%/...,$(MODULES))
DATA     ?= $(shell .ci/tools data-dir)
FUZZTIME ?= 20s
MINUTES  ?= 3
QUESTIONS ?= 5000
SEED     ?= 1
FAULTS   ?=
VERSION  ?=

UI       := services/query/web
BROWSER  := e2e/browser
CLIENTS  := e2e/clients
BIN      := .build/bin
REPORTS  := .build/reports
STAMP    := $(if $(VERSION),-ldflags '-X github.com/ollyscale/ollyscale/libs/service.release=$(VERSION)')
COMPOSE   = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
GOTEST    = .tools/bin/gotestsum --format pkgname --format-hide-empty-pkg --hide-summary skipped --jsonfile
# Tests of a package run side by side, each with its own database and bus. They wait more than they compute: four at once, whatever the cores.
PARALLEL := -parallel 4

# A registry that goes silent is given up after half a minute, not five, and asked again.
export npm_config_fetch_timeout ?= 30000
export npm_config_fetch_retries ?= 4
export npm_config_fetch_retry_mintimeout ?= 2000
export npm_config_fetch_retry_maxtimeout ?= 20000

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo build release licences hooks test test-unit test-integration test-postgres15 test-ui test-browser race sweep differential e2e fire compose bench \
	bench-ingest bench-small bench-merge bench-scan bench-search bench-shapes bench-store bench-sustained ceiling fuzz lint fmt tidy generate verify migration ui images tools clean go node postgres race-tools browser-tools FORCE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## ---- the product

run: postgres $(BIN)/ollyscale ## Start everything on this machine: database, bus, services, UI (data in .data; ARGS=...)
	@exec $(BIN)/ollyscale up --data-dir '$(DATA)' $(ARGS)

demo: $(BIN)/ollyscale ## Send the telemetry of a small shop to a running ollyScale (ARGS='--seconds 30')
	@exec $(BIN)/ollyscale demo $(ARGS)

build: $(BIN)/ollyscale $(patsubst %,$(BIN)/%,$(ROLES)) ## Build all binaries into .build/bin

$(BIN)/ollyscale: $(UI)/dist/index.html FORCE | go
	@[ -e $@ ] || echo 'build: ollyscale (a few minutes the first time)'
	@go build -trimpath $(STAMP) -o $@ ./services/allinone/cmd/ollyscale

$(BIN)/query: $(UI)/dist/index.html FORCE | go
	@CGO_ENABLED=0 go build -trimpath $(STAMP) -o $@ ./services/query/cmd/query

$(BIN)/%: FORCE | go
	@CGO_ENABLED=0 go build -trimpath $(STAMP) -o $@ ./services/$*/cmd/$*

ui: $(UI)/dist/index.html ## Build the browser interface when its sources changed

$(UI)/dist/index.html: $(UI)/node_modules/.package-lock.json $(shell find $(UI)/src $(UI)/public -type f 2>/dev/null) $(wildcard $(UI)/*.html $(UI)/*.json $(UI)/*.ts $(UI)/*.js)
	@echo 'build: browser interface'
	@cd $(UI) && npm run --silent build -- --logLevel warn
	@touch $@

# npm writes the hidden lock file last: it is there, and newer than the lock file, only after a whole install.
%/node_modules/.package-lock.json: %/package-lock.json | node
	@echo 'npm ci: $*'
	@cd $* && { npm ci --silent --no-audit --no-fund || { echo 'npm ci: $*, once more'; npm ci --silent --no-audit --no-fund; }; }
	@touch $@

release: go $(UI)/dist/index.html .tools/bin/cyclonedx-gomod .tools/bin/pack ## Archives for all platforms, with licences, SBOMs and checksums: make release VERSION=0.2.0
	@.ci/release '$(VERSION)'

images: ## Build the six container images with docker compose
	@DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 $(COMPOSE) --profile demo build

## ---- tests

test: ## Everything CI tests: Go with the race detector, UI, browser, end to end
	@rm -rf $(REPORTS)
	@$(MAKE) --no-print-directory sweep race test-ui test-browser e2e

test-unit: go .tools/bin/gotestsum ## Go tests that need neither database nor bus
	@mkdir -p $(REPORTS)
	@$(GOTEST) $(REPORTS)/unit.jsonl -- -short $(PKG)

test-integration: go postgres .tools/bin/gotestsum ## All Go tests but e2e, with a real PostgreSQL and an in-process NATS
	@mkdir -p $(REPORTS)
	@$(GOTEST) $(REPORTS)/integration.jsonl -- $(PARALLEL) -timeout 30m $(PKG)

race: go race-tools postgres .tools/bin/gotestsum ## The same under the race detector
	@mkdir -p $(REPORTS)
	@$(GOTEST) $(REPORTS)/race.jsonl -- -race $(PARALLEL) -timeout 60m $(PKG)

# What computes in one goroutine takes seven times as long under the race detector, which finds nothing there: tests that ask testbed.Some try a part
# of their cases there, and here all of them.
sweep: go postgres .tools/bin/gotestsum ## Tests that try a part of their cases under the race detector, with all of them and without it
	@mkdir -p $(REPORTS)
	@tests=$$(.ci/swept $(filter-out e2e,$(MODULES))) && $(GOTEST) $(REPORTS)/sweep.jsonl -- $(PARALLEL) -timeout 30m $$tests

differential: go postgres ## Random questions against a plain look at all items, while writers and merges run (QUESTIONS=5000 SEED=1)
	@cd services/query && OLLY_DIFFERENTIAL=$(QUESTIONS) OLLY_DIFFERENTIAL_SEED=$(SEED) go test -count=1 -v -run 'WhileTheyMove$$' -timeout 120m .

test-postgres15: go .tools/bin/gotestsum ## What speaks SQL, against the oldest PostgreSQL that is supported
	@.ci/tools postgres15
	@mkdir -p $(REPORTS)
	@OLLY_DIFFERENTIAL=100 OLLY_POSTGRES_BIN=/usr/lib/postgresql/15/bin $(GOTEST) $(REPORTS)/postgres15.jsonl -- -count=1 $(PARALLEL) -timeout 30m \
		$$(grep -rlE --include='*_test.go' --exclude-dir=node_modules 'testbed[.](Database|Empty|PostgresBin)[(]' \
			libs/postgres services/migrator services/writer services/query services/janitor | xargs -n 1 dirname | sort -u | sed 's|^|./|')

test-ui: $(UI)/node_modules/.package-lock.json ## Types, lint and unit tests of the browser interface
	@mkdir -p $(REPORTS)
	@cd $(UI) && npm run --silent typecheck && npm run --silent lint && \
		npm run --silent test -- --reporter=default --reporter=json --outputFile.json=$(CURDIR)/$(REPORTS)/vitest.json

test-browser: browser-tools postgres $(BIN)/ollyscale $(BROWSER)/node_modules/.package-lock.json ## The UI in a real browser against a whole ollyScale with demo data
	@mkdir -p $(REPORTS)
	@.ci/browser

# The fire of three NATS servers burns by hand (make fire): how long their elections take, and so who may say that he cannot work, is the machine's to say.
# The stack waits for faults to pass, the benches compute: they run beside it, and yield to it, because it says within what time health tells the truth.
e2e: postgres .tools/bin/gotestsum .tools/bin/nats-server build $(CLIENTS)/node_modules/.package-lock.json ## Every role in its own process: delivery, failures, foreign clients
	@mkdir -p $(REPORTS)
	@cd e2e && export OLLY_E2E_BIN=$(CURDIR)/$(BIN) OLLY_E2E_NATS_SERVER=$(CURDIR)/.tools/bin/nats-server && { \
		nice -n 19 ../$(GOTEST) ../$(REPORTS)/benches.jsonl -- -count=1 -p 1 -timeout 60m ./bench/... ./load/... & benches=$$!; \
		../$(GOTEST) ../$(REPORTS)/e2e.jsonl -- -count=1 -p 1 -timeout 30m -skip '^TestFireThreeServers$$' . ./ceiling/...; stack=$$?; \
		wait $$benches && exit $$stack; }

fire: postgres .tools/bin/nats-server build ## Fault after fault under load, then count what is left (MINUTES=60, FAULTS='disk|killed')
	@cd e2e && OLLY_E2E_BIN=$(CURDIR)/$(BIN) OLLY_E2E_NATS_SERVER=$(CURDIR)/.tools/bin/nats-server \
		OLLY_E2E_FIRE_MINUTES=$(MINUTES) OLLY_E2E_FIRE_FAULTS='$(FAULTS)' go test -count=1 -v -run '^TestFire' -timeout $$(( 2 * $(MINUTES) + 30 ))m .

compose: images .tools/bin/gotestsum ## docker compose up, telemetry in, answers out (needs a Docker engine with the base images)
	@mkdir -p $(REPORTS)
	@cd e2e && ../$(GOTEST) ../$(REPORTS)/compose.jsonl -- -count=1 -tags compose -run '^Test(Compose|AllInOneContainer)' -timeout 20m .

bench: bench-ingest ## The same as bench-ingest

bench-ingest: postgres | go ## Cost of a span, from OTLP bytes to commit: CPU, WAL, disk (ARGS=...)
	@cd e2e && go run ./bench/cmd/bench $(ARGS)

bench-merge: postgres | go ## Cost and gain of merging segments, and what writers feel of it (ARGS=...)
	@cd e2e && go run ./bench/cmd/merge $(ARGS)

bench-small: postgres | go ## Cost of requests of 1, 10 and 100 spans by 1 to 64 senders, each message forced to disk (ARGS='-against HEAD~1')
	@cd e2e && go run ./bench/cmd/small $(ARGS)

bench-scan: postgres | go ## Time of queries over segments, beside rows with indexes (ARGS='-spans 5000000', '-against HEAD~1')
	@cd e2e && go run ./bench/cmd/scan $(ARGS)

bench-search: postgres | go ## Every kind of question over a day of 5 M spans, 5 M records and 10 M points: warm, cold, by eight clients (ARGS='-sizes 1000000,5000000')
	@cd e2e && go run ./bench/cmd/search $(ARGS)

bench-store: postgres | go ## The whole store at 1 M and 10 M items of each signal: fresh, settled, cold, beside a backlog (ARGS='-against REV', '-sizes 100000')
	@cd e2e && go run ./bench/cmd/store $(ARGS)

bench-sustained: postgres | go ## 20 minutes at 3,000 spans a second through five processes: CPU by process, WAL, tables over live (ARGS='-for 2m')
	@cd e2e && go run ./bench/cmd/sustained $(ARGS)

bench-shapes: | go ## Bytes an item of telemetry of many shapes takes, beside zstd over the same requests (ARGS='-only genai -columns 8')
	@cd e2e && go run ./bench/cmd/shapes $(ARGS)

ceiling: postgres .tools/bin/nats-server build ## Every role attacked under a memory limit, beside who uses it as meant (ARGS='-only gRPC -p99 0')
	@cd e2e && go run ./ceiling/cmd/ceiling $(ARGS)

fuzz: go ## Every fuzz target for FUZZTIME each (default 20s)
	@grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' $(MODULES) | xargs -n 1 dirname | sort -u | while read -r dir; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$dir/*_test.go); do \
			echo "$$dir $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$$dir || exit 1; \
		done; \
	done

## ---- the code

lint: go .tools/bin/golangci-lint ## golangci-lint over all modules
	@.tools/bin/golangci-lint run --allow-parallel-runners $(ALL)
	@cd tooling && GOWORK=off ../.tools/bin/golangci-lint run --allow-parallel-runners ./...

fmt: go .tools/bin/golangci-lint $(UI)/node_modules/.package-lock.json ## Format Go, TypeScript and YAML
	@.tools/bin/golangci-lint fmt $(ALL)
	@cd $(UI) && npm run --silent format
	@git ls-files '*.yaml' '*.yml' | grep -v '^$(UI)/' | xargs $(UI)/node_modules/.bin/prettier --log-level warn --write

tidy: go ## go mod tidy in every module
	@for module in $(MODULES); do (cd $$module && go mod tidy) || exit 1; done
	@cd tooling && GOWORK=off go mod tidy

generate: go $(UI)/node_modules/.package-lock.json ## Renew what is generated: API types, pages of settings, metrics and errors, licences of others
	@go generate $(ALL)
	@cd $(UI) && npm run --silent generate
	@$(MAKE) --no-print-directory licences

licences: go .tools/bin/licences $(UI)/node_modules/.package-lock.json
	@.tools/bin/licences -out THIRD_PARTY_LICENCES.txt services/allinone/cmd/ollyscale $(foreach r,$(ROLES),services/$r/cmd/$r)

verify: postgres go node .tools/bin/golangci-lint .tools/bin/deadcode $(UI)/node_modules/.package-lock.json ## Lint, import fences, modules alone, nothing dead, nothing stale
	@.ci/verify

migration: go ## A new migration file, with atlas.sum renewed: make migration name=add_something
	@.ci/migration '$(name)'

hooks: go node $(UI)/node_modules/.package-lock.json .tools/bin/golangci-lint .tools/bin/actionlint .tools/bin/dockerlint ## Git hooks: lint of what is staged, form of the subject
	@git config core.hooksPath .ci/hooks
	@echo 'hooks: .ci/hooks runs before every commit; git config --unset core.hooksPath ends that'

tools: ## Fetch every tool now: PostgreSQL, linter, test runner, NATS server, Chromium
	@.ci/tools

go node postgres:
	@.ci/tools $@

race-tools:
	@.ci/tools cc

browser-tools:
	@.ci/tools chromium

.tools/bin/%: FORCE
	@.ci/tools $*

clean: ## Remove what was built, fetched and stored (.data too)
	rm -rf .build .tools .data $(UI)/node_modules $(BROWSER)/node_modules $(CLIENTS)/node_modules
	find $(UI)/dist -mindepth 1 ! -name .keep -delete
