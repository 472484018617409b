#!/bin/sh
# Writes build/solc/solc-v<version>: an executable that answers like the native Solidity compiler, over the npm package
# `solc` that package-lock.json pins. Nothing is downloaded. py-solc-x, brownie and forge all take it for the real one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
[ -d "$root/node_modules/solc" ] || { echo "solc: node_modules is missing; run 'npm ci' first" >&2; exit 1; }

long=$(node -p "require('$root/node_modules/solc').version()")
short=${long%%+*}
out="$root/build/solc/solc-v$short"
mkdir -p "$root/build/solc"
# brownie asks for the version often, and loading the compiler takes half a second: the front answers by itself.
cat > "$out.new" <<SH
#!/bin/sh
case "\$*" in *--version*) printf '%s\n' 'solc, the solidity compiler commandline interface' 'Version: $long'; exit 0;; esac
SOLC_JS_PACKAGE='$root/node_modules/solc' exec node --stack-size=8000 '$here/standin.js' "\$@"
SH
chmod +x "$out.new"
mv "$out.new" "$out"
echo "$out"
