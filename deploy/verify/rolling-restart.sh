#!/bin/sh
# Replaces the pods of each deployment in turn, and waits until the replaced ones are gone.
set -eu
for name in user-service song-service album-service api-gateway; do
    old=$(kubectl -n music-streaming get pods -l "app.kubernetes.io/name=$name" -o name)
    echo "$(date +%H:%M:%S) restarting $name"
    kubectl -n music-streaming rollout restart "deployment/$name" >/dev/null
    kubectl -n music-streaming rollout status "deployment/$name" --timeout=180s >/dev/null
    # shellcheck disable=SC2086 # a list of pods
    kubectl -n music-streaming wait --for=delete $old --timeout=180s >/dev/null
done
echo "$(date +%H:%M:%S) done"
