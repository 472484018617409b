#!/usr/bin/env bash
# The long runs, one line a part: static analysis, symbolic checks, the bugs of the trade, and fuzz campaigns far beyond
# what every change needs. `deep.sh PART…` runs only these parts. Each part's own output is in build/deep/PART.log; of a
# part that fails its end is printed.
# slither and halmos pin packages that brownie pins otherwise, so they live in an environment of their own.
set -uo pipefail
cd "$(dirname "$0")/.."
tools=build/deep-venv
mkdir -p build/deep
[ -x "$tools/bin/slither" ] && "$tools/bin/python" -c 'import cvc5' 2>/dev/null || {
  echo "setting up slither, halmos and cvc5 in $tools (once)"
  "${PYTHON:-python3}" -m venv "$tools" &&
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check slither-analyzer==0.11.6 halmos==0.3.3 cvc5==1.4.2 ||
    exit 1
}
# halmos and slither call `forge` by that name.
forge=$(dirname "$(ls -d node_modules/@foundry-rs/forge-*/bin/forge | head -1)")
export PATH="$PWD/$tools/bin:$PWD/build/solc:$PWD/$forge:$PATH"

chosen=" $* "
failed=()
summary=()
part() { # NAME WHAT COMMAND…
  local name=$1 what=$2 begun=$SECONDS status=0
  shift 2
  [[ $chosen = "  " || $chosen = *" $name "* ]] || return 0
  printf '%-10s %s … ' "$name" "$what"
  "$@" >"build/deep/$name.log" 2>&1 || status=$?
  local took=$((SECONDS - begun))
  if [ "$status" = 0 ]; then
    echo "ok, $took s"
    summary+=("$name ok ${took} s")
  else
    echo "FAILED, $took s; the end of build/deep/$name.log:"
    tail -n 25 "build/deep/$name.log" | sed 's/^/    /'
    summary+=("$name FAILED ${took} s")
    failed+=("$name")
  fi
}

symbolic() { # CONTRACT [OPTION…]
  FOUNDRY_PROFILE=default halmos --forge-build-out build/forge --solver-timeout-assertion 300s --contract "$@"
}
# Products and quotients of amounts are hopeless bit by bit and easy as whole numbers.
integers="$PWD/$tools/bin/python $PWD/scripts/solve_integers.py"

# Of slither left out, with reason: incorrect-equality (it warns of enums and of a zero that means "not yet known"; no balance is
# compared) and unused-return (parts of a tuple that the caller does not need).
part real-data "training on all of each real data set, over a market and on one machine (Debian's dataset-fashion-mnist)" \
  env EDGEBOUNTY_DEEP=1 .venv/bin/python -m pytest -p no:pytest-brownie tests/e2e/test_real_data.py
part slither "no finding of high or medium impact in the whole project" slither . --config-file slither.config.json
part money "halmos: rounding, for all amounts" symbolic SymbolicMoneyTest --solver-command "$integers"
part slots "halmos: sets of slots and groups of digests, for all" symbolic SymbolicSlotsTest
part vault "halmos: slashing and unbonding conserve stake, for all amounts" symbolic SymbolicVaultTest
part trade "every bug of the trade is noticed by its tests" .venv/bin/python scripts/mutate.py --trade
part fuzz "100,000 runs of every fuzz test" env FOUNDRY_PROFILE=deep scripts/forge.sh test --match-test testFuzz
part invariants "1,000 runs of 500 calls" env FOUNDRY_PROFILE=deep scripts/forge.sh test --match-contract Invariant

[ ${#summary[@]} != 0 ] || { echo "deep: there is no part$chosen" >&2; exit 1; }
echo
printf '  %s\n' "${summary[@]}"
[ ${#failed[@]} = 0 ] || { echo "deep: failed: ${failed[*]}"; exit 1; }
echo "deep: all parts hold"
