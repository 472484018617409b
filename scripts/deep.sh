#!/usr/bin/env bash
# The long runs: static analysis, symbolic checks, and fuzz campaigns far beyond what every change needs (about an hour).
# slither and halmos pin packages that brownie pins otherwise, so they live in an environment of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=build/deep-venv
[ -x "$tools/bin/slither" ] || {
  echo "setting up slither and halmos in $tools (once)"
  "${PYTHON:-python3}" -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check slither-analyzer==0.11.6 halmos==0.3.3
}
export PATH="$PWD/$tools/bin:$PWD/build/solc:$PATH"

# Left out, with reason: incorrect-equality (it warns of enums and of a zero that means "not yet known"; no balance is
# compared) and unused-return (parts of a tuple that the caller does not need).
echo "== real data: Fashion-MNIST over eight shards against one machine (Debian's dataset-fashion-mnist)"
EDGEBOUNTY_DEEP=1 .venv/bin/python -m pytest -p no:pytest-brownie tests/edgebounty/client/test_real_data.py

echo "== slither: no finding of high or medium impact"
slither . --config-file slither.config.json

echo "== halmos: splitting, rounding and conservation for all inputs"
FOUNDRY_PROFILE=default scripts/forge.sh build --ast --silent
halmos --contract SymbolicTest --forge-build-out build/forge

echo "== forge: 100,000 fuzz runs, invariants 1,000 x 500"
FOUNDRY_PROFILE=deep scripts/forge.sh test
