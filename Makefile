# You need Go and make. What else the tests need, test/install/install.sh installs
# with the system's package manager if it is missing.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# With -trimpath a package is compiled alike in every folder, so that a new clone or worktree finds in Go's cache what
# another has compiled.
export GOFLAGS := $(strip $(GOFLAGS) -trimpath)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
WITHPOSTGRES := go run ./test/withpostgres --
# Benchmarks measure a server on a disk; withpostgres would otherwise keep its server in memory.
ONDISK := WITHPOSTGRES_MEMORY=none
LINT := go tool -modfile=tools/go.mod golangci-lint
# The race detector watches all packages but these. SQLite's code is C that a compiler turned into Go; the detector does
# not know the memory of the C library and the allocator below it. The cipher of bcrypt and the arithmetic below the
# signatures work on values that live within one call. In these packages the detector would take four fifths of the
# processor's time of the tests, and could not find a race of this project.
UNWATCHED := modernc.org/sqlite/lib modernc.org/libc modernc.org/memory golang.org/x/crypto/blowfish \
	$(addprefix crypto/internal/fips140/,bigmod nistec nistec/fiat edwards25519 edwards25519/field)
RACE := -race $(foreach package,$(UNWATCHED),-gcflags=$(package)=-race=false)
# `make lint` and .ci/run have the findings of vet. The linker leaves out what only a debugger reads (-w). The compiler and
# the linker collect garbage seldom, which saves a fifth of their time; GOGC is unset again for the tests and the programs
# that they start.
GOTEST := env GOGC=400 go test -exec 'env -u GOGC' -vet=off -ldflags=-w
FUZZTIME ?= 10s
SOAK_ROTATIONS ?= 50
GROWTH_ROWS ?= 1000,100000,1000000,10000000
GROWTH_SETTINGS ?= shared_buffers=4GB max_wal_size=16GB

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Run a server to try out, on SQLite in .authserver/
	go run ./cmd/authserver dev

.PHONY: build
build: ## Build the static binary bin/authserver, which signs with OpenSSL (installs a C compiler and libssl-dev)
	@sh test/install/install.sh cc openssl && \
	CGO_ENABLED=1 go build -trimpath -tags openssl,netgo,osusergo -ldflags '-s -w -X main.version=$(VERSION) -linkmode external -extldflags -static' -o bin/authserver ./cmd/authserver || \
	{ echo 'make build: OpenSSL cannot be linked in here, so Go signs: RS256 tokens cost three times as much (docs/signers.md)' >&2; make build-go; }

.PHONY: build-go
build-go: ## Build the static binary bin/authserver with Go alone, which signs RS256 at a third of the speed
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/authserver ./cmd/authserver

# The tests of the program from outside, and of its commands, wait for most of their time. They run beside the tests of
# the rooms: two packages at a time, and in each package four tests at a time. More would make each test slower than what
# it waits for. Of the rooms, two packages are tested at a time too, and the ones that wait longest come first.
.PHONY: test
test: ensure-cc ## Run every test, those of the rooms with the race detector, beside a real PostgreSQL that it starts
	$(WITHPOSTGRES) sh -c "$(GOTEST) -p 2 -parallel 4 -count=1 -timeout 30m ./test/blackbox ./cmd/... ./test/... ./bench/... ./examples/... & outside=\$$!; failed=0; \
		$(GOTEST) -p 2 $(RACE) -count=1 -timeout 30m ./internal/store/... ./api/... ./internal/... ./migrations/... ./verifier/... || failed=1; \
		wait \$$outside || failed=1; exit \$$failed"

.PHONY: ensure-cc
ensure-cc: # the race detector links with a C compiler
	@sh test/install/install.sh cc

# INTEROP may choose among the tests: .ci/run has the soak, which keeps time, run by itself.
.PHONY: interop
interop: ## Run the tests with clients in other languages (installs node, python, java, maven, dovecot, apache)
	@sh test/install/install.sh node python java maven dovecot apache
	$(WITHPOSTGRES) $(GOTEST) -count=1 -timeout 30m -tags interop $(INTEROP) ./test/interop/...

.PHONY: test-vault
test-vault: ## Run the tests with a real Vault (installs python, and OpenBao into the cache) and of the build with the clouds
	@sh test/install/install.sh python
	$(GOTEST) -count=1 -tags vault,cloudkms ./internal/keys/keepers/... ./test/vault/...

.PHONY: test-pkcs11
test-pkcs11: ## Run the tests of keys in a PKCS#11 token, against SoftHSM
	@sh test/install/install.sh cc softhsm
	$(GOTEST) $(RACE) -count=1 -tags pkcs11 ./internal/keys/pkcs11/...
	$(GOTEST) -count=1 -tags pkcs11 -run '^TestPKCS11' ./test/blackbox/...

.PHONY: test-deploy
test-deploy: ## Run the files of deploy/ with HAProxy, nginx and systemd-analyze (which it installs)
	@sh test/install/install.sh haproxy nginx systemd
	$(WITHPOSTGRES) $(GOTEST) -count=1 -tags deploy ./test/deploy/...

.PHONY: test-browser
test-browser: ## Run the tests of the pages in a real Chromium (installs chromium and node)
	@sh test/install/install.sh node chromium
	$(WITHPOSTGRES) $(GOTEST) -count=1 -timeout 30m -tags browser ./test/pages/...

# The tag changes only the package keys/signers. Its tests and the tests of tokens sign and verify with each algorithm.
# These tests of keys hand a key to the package, or use a key from it. The other tests of keys, and the rooms below keys,
# which do not import the package, are the same program as in `make test`.
SIGNING_KEYS := ^(TestTheJWKSVerifiesWhatTheSignersSign|TestExportIsThePublicHalf|TestAKeyIsImportedForItsAlgorithm|TestAKeyIsImportedFromWhereItStays|TestTamperedRowsAreNotUsed|TestAKeyThatCouldNotBeOpenedAtFirstIsOpenedLater|TestEverythingAtOnce)$$
.PHONY: test-openssl
test-openssl: ## Run the tests of the builds that sign with OpenSSL and with BoringCrypto
	@sh test/install/install.sh cc openssl
	$(GOTEST) $(RACE) -count=1 -tags openssl ./internal/keys/signers/... ./internal/tokens/...
	$(GOTEST) $(RACE) -count=1 -tags openssl -run '$(SIGNING_KEYS)' ./internal/keys
	$(GOTEST) -count=1 -tags openssl -run '^TestStaticBinary$$' ./test/container/...
	GOEXPERIMENT=boringcrypto $(GOTEST) -count=1 ./internal/keys/signers/... ./internal/tokens/...

.PHONY: soak
soak: ## Rotate keys SOAK_ROTATIONS (50) times under faults; verifiers must accept every good token
	@sh test/install/install.sh node python java maven
	SOAK_ROTATIONS=$(SOAK_ROTATIONS) $(WITHPOSTGRES) $(GOTEST) -count=1 -tags interop -run '^TestSoak$$' -v -timeout 1h ./test/interop/

.PHONY: bench
bench: ## Compare requests with the least that they could cost, BENCH_RUNS (5) times, into bench/RESULTS.md
	@sh test/install/install.sh cc openssl
	$(ONDISK) BENCH_RESULTS=RESULTS.md $(WITHPOSTGRES) go test -tags openssl -run '^$$' -bench '^BenchmarkTable$$' -benchtime 1x -timeout 2h ./bench
	go generate ./test/docs # README.md quotes some of it

.PHONY: bench-smoke
bench-smoke: ## Fail if a request allocates, queries or writes more than before
	go test -count=1 -run '^TestCounts$$' -v ./bench

.PHONY: bench-growth
bench-growth: ## Measure calls and rows beside GROWTH_ROWS rows, into bench/GROWTH.md (half an hour, 20 GB)
	$(ONDISK) WITHPOSTGRES_SETTINGS="$(GROWTH_SETTINGS)" $(WITHPOSTGRES) go test -count=1 -timeout 4h -run '^$$' -bench '^BenchmarkGrowth$$' -benchtime 1x \
		./bench/growth -growth.rows $(GROWTH_ROWS) -growth.refreshes 100000 -growth.expired 1000000 -growth.out ../GROWTH.md

.PHONY: bench-isolation
bench-isolation: ## Measure how a flood of one client and overload affect other requests
	go test -count=1 -run '^$$' -bench '^BenchmarkIsolation$$' -benchtime 1x ./bench

.PHONY: bench-scaleout
bench-scaleout: ## Measure 1, 2 and 4 replicas behind HAProxy, BENCH_RUNS (5) times (installs HAProxy)
	@sh test/install/install.sh cc openssl haproxy
	$(ONDISK) $(WITHPOSTGRES) go test -count=1 -tags openssl -run '^$$' -bench '^BenchmarkScaleOut$$' -benchtime 1x -timeout 1h ./bench

.PHONY: bench-agreement
bench-agreement: ## Measure how long replicas disagree about revocations and keys (ten minutes)
	$(ONDISK) $(WITHPOSTGRES) go test -count=1 -run '^$$' -bench . -benchtime 1x -timeout 1h ./bench/agreement

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (10s) each
	@set -e; found=$$(go test -list '^Fuzz' ./...); \
	targets=$$(echo "$$found" | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2 ":" names[i]; n = 0 }'); \
	for target in $$targets; do \
		echo "$$target for $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime $(FUZZTIME) "$${target%:*}"; \
	done

.PHONY: nightly
nightly: ## Run the tests that are too long for every change: each fuzz target for two minutes, and the soak
	$(MAKE) fuzz FUZZTIME=2m
	$(MAKE) soak

.PHONY: lint
lint: ## Run the linters (.golangci.yml says which and why)
	$(LINT) run
	$(LINT) run --build-tags vault,cloudkms ./internal/keys/keepers/...

.PHONY: fmt
fmt: ## Format the code
	$(LINT) fmt

.PHONY: generate
generate: ## Write the generated files again
	go generate ./...

.PHONY: clean
clean: ## Remove the build and the data of `make run`
	rm -rf bin .authserver
