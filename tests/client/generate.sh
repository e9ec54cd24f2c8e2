#!/bin/sh
# Generates a TypeScript client from docs/openapi.json into OUT_DIR (default: build/client). Needs Node.js and npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-$root/build/client}
mkdir -p "$out"
cp "$here/package.json" "$here/tsconfig.json" "$here/client.ts" "$here/tour.ts" "$out/"
cd "$out"
if [ ! -f node_modules/.installed ] || ! cmp -s package.json node_modules/.installed; then
    npm install --silent --no-package-lock --no-audit --no-fund
    cp package.json node_modules/.installed
fi
npx --no-install openapi-typescript "$root/docs/openapi.json" --output api.d.ts >/dev/null
npx --no-install tsc
echo "TypeScript client: generated in $out"
