# Two commands for a newcomer: `make repro` and `make test`.

PYTHON ?= python3
# What pip is told for torch. On a machine without a GPU, choose a CPU wheel to spare gigabytes:
#   make setup TORCH="torch==2.13.0 --index-url <an index of CPU wheels>"   or   TORCH=/path/to/torch.whl
TORCH ?= torch==2.13.0
STUDY ?= quickstart
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help setup repro test test-slow check format clean

help: ## Show this help.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## Make .venv and install the pinned requirements, torch first.

$(VENV)/.ready: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make setup PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet -r requirements.txt
	$(BIN)/pip install --quiet --no-deps -e .
	@touch $@

repro: setup ## Run a study to its report (STUDY=quickstart).
	$(BIN)/xstilts repro $(STUDY)

test: setup ## Default tests, minutes.
	$(BIN)/python -m pytest

test-slow: setup ## The slow tests: whole studies, servers, a full disk.
	$(BIN)/python -m pytest -m slow

check: setup ## Format, lint, types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove the environment; results and cells stay.
	rm -rf $(VENV)
