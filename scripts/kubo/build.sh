#!/usr/bin/env bash
# Builds the pinned Kubo into build/bin/ipfs: the real IPFS node whose CIDs ours must equal.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v go >/dev/null; then
  echo "kubo: skipped, Go is not installed (tests that need Kubo will say so and skip)"
  exit 0
fi
mkdir -p ../../build/bin
echo "building Kubo $(go list -m -f '{{.Version}}' github.com/ipfs/kubo) (once, some minutes)"
nice -n 19 go build -trimpath -o ../../build/bin/ipfs github.com/ipfs/kubo/cmd/ipfs
