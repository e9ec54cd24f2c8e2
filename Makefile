# One command each: `make run`, `make test`, `make check`. PYTHON names the Python to make .venv with.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check format verify-deploy env-example

run: .venv/embedded.ready
	@exec $(BIN)/python -m embedded

test: .venv/dev.ready
	@tests/mongo_server/build.sh || echo "The MongoDB test server is not built: its tests will say that they are skipped."
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/dev.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Containers and manifests, run for real: deploy/verify/verify.sh says what it needs.
verify-deploy: .venv/dev.ready
	@deploy/verify/verify.sh

# .env.example and the README's table of variables, as the settings describe themselves.
env-example: .venv/dev.ready
	$(BIN)/python -m tests.env_example

# Bytecode is compiled at once, or the first start would do it.
.venv/%.ready: requirements/%.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing requirements/$*.txt into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt
	@touch $@
