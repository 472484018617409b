#!/usr/bin/env bash
# Builds the pinned geth into build/bin/geth: a second Ethereum client, so that nothing of ours leans on anvil's habits.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v go >/dev/null; then
  echo "geth: skipped, Go is not installed (tests that need geth will say so and skip)"
  exit 0
fi
mkdir -p ../../build/bin
echo "building geth $(go list -m -f '{{.Version}}' github.com/ethereum/go-ethereum) (once, some minutes)"
nice -n 19 go build -trimpath -o ../../build/bin/geth github.com/ethereum/go-ethereum/cmd/geth
