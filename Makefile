# make demo    try Bongsu: sets up what is missing, then starts `bongsu demo`
# make test    every test, a process for each core; ARGS="-k name" and the like go to pytest
# make check   style, types, import contracts, message catalogues
# make bench   the benchmarks; ARGS names one
# make docs    do the documents' links lead anywhere?
# make lock    the locked dependencies after pyproject.toml changed; UPGRADE=1 takes newer ones
# make clean   remove what was built; `make pristine` also what was installed

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=

MANIFEST := src/bongsu/web/assets/manifest.json
LOADTOOLS := tests/loadtools/node_modules/.installed
FRONTEND := $(shell find frontend -name node_modules -prune -o -type f -print)
CATALOGUES := $(shell find src -name '*.po')

.DELETE_ON_ERROR:
.PHONY: demo test check bench docs lock clean pristine assets locale install system-demo system-test

demo: system-demo $(VENV)/.runtime $(MANIFEST)
	$(BIN)/bongsu demo $(ARGS)

test: system-test $(VENV)/.dev $(MANIFEST) $(LOADTOOLS)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev $(MANIFEST)
	$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff --quiet .; exit 1; }
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python hatch_build.py --check
	$(BIN)/python scripts/compile_catalogue.py --check
	$(BIN)/python scripts/check_docs.py

bench: system-test $(VENV)/.bench $(MANIFEST)
	$(BIN)/python bench $(ARGS)

docs: $(VENV)/.dev
	$(BIN)/python scripts/check_docs.py

# For working on the code: the environment, without running anything.
install: $(VENV)/.dev $(MANIFEST)

assets: $(VENV)/.dev $(MANIFEST)

locale: $(VENV)/.dev
	$(BIN)/python scripts/compile_catalogue.py

system-demo:
	@scripts/install-system-packages.sh demo

system-test:
	@scripts/install-system-packages.sh test

# The stamps lie inside what they vouch for, so that removing it removes the claim.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Bongsu needs Python 3.11 or newer; name one with  make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

INSTALL_SELF = $(PIP) install --no-build-isolation --no-deps --editable .

$(VENV)/.runtime: requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python system-demo
	$(PIP) install --require-hashes -r requirements.lock -r requirements-build.lock
	$(INSTALL_SELF)
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(INSTALL_SELF)
	@touch $@ $(VENV)/.runtime

$(VENV)/.bench: requirements-bench.lock | $(VENV)/.dev
	$(PIP) install --require-hashes -r requirements-bench.lock
	@touch $@

$(MANIFEST): $(FRONTEND) $(CATALOGUES) hatch_build.py scripts/compile_catalogue.py
	$(BIN)/python hatch_build.py

# artillery, without the 500 MB of it that no test uses.
$(LOADTOOLS): $(wildcard tests/loadtools/*.json tests/loadtools/install.py) | $(VENV)/.dev
	$(BIN)/python tests/loadtools/install.py
	@touch $@

# No index, host or path gets into a lock: where packages come from is each machine's own setting.
COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(if $(UPGRADE),--upgrade)

lock: | $(VENV)/.dev
	$(COMPILE) -o requirements.lock pyproject.toml
	$(COMPILE) -c requirements.lock --all-build-deps --extra dev -o requirements-dev.lock pyproject.toml
	$(COMPILE) -c requirements-dev.lock --only-build-deps --all-build-deps -o requirements-build.lock pyproject.toml
	$(COMPILE) -c requirements-dev.lock --extra bench -o requirements-bench.lock pyproject.toml

clean:
	rm -rf src/bongsu/web/assets build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src -name '*.mo' -delete
	find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

pristine: clean
	rm -rf $(VENV) frontend/node_modules tests/loadtools/node_modules
