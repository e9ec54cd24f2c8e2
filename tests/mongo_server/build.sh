#!/bin/sh
# Builds the MongoDB test server into OUT_DIR (default: .bin/mongo_server at the project's root).
# Needs a JDK (17 or newer) and Maven. Does nothing when OUT_DIR was built from these same files.
#
#   tests/mongo_server/build.sh [OUT_DIR]
set -eu
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$(cd "$here/../.." && pwd)/.bin/mongo_server}
cd "$here"

for tool in java javac mvn; do
    command -v "$tool" >/dev/null || { echo "build.sh: $tool is not installed" >&2; exit 1; }
done

digest() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

built_from=$(digest build.sh pom.xml jars.sha256 MongoTestServer.java)
if [ -f "$out/built_from" ] && [ "$(cat "$out/built_from")" = "$built_from" ]; then
    echo "mongo test server: up to date in $out"
    exit 0
fi

# Built aside and moved into place whole, so that nobody sees half a server.
mkdir -p "$(dirname "$out")"
new=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$new"' EXIT
mvn -Dstyle.color=never --quiet --batch-mode --strict-checksums --file pom.xml \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$new/lib"

(cd "$new/lib" && digest ./*.jar) >"$new/jars.sha256"
if ! diff "$here/jars.sha256" "$new/jars.sha256" >&2; then
    echo "build.sh: the fetched jars are not those in jars.sha256" >&2
    exit 1
fi

javac -Xlint:all -Werror --release 17 -cp "$new/lib/*" -d "$new/classes" MongoTestServer.java
echo "$built_from" >"$new/built_from"
rm -rf "$out"
mv "$new" "$out"
trap - EXIT
echo "mongo test server: built in $out"
