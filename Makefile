# `make help` lists the targets. Everything is installed into .venv, from the one resolved lock; nothing else changes.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PACKAGES := $(patsubst %/__init__.py,%,$(wildcard */__init__.py))
CORE   := udfs/core/_native.abi3.so
RUST   := $(shell find udfs/core -name '*.rs' -o -name 'Cargo.*') $(wildcard udfs/records/*.txt)
CARGO  ?= $(firstword $(shell command -v cargo) $(HOME)/.cargo/bin/cargo)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup core core-test wheel demo test test-python test-long lint format bench bench-kafka recovery soak bundle connectors broker lock package audit clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready $(CORE)  ## Install everything into .venv (Python 3.11, Java 17 and Rust must be there)

# Modules that earlier versions compiled would be imported in place of the sources.
$(VENV)/.ready: $(VENV)/.packages setup.py build_core.py pyproject.toml | $(CORE)
	@find $(PACKAGES) -name "*.cpython-*.so" -delete; rm -f fraud__mypyc*.so $(VENV)/lib/python3.11/site-packages/fraud__mypyc*.so
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.packages: requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not on PATH; install Python 3.11 or say make PYTHON=..."; exit 2; }
	@command -v java >/dev/null || { echo "make: java is not on PATH; install a Java 17 runtime (Flink runs on it)"; exit 2; }
	@command -v $(CARGO) >/dev/null || ls dist/*.whl >/dev/null 2>&1 || { echo "make: cargo is not on PATH; install Rust (rustup.rs)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock >$(VENV)/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENV)/uv.txt
	$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@touch $@

core: $(CORE)  ## Build the native core (Rust), or take it from a wheel of the same sources in dist/

$(CORE): $(RUST) | $(VENV)/.packages
	$(BIN)/python setup.py -q build_rust --inplace
	@touch $@

CARGO_OPTIONS := --manifest-path udfs/core/Cargo.toml
CARGO_TARGET  := --locked --target-dir build/core

core-test: setup  ## Check format and lint of the native core and run its unit tests
	@command -v $(CARGO) >/dev/null || { echo "make: cargo is not on PATH; install Rust (rustup.rs)"; exit 2; }
	$(CARGO) fmt $(CARGO_OPTIONS) --check
	$(CARGO) clippy --quiet $(CARGO_OPTIONS) $(CARGO_TARGET) --no-default-features --all-targets -- -D warnings
	$(CARGO) test --quiet $(CARGO_OPTIONS) $(CARGO_TARGET) --no-default-features

# On Linux zig links for an old glibc, so that one wheel serves all distributions of the last years and the Managed Service.
ifeq ($(shell uname -s),Linux)
WITH_ZIG := FRAUD_WHEEL_GLIBC=2.28 $(BIN)/uv tool run --quiet --from cargo-zigbuild==0.24.0 --with ziglang==0.17.1
endif

wheel: $(VENV)/.packages  ## Build the wheel for Python 3.11 and later (abi3) into dist/; on Linux for glibc 2.28 and later
	rm -rf build/lib* build/bdist*
	$(WITH_ZIG) $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

demo: setup  ## Simulate payments, score them in a local Flink, print alerts, write a report (2 minutes after set-up)
	$(BIN)/fraud demo

test: setup core-test  ## Run all tests: lint, types, import contracts, core, Flink
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory test-python

# What fails is tried once more, alone: where other work slowed the machine down, a time may have been too short. Both results
# are shown; a fault fails twice.
test-python: setup  ## Run the Python tests of two files at a time, then those that expect something within a time
	@failed=0; \
	$(BIN)/python -m pytest --cache-clear -m "not long and not timed" -n 2 --dist loadfile || failed=1; \
	$(BIN)/python -m pytest -m "timed and not long" || failed=1; \
	[ $$failed = 0 ] || $(BIN)/python -m pytest -m "not long" --last-failed --last-failed-no-failures none

test-long: setup  ## Run the tests that take minutes: long outages (not part of `make test`)
	$(BIN)/python -m pytest -m long

lint: setup  ## Check format, style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy setup.py build_core.py
	$(BIN)/lint-imports --no-cache

format: setup  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## Measure tx/s of one slot and microseconds by stage; writes out/bench.json
	$(BIN)/python -m benchmarks.throughput

bench-kafka: setup  ## Measure Kafka to Kafka: tx/s of one slot, latency in open loop; writes out/bench_kafka.json and docs
	$(BIN)/python -m benchmarks.latency

recovery: setup  ## Faults while events arrive, and what is lost or repeated after them (an hour); writes out/recovery.json
	$(BIN)/python -m benchmarks.recovery

soak: setup  ## 30 minutes at 1,000 tx/s with a random fault each 90 s: nothing lost, memory flat; writes out/soak.json
	$(BIN)/python -m benchmarks.soak

bundle: setup  ## Make the shipped bundle and its statistics again
	$(BIN)/fraud train --shipped

connectors:  ## Fetch Flink's connectors and S3 plugin by Maven into .cache/connectors and .cache/plugins
	deploy/fetch_jars.sh deploy/connectors .cache/connectors
	deploy/fetch_jars.sh deploy/plugins .cache/plugins/s3-fs-hadoop
	deploy/fetch_kinesis.sh .cache/connectors

broker:  ## Fetch a Kafka broker for development and tests by Maven into .cache/kafka-broker
	deploy/fetch_jars.sh deploy/servers/kafka .cache/kafka-broker

package: connectors wheel setup  ## Build the application zip for AWS' Managed Service for Apache Flink
	$(BIN)/fraud package msf --wheel "$$(ls -t dist/streaming_fraud_detector-*.whl | head -1)" --out out/app.zip

audit: setup  ## Ask for known vulnerabilities of the lock's versions (needs the public package index)
	$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --no-deps --disable-pip --requirement requirements.lock

lock: setup  ## Resolve requirements.lock again from setup.py
	$(BIN)/uv pip compile --quiet setup.py --extra dev --python-version 3.11 --no-header --generate-hashes \
		--no-emit-index-url --no-emit-find-links -o requirements.lock

# A wheel in dist/ stays: it may be there because this machine has no Rust. Set-up takes none of other sources.
clean:  ## Remove what setup has built, and what demo, test and bench have written
	find $(PACKAGES) -name "*.so" -delete
	find $(PACKAGES) -name __pycache__ -prune -exec rm -rf {} +
	rm -rf out .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
