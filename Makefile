# Everything a developer or an operator types. `make help` lists the targets; each one
# makes what it needs: a virtual environment in $(VENV), the packages, the services.

VENV ?= .venv
# Configuration file for `serve` and `migrate`; without one, `kinto start` runs on its own PostgreSQL.
SERVER_CONFIG ?=
# More arguments for pytest: make test ARGS="tests/core -k etag"
ARGS ?=
WORKERS ?= 2

ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
endif

BIN := $(VENV)/bin
INI := $(if $(SERVER_CONFIG),--ini $(SERVER_CONFIG))
PIP_FLAGS := --quiet --retries 5 --timeout 60 --disable-pip-version-check --no-input
# A virtual environment made without ensurepip is filled by the pip of the system.
PIP = $$(test -x $(BIN)/pip && echo $(BIN)/python -m pip || echo $(PYTHON) -m pip --python $(BIN)/python)

EXTRAS_base := embedded
EXTRAS_monitoring := monitoring
EXTRAS_postgresql := postgresql
EXTRAS_dev := all,test,docs

.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help serve test tests coverage install install-monitoring install-postgres install-dev services \
	lint format types architecture docs migrate constraints upgrade-data clean distclean \
	bench bench-scale bench-memory drills

##@ Run
serve: $(VENV)/.installed-base ## Run a server on http://127.0.0.1:8888/v1/ with a PostgreSQL of its own
	@$(BIN)/kinto start $(INI)

migrate: $(VENV)/.installed-base ## Create or upgrade the tables of the configured database
	@$(BIN)/kinto migrate $(INI)

##@ Test
test: $(VENV)/.installed-dev services ## Run every test against real services
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --timeout 300 $(ARGS)

coverage: $(VENV)/.installed-dev services ## The same, measuring which branches run (takes twice as long)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --timeout 600 --cov --cov-report term $(ARGS)

tests: test ## The same as test

lint: $(VENV)/.installed-dev ## Check the style of the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## Check the types
	@$(BIN)/mypy

architecture: $(VENV)/.installed-dev ## Check layers, imports, sizes of modules
	@$(BIN)/python -m pytest -q --no-header tests/test_architecture.py

##@ Measure
# PROCESSES, THREADS, ROUNDS, SECONDS, RECORDS, SCENARIOS, SERVERS, AUTH, POSTGRESQL_URL: see benchmarks/compare.py
bench: $(VENV)/.installed-dev ## Compare the throughput with Kinto 26.5.0 and with bare Pyramid
	@$(BIN)/python -m benchmarks.compare $(ARGS)

bench-scale: $(VENV)/.installed-dev ## Draw latency against the number of records (SIZES=1000,10000)
	@$(BIN)/python -m benchmarks.scale $(ARGS)

bench-memory: $(VENV)/.installed-dev ## Show the memory of a worker and the cost of its start (REQUESTS=100000)
	@$(BIN)/python -m benchmarks.memory $(ARGS)

# About five minutes. DRILLS=stop,stop-many,kill,workers,reload,limit
drills: $(VENV)/.installed-dev ## Break PostgreSQL and workers under load, and see that the guarantees hold
	@$(BIN)/python -m drills $(ARGS)

##@ Write
format: $(VENV)/.installed-dev ## Format the code, fix what can be fixed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.installed-dev ## Build the documentation in docs/_build/html; a warning is an error
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

##@ Set up
install: $(VENV)/.installed-base ## Install the service in $(VENV)

install-monitoring: $(VENV)/.installed-base $(VENV)/.installed-monitoring ## Add Sentry, StatsD, Prometheus, New Relic

install-postgres: $(VENV)/.installed-base $(VENV)/.installed-postgresql ## Add the PostgreSQL driver

install-dev: $(VENV)/.installed-dev ## Install everything that development needs

services: ## Install memcached, Redis and others for the tests (as root, where apt-get is)
	@.ci/services

upgrade-data: $(VENV)/.installed-dev ## Write anew what Kinto 26.5.0 stored and answered, for the tests of upgrades
	@$(BIN)/python -m benchmarks.record_upgrade

constraints: ## Write constraints.txt anew, with the newest versions that setup.py allows
	@PYTHON=$(PYTHON) .ci/constraints

##@ Clean
clean: ## Remove what was built or cached
	@rm -rf build dist *.egg-info docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	@find kinto tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove the virtual environment as well
	@rm -rf $(VENV)

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "; print "Usage: make <target>"} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-20s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Kinto needs Python 3.11 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --without-pip $(VENV); \
	else echo "$(PYTHON) has neither ensurepip nor pip: install python3-venv (or python3-pip)." >&2; exit 1; fi

$(VENV)/.installed-%: setup.py constraints.txt | $(BIN)/python
	@echo "Installing packages ($*) in $(VENV)"
	@$(PIP) install $(PIP_FLAGS) --constraint constraints.txt --editable '.[$(EXTRAS_$*)]'
	@touch $@
