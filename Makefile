# make alone lists the targets.

GO       ?= go
MODULES  := shared functions scripts
PACKAGES := $(MODULES:%=./%/...)
WITH     := $(GO) run ./scripts/with --

.DEFAULT_GOAL := help
.PHONY: help run demo test cover fuzz bench load simulate terraform bundle cost check audit scan tools generate check-generated lint format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run the whole platform here; PORT=8080 chooses the gateway's port
	@test -x build/local || echo 'building; the first time takes some minutes'
	@$(GO) build -o build/local ./scripts/local && exec build/local run

demo: ## Play a student's day with a real document: make demo FILE=lecture.pdf
	@$(GO) build -o build/local ./scripts/local && exec build/local demo

test: ## Run all tests against real services, which it finds or starts
	@$(MAKE) --no-print-directory terraform
	$(WITH) $(GO) test -count=1 $(if $(RACE),-race -timeout=30m) $(TESTFLAGS) $(PACKAGES)

COVERED := ./shared/... ./functions/...
COVERAGE = 80

cover: ## Run the platform's tests and fail when they reach less of its statements than COVERAGE=80 percent, into build/coverage.html
	@mkdir -p build
	$(WITH) $(GO) test -count=1 -coverprofile=build/coverage.out -coverpkg="$$(echo $(COVERED) | tr ' ' ,)" $(COVERED)
	$(GO) tool cover -html build/coverage.out -o build/coverage.html
	@$(GO) tool cover -func build/coverage.out | awk -v least=$(COVERAGE) \
		'END { share = $$NF + 0; print "the tests reach " share " % of the statements, " least " are wanted"; exit share < least }'

fuzz: ## Try every fuzz test for FUZZTIME (10s) against real services; fails on what it finds
	$(WITH) $(GO) run ./scripts/fuzz -time $(or $(FUZZTIME),10s) $(PACKAGES)

bench: ## Measure beside baselines, into build/bench.md; BENCHTIME=short only tries, BENCHFLAGS=-strict fails on a budget missed by more than is accepted
	$(WITH) $(GO) run ./scripts/bench $(BENCHFLAGS)

STUDENTS ?= 50
DURATION ?= 60s
LOADARGS  = -students '$(STUDENTS)' -duration '$(DURATION)' $(LOADFLAGS)

load: ## Play a school day against a stack of its own, into build/load; STUDENTS=50 DURATION=60s choose how many and how long
	@$(GO) run ./scripts/load check $(LOADARGS)
	$(WITH) $(GO) run ./scripts/load run $(LOADARGS)

simulate: ## Play the same day in numbers at 100,000 and 1,000,000 students, into build/simulation: what breaks first (takes a minute or two)
	@$(GO) run ./scripts/load simulate $(LOADFLAGS)

terraform: ## Check the infrastructure: form, plans of every environment with a mocked Google, what they would do
	$(GO) run ./scripts/terraform $(TERRAFORMFLAGS)

bundle: ## Turn each function into a zip that Google's buildpack builds, in build/bundles
	@$(GO) run ./scripts/bundle

cost: ## Compute what a month costs, into build/cost; COSTFLAGS='-set peak_factor=5' changes an assumption
	@$(GO) run ./scripts/cost $(COSTFLAGS)

check: lint check-generated ## Check form, vetting, workflows and generated files

audit: tools ## Check dependencies for known vulnerabilities (asks the Go vulnerability database) and for their licences
	build/tools/go-licenses check ./functions/all ./scripts/... --ignore aksio.app --allowed_licenses=Apache-2.0,BSD-2-Clause,BSD-3-Clause,ISC,MIT,MPL-2.0
	for module in $(MODULES); do build/tools/govulncheck -C $$module ./... || exit 1; done # it knows no workspaces

scan: build/checkov/bin/checkov tools ## Look for insecure settings of the infrastructure and the workflows, and for secrets in all commits; infrastructure/.checkov.yaml explains what is meant to be so
	build/tools/gitleaks git --no-banner --redact --verbose
	@build/checkov/bin/checkov --config-file infrastructure/.checkov.yaml > build/scan.txt; status=$$?; cat build/scan.txt; \
		! grep -q 'Parsing errors' build/scan.txt || { echo "there is a file that the scanner can't read, and says no more of it"; exit 1; }; \
		exit $$status

build/checkov/bin/checkov: scripts/tools/requirements.txt
	python3 -m venv build/checkov
	build/checkov/bin/pip install --quiet --requirement $<
	@touch $@

tools:
	@GOBIN='$(CURDIR)/build/tools' GOWORK=off $(GO) -C scripts/tools install tool

GENERATED := functions/all functions/README.md functions/openapi.json functions/edge/router/routes.json infrastructure/functions.json

generate: ## Derive functions/all, functions.json, openapi.json, the router's routes.json and the table of functions
	$(GO) run ./scripts/generate

check-generated: generate
	@git diff --exit-code -- $(GENERATED) \
		|| { echo "generated files are stale: commit what make generate wrote"; exit 1; }
	@test -z "$$(git status --porcelain -- $(GENERATED))" \
		|| { echo "generated files aren't committed"; exit 1; }

lint:
	@unformatted="$$(gofmt -l $(MODULES))"; test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	$(GO) vet $(PACKAGES)
	@GOWORK=off $(GO) -C scripts/tools build -o '$(CURDIR)/build/tools/staticcheck' honnef.co/go/tools/cmd/staticcheck
	build/tools/staticcheck $(PACKAGES)
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run; elif [ -n "$$GITHUB_ACTIONS" ]; then echo "there is no shellcheck"; exit 1; \
		else echo "SHELL SCRIPTS AREN'T CHECKED, nor those of workflows: there is no shellcheck"; fi
	@GOWORK=off $(GO) -C scripts/tools tool actionlint $(abspath $(wildcard .github/workflows/*.yml))

format: ## Format the code
	gofmt -w $(MODULES)

clean: ## Remove what the local stack keeps, data included; not while it runs
	@$(GO) run ./scripts/clean
