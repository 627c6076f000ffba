# `make help` lists the targets. Everything is installed into .venv, from the one resolved lock; nothing else changes.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long lint format bench bench-kafka soak bundle connectors broker lock package audit clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.compiled  ## Install everything into .venv (Python 3.11 and Java 17 must be there)

$(VENV)/.compiled: $(VENV)/.ready $(wildcard udfs/*.py udfs/*.c udfs/features/*.py udfs/stores/*.py)
	$(BIN)/python setup.py -q build_ext --inplace --force >$(VENV)/compiling.log 2>&1 || { tail -20 $(VENV)/compiling.log; exit 2; }
	@ln -sf $(CURDIR)/fraud__mypyc*.so $(VENV)/lib/python3.11/site-packages/ 2>/dev/null || true
	@grep "^not compiled" $(VENV)/compiling.log || true
	@touch $@

$(VENV)/.ready: requirements.lock setup.py
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not on PATH; install Python 3.11 or say make PYTHON=..."; exit 2; }
	@command -v java >/dev/null || { echo "make: java is not on PATH; install a Java 17 runtime (Flink runs on it)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements.lock)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: setup  ## Simulate payments, score them in a local Flink, print alerts, write a report (under 2 minutes)
	$(BIN)/fraud demo

test: setup  ## Run all tests: lint, types, import contracts, core, Flink
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest

test-long: setup  ## Run the tests that take minutes: long outages (not part of `make test`)
	$(BIN)/python -m pytest -m long

lint: setup  ## Check format, style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## Measure tx/s of one slot and microseconds by stage; writes out/bench.json
	$(BIN)/python -m benchmarks.throughput

bench-kafka: setup  ## Measure Kafka to Kafka: tx/s of one slot, latency in open loop; writes out/bench_kafka.json and docs
	$(BIN)/python -m benchmarks.latency

soak: setup  ## 15 minutes at 2,000 tx/s with a random kill every 2 minutes: nothing lost, memory flat; writes out/soak.json
	$(BIN)/python -m benchmarks.soak

bundle: setup  ## Make the shipped bundle and its statistics again
	$(BIN)/fraud train --shipped

connectors:  ## Fetch Flink's connectors and S3 plugin by Maven into .cache/connectors and .cache/plugins
	deploy/fetch_jars.sh deploy/connectors .cache/connectors
	deploy/fetch_jars.sh deploy/plugins .cache/plugins/s3-fs-hadoop
	deploy/fetch_kinesis.sh .cache/connectors

broker:  ## Fetch a Kafka broker for development and tests by Maven into .cache/kafka-broker
	deploy/fetch_jars.sh deploy/servers/kafka .cache/kafka-broker

package: connectors setup  ## Build the application zip for AWS' Managed Service for Apache Flink
	$(BIN)/fraud package msf --out out/app.zip

audit: setup  ## Ask for known vulnerabilities of the lock's versions (needs the public package index)
	$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --no-deps --disable-pip --requirement requirements.lock

lock: setup  ## Resolve requirements.lock again from setup.py
	$(BIN)/uv pip compile --quiet setup.py --extra aws --extra train --extra dev --python-version 3.11 --no-header -o requirements.lock

clean:  ## Remove what demo, test and bench have written
	rm -f fraud__mypyc*.so udfs/*.so udfs/features/*.so
	rm -rf out .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
