#!/usr/bin/env bash
# Runs the pinned forge: the native file, not npm's wrapper, so that its exit status and signals are its own.
set -euo pipefail
cd "$(dirname "$0")/.."
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-amd64 ;;
  Linux-aarch64) platform=linux-arm64 ;;
  Darwin-x86_64) platform=darwin-amd64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  *) echo "forge: there is no build for $(uname -s) on $(uname -m)" >&2; exit 1 ;;
esac
forge="node_modules/@foundry-rs/forge-$platform/bin/forge"
[ -x "$forge" ] || { echo "forge: $forge is missing; run: make setup" >&2; exit 1; }
exec "$forge" "$@"
