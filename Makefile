# One command each: `make run`, `make test`, `make test-slow`, `make check`. PYTHON names the Python to make .venv with.
PYTHON ?= python3
BIN := .venv/bin
PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder

# Bytecode is always written: otherwise each process would compile all sources at each start.
export PYTHONDONTWRITEBYTECODE :=

# Not empty when PYTHON differs from the Python of .venv.
SAY_VERSION := -c 'import sys; print(*sys.version_info[:2])'
ifneq ($(origin PYTHON),file)
ANOTHER := $(shell test "`$(PYTHON) $(SAY_VERSION) 2>/dev/null`" = "`$(BIN)/python $(SAY_VERSION) 2>&1`" || echo another-python)
endif

.PHONY: run test test-slow mongo-server check format bench openapi client verify-deploy env-example another-python

run: .venv/embedded.ready
	@exec $(BIN)/python -m embedded

test: .venv/dev.ready mongo-server
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

# Tests that need a browser, render the demo, or start and kill systems of their own.
test-slow: .venv/dev.ready mongo-server
	$(BIN)/python -m pytest -m slow $(PARALLEL)

mongo-server:
	@tests/mongo_server/build.sh || echo "The MongoDB test server is not built: its tests will say that they are skipped."

check: .venv/dev.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Measures the production entry points and writes docs/benchmarks.md. Needs wrk and redis-server; compares with nginx.
bench: .venv/dev.ready
	@tests/mongo_server/build.sh
	$(BIN)/python -m bench --write

# docs/openapi.json, from the running system.
openapi: .venv/dev.ready
	$(BIN)/python -m tests.api_description

# A TypeScript client of the API in build/client; needs Node.js and npm.
client:
	@tests/client/generate.sh

# Containers and manifests, run for real: deploy/verify/verify.sh says what it needs.
verify-deploy: .venv/dev.ready
	@deploy/verify/verify.sh

# .env.example and the tables of docs/configuration.md, from the descriptions of the settings.
env-example: .venv/dev.ready
	$(BIN)/python -m tests.env_example

# Bytecode is compiled at once, or the first start would do it.
.venv/%.ready: requirements/%.txt .venv/made
	@echo "Installing requirements/$*.txt into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt
	@touch $@

# Created again after an interruption, and for another PYTHON.
.venv/made: $(ANOTHER)
	@$(PYTHON) -c 'import sys; it = sys.version_info[:2]; sys.exit(not (3, 11) <= it <= (3, 14) and \
	"Python 3.11 to 3.14 is needed, not %d.%d; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" % it)'
	@$(PYTHON) -m venv --clear .venv
	@touch $@
