#!/bin/sh
# Builds an image of the MongoDB test server (docs/decisions/0003) under the tag that docker-compose.yml names, for
# proof runs on a machine that reaches no image registry. Needs docker, a JDK and Maven. Never push it.
#
#   deploy/verify/mongo/build.sh [TAG]
set -eu
tag=${1:-mongo:8.0}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
server="$root/.bin/mongo_server"
"$root/tests/mongo_server/build.sh"
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp -r "$server/lib" "$context/lib"
javac --release 17 -cp "$server/lib/*" -d "$context/classes" "$here/MongoStandIn.java"
docker build -q -t "$tag" -f "$here/Dockerfile" "$context"
