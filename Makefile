# Two commands matter to a newcomer: `make demo` and `make test`. Both set up what is missing.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := build/setup
# brownie's pytest plugin compiles the project at every start; only `brownie test` wants that.
PYTEST := $(BIN)/python -m pytest -p no:pytest-brownie --ignore tests/contracts
# Needs the machine to itself: it kills a worker within the tenth of a second in which its wasm runs.
DEMO_TESTS := tests/e2e/test_demo.py
NPM_QUIET := --no-audit --no-fund --no-update-notifier --loglevel=error

.PHONY: help setup demo test check bench deep trade mutate programs contracts snapshots web kubo geth clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP)/python: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "edgebounty: $(PYTHON) is not installed; install Python 3.11 or newer, or say which: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "edgebounty: $$($(PYTHON) --version) is too old; Python 3.11 or newer is needed: make PYTHON=/path/to/python"; exit 1; }
	@echo "setting up Python packages in .venv (once, a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[contracts,demo]'
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/dev: pyproject.toml | setup
	@echo "setting up compilers, linters and test tools (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# Not `npm ci`: it insists on lock entries for every other platform's optional binaries.
$(STAMP)/node: package-lock.json
	@command -v npm >/dev/null || { echo "edgebounty: npm is not installed; install Node.js 20 or newer"; exit 1; }
	@echo "setting up node packages in node_modules (once)"
	@npm install --no-save $(NPM_QUIET) > /dev/null
	@mkdir -p $(STAMP) && touch $@

$(STAMP)/solc: $(STAMP)/node scripts/solc/install.sh
	@scripts/solc/install.sh > /dev/null
	@touch $@

# brownie gets a home of its own, so that nothing in the user's is needed or changed.
$(STAMP)/brownie: $(STAMP)/python $(STAMP)/solc brownie-config.yaml $(shell find contracts -name '*.sol')
	@echo "compiling the contracts with brownie (half a minute)"
	@home=$$(mktemp -d) && HOME=$$home SOLCX_BINARY_PATH=$(CURDIR)/build/solc $(BIN)/brownie compile > build/brownie-compile.log 2>&1 \
		|| { cat build/brownie-compile.log; exit 1; }; rm -rf "$$home"
	@touch $@

# The pages: types checked, built, and each held to its byte budget.
$(STAMP)/web: $(STAMP)/node $(shell find web -type f -not -path 'web/dist/*' -not -path 'web/generated/*') $(wildcard edgebounty/chain/artifacts/*.json)
	@echo "building the web pages in web/dist"
	@node web/build.mjs
	@touch $@

# Python's packages and node's come from different places: side by side, then what needs both.
setup: ## the virtual environment, node packages and the Solidity compiler
	@$(MAKE) --silent --no-print-directory --jobs=2 $(STAMP)/python $(STAMP)/node
	@$(MAKE) --silent --no-print-directory $(STAMP)/solc $(STAMP)/brownie

demo: setup ## a whole market on this machine: three real jobs, a liar, a killed and a slow worker
	@$(BIN)/python scripts/demo.py

test: setup $(STAMP)/dev $(STAMP)/web ## every test
	npx --no-install vitest run --config web/vitest.config.mts
	$(PYTEST) tests -m unit --disable-socket --allow-unix-socket
	$(PYTEST) tests -m property
	$(PYTEST) tests -m integration -n 2 --dist loadfile --ignore $(DEMO_TESTS)
	$(PYTEST) $(DEMO_TESTS)
	scripts/forge.sh test
	$(BIN)/python scripts/coverage.py
	scripts/brownie_test.sh

check: setup $(STAMP)/dev $(STAMP)/web ## format, lint, types, import directions, shipped artifacts, ABI and storage snapshots
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	npx --no-install prettier --check 'contracts/**/*.sol' 'tests/**/*.sol'
	npx --no-install prettier --check 'web/**/*.{ts,tsx,mts,mjs,css,html,json}' 'tests/web/**/*.ts'
	npx --no-install solhint --max-warnings 0 'contracts/**/*.sol'
	$(BIN)/python scripts/compile.py --check

bench: setup $(STAMP)/dev ## every benchmark, one build/bench/NAME.json each
	$(BIN)/python -m bench

deep: setup $(STAMP)/dev ## long fuzz runs, symbolic checks and static analysis of the contracts (an hour or two)
	scripts/deep.sh

trade: setup $(STAMP)/dev ## put every bug of the trade into the contracts: its tests have to fail
	$(BIN)/python scripts/mutate.py --trade

mutate: setup $(STAMP)/dev ## put small faults into the money code: every one has to be noticed (an hour or two; goes on where it stopped)
	$(BIN)/python scripts/mutate.py

programs: $(STAMP)/dev ## rebuild the built-in programs; the bytes must not change
	$(BIN)/python -m edgebounty.programs.compiler

contracts: setup ## compile the contracts into the shipped artifacts
	$(BIN)/python scripts/compile.py

snapshots: setup ## write the contracts' ABI, storage and gas anew after a change that is meant
	$(BIN)/python scripts/compile.py
	FORGE_SNAPSHOT_EMIT=true FORGE_SNAPSHOT_CHECK=false scripts/forge.sh test --match-contract GasTest

web: $(STAMP)/web ## build the web pages (web/dist), which the orchestrator then serves

kubo: ## build a real IPFS node to test against (needs Go)
	scripts/kubo/build.sh

geth: ## build a second Ethereum client to test against (needs Go)
	scripts/geth/build.sh

clean: ## forget everything that was built
	rm -rf build .venv node_modules web/dist web/generated
