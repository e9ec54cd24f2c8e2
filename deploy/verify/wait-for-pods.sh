#!/bin/sh
# Waits until a deployment or stateful set has its replicas, all of them new and ready; and for LEAVING_SECONDS (30: preStop,
# drain and a little) while there are replaced ones. Polls: watching, as `kubectl rollout status` does, is not
# to be relied on when client and cluster are of different ages, nor are pods that have ended gone at once.
#
#   deploy/verify/wait-for-pods.sh deployment/song-service [SECONDS]
set -eu
name=${1#*/}
left=${2:-180}
while [ "$left" -gt 0 ]; do
    state=$(kubectl -n music-streaming get "$1" -o \
        'jsonpath={.metadata.generation} {.status.observedGeneration} {.spec.replicas} {.status.readyReplicas} {.status.updatedReplicas} {.status.replicas}')
    # shellcheck disable=SC2086 # six numbers
    set -- "$1" $state
    if [ $# -ge 7 ] && [ "$2" = "$3" ] && [ "$4" = "$5" ] && [ "$4" = "$6" ] && [ "$4" = "$7" ]; then
        pods=$(kubectl -n music-streaming get pods -l "app.kubernetes.io/name=$name" -o name | wc -l)
        [ "$pods" = "$4" ] || sleep "${LEAVING_SECONDS:-30}"
        exit 0
    fi
    left=$((left - 1))
    sleep 1
done
echo "$1 is not as it should be in time: $state" >&2
exit 1
