# Two commands to know: `make run` and `make test`. Both install what they need first.
.PHONY: help run build test e2e bench fuzz tidy clean build-debug install-build install-model install-test

# As many compiler jobs as there are cores and as memory carries: a translation unit that includes
# CAF and Beast takes about 1.5 GB.
JOBS ?= $(shell scripts/build_jobs.sh)
FUZZ_SECONDS ?= 30

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

run: build install-model ## build, then start the gateway on http://127.0.0.1:8080 with a simulated upstream
	@exec build/release/sluice serve

build: install-build install-model build/release/build.ninja ## the release binary, build/release/sluice
	@cmake --build build/release --parallel $(JOBS) --target sluice

build-debug: install-build build/debug/build.ninja
	@cmake --build build/debug --parallel $(JOBS)

test: install-test install-model ## everything: unit tests with sanitizers and in release, then real clients
	@JOBS=$(JOBS) scripts/run_tests.sh

e2e: build install-test ## only the tests with real clients; E2E="-k stream" picks some
	@scripts/run_e2e.sh $(E2E)

bench: install-build install-model build/release/build.ninja ## throughput and latency beside nginx
	@scripts/install_packages.sh build bench
	@cmake --build build/release --parallel $(JOBS)
	@tests/bench/passthrough

fuzz: ## each fuzz target for FUZZ_SECONDS (default 30)
	@JOBS=$(JOBS) FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/run_fuzz.sh

tidy: install-build build/debug/build.ninja ## clang-format and clang-tidy over the tree
	@JOBS=$(JOBS) scripts/run_tidy.sh

clean: ## remove everything that was built
	@rm -rf build

install-build:
	@scripts/install_packages.sh build

# The gateway runs without the model, and so do all tests but those of the encoder.
install-model:
	@scripts/install_model.sh || true

install-test:
	@scripts/install_packages.sh build test

# Ninja configures again by itself when a CMake list or folder changes; only the presets are ours to watch.
build/%/build.ninja: CMakePresets.json
	@cmake --preset $* && touch $@
