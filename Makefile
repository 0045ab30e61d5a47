# Every target works from a clean clone: it makes .venv from requirements.lock first.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Every process would compile the whole exchange anew: two seconds each.
unexport PYTHONDONTWRITEBYTECODE
SEED ?= 1
SEEDS ?=
NAME ?=

.PHONY: help demo serve test check bench sim sim-payments docs reference format lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-12s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found. Debian/Ubuntu: apt-get install python3 python3-venv; Fedora: dnf install python3; macOS: brew install python. Or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11. Install a newer one and name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python has no venv. Debian/Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Setting up .venv (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python tools/install.py requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) ## set up, run one whole trade over HTTP, and leave an export that anybody can verify
	@$(BIN)/exchange demo

serve: $(READY) ## start the exchange with the demo's market in it
	@$(BIN)/exchange serve --market --quiet --processes auto

test: $(READY) ## everything that CI runs
	@$(BIN)/python tools/check.py
	@ORACLE_CASES=100000 $(BIN)/python -m pytest tests/e2e tests/simulation tests/interop tests/property/test_pricing_oracle.py tests/integration tests/api -n 3 --dist loadgroup

check: $(READY) ## format, lint, types, import contracts, architecture, unit and property tests
	@$(BIN)/python tools/check.py

bench: $(READY) ## measure against bare baselines (NAME=purchase for one)
	@$(BIN)/python -m benchmarks $(if $(NAME),--name $(NAME))

sim: $(READY) ## replay one seed of the fault suite (SEED=7), or run many (SEEDS=1000)
	@$(BIN)/python -m tests.simulation --seed $(SEED) $(if $(SEEDS),--seeds $(SEEDS))

sim-payments: $(READY) ## replay one seed of money at Stripe (SEED=7), or run many (SEEDS=1000)
	@$(BIN)/python -m tests.simulation.payments --seed $(SEED) $(if $(SEEDS),--seeds $(SEEDS))

docs: $(READY) ## build the documentation site into docs/_build/html
	@$(BIN)/python -m sphinx -q -W -b html docs docs/_build/html && echo "docs/_build/html/index.html"

reference: $(READY) ## rewrite what code knows: settings, problems, routes, OpenAPI documents, env.example, schema.sql
	@$(BIN)/python -m tools.reference && $(BIN)/python -m tools.dump_schema

format: $(READY) ## rewrite the code in the house's format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade -o requirements.lock

clean: ## remove what was built; the market's data in .exchange stays
	@rm -rf $(VENV) build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
