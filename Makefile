# `make` prints the targets. Everything runs in .venv, which the first target that needs it sets up.
VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/peers
# A file of tests stays in one process, and folders follow each other, as the tests of one share a service.
# Each process holds the models once: about 2 GB.
SIDE_BY_SIDE ?= -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-offline test-slow check format bench eval faults lock clean
.DELETE_ON_ERROR:

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv (done by the others when needed)

$(READY): pyproject.toml requirements.lock $(wildcard scripts/*.py) $(wildcard scripts/llama_cpp/*)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found. Install one," \
		"or name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) scripts/setup.py --venv $(VENV)
	@touch $@

demo: $(READY) ## ingest data/samples, ask, print a cited answer
	@$(BIN)/python -m api.demo

serve: $(READY) ## run the service (FOOTNOTE_* settings are honoured)
	@$(BIN)/footnote serve

test: $(READY) ## run the tests, except the slow ones
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-offline: $(READY) ## run the tests and the demonstration where there is no network at all
	@$(BIN)/python scripts/offline.py $(BIN)/python -m pytest $(SIDE_BY_SIDE)
	@$(BIN)/python scripts/offline.py $(BIN)/python -m api.demo

test-slow: $(READY) ## run the slow tests
	@$(BIN)/python -m pytest -m slow

check: $(READY) ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## format the code and mend what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(READY) $(PEERS)/.ready ## measure times and memory, write data/reports
	@$(BIN)/python -m tests.benchmarks.service
	@$(BIN)/python -m tests.benchmarks.repeating
	@$(BIN)/python -m tests.benchmarks.ingesting --peers $(PEERS)
	@$(BIN)/python -m tests.benchmarks.search
	@$(BIN)/python -m tests.benchmarks.web
	@OMP_WAIT_POLICY=passive $(BIN)/python -m tests.benchmarks.generation

# What Footnote is compared with; it never comes into the environment that Footnote runs in.
$(PEERS)/.ready: tests/benchmarks/peers.txt | $(READY)
	@$(BIN)/python -m pip install --quiet --upgrade --target $(PEERS) --requirement $< \
		--no-deps
	@touch $@

eval: $(READY) ## measure retrieval and answers, write data/reports
	@$(BIN)/python -m tests.evals.reading
	@$(BIN)/python -m tests.evals.small_libraries
	@$(BIN)/python -m tests.evals.retrieval
	@$(BIN)/python -m tests.evals.surveys
	@$(BIN)/python -m tests.evals.follow_ups
	@$(BIN)/python -m tests.evals.reports
	@$(BIN)/python -m tests.evals.papers
	@$(BIN)/python -m tests.evals.falsified --likeness
	@$(BIN)/python -m tests.evals.same_questions
	@$(BIN)/python -m tests.evals.injection
	@$(BIN)/python -m tests.evals.abstention

faults: $(READY) ## kill, fill, fail, corrupt, flood; remove guards; write data/reports (hours)
	@$(BIN)/python -m tests.faults
	@$(BIN)/python -m tests.faults.hostile_files --most 0
	@$(BIN)/python -m tests.faults.fuzz --cases 50000 --seed 1
	@$(BIN)/python -m tests.faults.slow_clients --connections 1000 --seconds 60
	@$(BIN)/python -m tests.faults.overload --seconds 60 --factor 10 --seed 1
	@$(BIN)/python -m tests.faults.disconnects --n 1000 --seed 1
	@$(BIN)/python -m tests.faults.shutdowns --n 200 --seed 1
	@$(BIN)/python -m tests.faults.soak --minutes 60 --seed 1
	@$(BIN)/python -m tests.faults.soak --minutes 60 --seed 2 --kill-every 60
	@$(BIN)/python -m tests.separation.canaries --tenants 20 --documents 500 --questions 10000 --seed 1
	@$(BIN)/python -m tests.faults.mutations

lock: ## resolve the dependencies anew and rewrite the lock files
	@PYTHON=$(PYTHON) scripts/lock.sh

clean: ## remove .venv and caches; your documents and the built wheels stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
