#!/bin/sh
# Replaces the pods of each deployment in turn, and waits until the replaced ones have ended.
set -eu
cd "$(dirname "$0")"
for name in user-service song-service album-service api-gateway; do
    echo "$(date +%H:%M:%S) restarting $name"
    kubectl -n music-streaming rollout restart "deployment/$name" >/dev/null
    ./wait-for-pods.sh "deployment/$name"
done
echo "$(date +%H:%M:%S) done"
