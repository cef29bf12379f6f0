# Every command of the project. `make` prints this list.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

# The architectures of the frontend image: ARCHES="amd64 arm64" makes an index of two.
ARCHES ?= $(shell go env GOARCH)
PROGRAMS ?= dist/programs
# What the frontend image holds: the frontend, and the programs that it mounts into builds. The Dockerfile copies them.
COMMANDS := pyfile pyfile-install pyfile-index pyfile-build pyfile-distro pyfile-verify pyfile-step
TOOLS := integration/lab/tools

.PHONY: help
help: ## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: image locks ## build the frontend, build and run examples/fastapi with it, change one line, build again
	@integration/demo

.PHONY: test
test: lab verify image ## everything, from unit tests to integration; on a new machine this makes the lab first
	@echo "== differential tests: the same answers as packaging, uv, pip and pypi-simple, and real builds that fail"
	go test -p 1 -tags differential -count=1 -timeout 30m ./python ./index ./lock ./plan ./install ./build ./verify ./diagnosis $(TESTFLAGS)
	@echo "== integration tests: real daemons, registries, wheels and containers"
	go test -p 1 -tags integration -count=1 -timeout 60m ./frontend ./integration/... $(TESTFLAGS)

.PHONY: verify
verify: locks fmt lint unit fuzz ## what a change must pass before it is committed: format, vet, lint, generated files, unit tests, fuzz smoke

.PHONY: fmt
fmt:
	@files=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); test -z "$$files" || { echo "gofmt -w these:"; echo "$$files"; exit 1; }

.PHONY: lint
lint: $(TOOLS)/golangci-lint/go.mod
	go vet ./...
	go vet -tags integration,differential,nightly ./...
	@integration/lab/tool golangci-lint
	@PATH="$$(integration/lab/state)/bin:$$PATH" golangci-lint run

.PHONY: unit
unit: ## unit tests, with the golden files (schema, reference, plans)
	go test ./...

.PHONY: golden
golden: ## rewrite the golden files; read the difference before you commit it
	go test ./pyfile ./plan ./llb ./lock ./install ./build ./verify ./diagnosis ./bench/chart -update

.PHONY: sizes
sizes: image locks ## rewrite docs/sizes.md: what each example adds to its base image
	go test -tags integration -count=1 -timeout 60m ./integration -run '^TestSizesOfTheExamples' -update

.PHONY: grouping
grouping: ## rewrite the tables and curves of docs/grouping.md from a year of releases; 320 runs of uv the first time
	go run ./bench/grouping docs/grouping.md

.PHONY: fresh
fresh: image locks ## rewrite docs/fresh-runners.md: what a runner with nothing but a registry cache fetches
	go test -tags integration,nightly -count=1 -timeout 60m ./integration -run '^TestFreshRunnersFetch' -update

.PHONY: engines
engines: image locks ## rewrite the table of docs/engines.md: what was seen to work on each engine
	go test -tags integration -count=1 -timeout 60m ./integration -run '^TestEnginesDo' -update

.PHONY: fuzz
fuzz: ## a few thousand inputs for every fuzz target
# In memory, because the installer's targets write files; and with little minimising, which would take the rest of the time.
	@export TMPDIR=/dev/shm; for file in $$(git ls-files -co --exclude-standard '*_test.go'); do \
		for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9]+).*/\1/p' $$file); do \
			go test ./$$(dirname $$file) -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x >$$TMPDIR/pyfile-fuzz.log 2>&1 || { cat $$TMPDIR/pyfile-fuzz.log; exit 1; }; \
			echo "ok  	fuzz $$(dirname $$file) $$target"; \
		done; \
	done
# A number of inputs, not seconds: go test sometimes takes the end of the time for a failure of the target.
FUZZTIME ?= 3000x

.PHONY: bench
bench: image locks ## build two projects with a Pyfile and with Dockerfiles side by side, for hours; docs/benchmarks.md
	@integration/lab/tool dockerfile-frontend
	@. "$$(integration/lab/state)/env" && go run ./bench $(BENCHFLAGS)

.PHONY: microbench
microbench: ## the Go benchmarks
	go test -run '^$$' -bench . -benchtime 20x ./python ./index ./lock ./build ./plan ./llb ./diagnosis

.PHONY: programs
programs: ## the programs of the frontend image, for ARCHES, under PROGRAMS
# -trimpath, no build id and no version control stamp: the same source gives the same bytes, and so the same cache keys for every user.
	@for arch in $(ARCHES); do \
		mkdir -p $(PROGRAMS)/linux_$$arch; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o $(PROGRAMS)/linux_$$arch/ $(addprefix ./,$(wildcard $(addprefix cmd/,$(COMMANDS)))); \
	done

.PHONY: image
image: lab programs ## the frontend image, pushed to the lab's registry as org/pyfile:1
	@ARCHES='$(ARCHES)' integration/lab/image

.PHONY: lab
lab: ## daemons, registry and Python images for tests; seconds when all is there
	@integration/lab/up

.PHONY: lab-down
lab-down: ## stop what `make lab` started
	@integration/lab/down

.PHONY: locks
locks: ## the examples' lock files, which are not committed
	@examples/locks

.PHONY: nightly
nightly: test ## what is too slow for CI: everything, and many inputs for every fuzz target
	go test -tags integration,nightly -count=1 -timeout 60m ./integration -run '^TestFreshRunnersFetch' $(TESTFLAGS)
	$(MAKE) fuzz FUZZTIME=300000x
