#!/usr/bin/env bash
# Runs the contracts' brownie tests against a local chain of its own: scripts/brownie_test.sh [PATH] [PYTEST OPTION ...]
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/brownie ] || { echo "brownie_test: brownie is not installed in .venv; run: make setup" >&2; exit 1; }
exec .venv/bin/python scripts/brownie_test.py "$@"
