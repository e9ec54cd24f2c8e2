#!/usr/bin/env bash
# Pins every dependency with its hashes, for every platform and Python from 3.11 on. Needs `uv` on the PATH.
# requirements/runtime.txt is what a service's image installs, embedded.txt adds `make run`, dev.txt adds `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {
  uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-annotate --no-header --quiet "${@:2}" -o "requirements/$1.txt"
}
lock runtime
lock embedded --extra embedded
lock dev --extra embedded --extra dev
