#!/bin/sh
# Waits until a deployment or stateful set has its replicas, all of them new and ready, and the replaced ones are gone.
# Asks again and again: watching, as `kubectl rollout status` does, is not to be relied on when client and cluster are
# of different ages.
#
#   deploy/verify/wait-for-pods.sh deployment/song-service [SECONDS]
set -eu
name=${1#*/}
left=${2:-180}
while [ "$left" -gt 0 ]; do
    state=$(kubectl -n music-streaming get "$1" -o \
        'jsonpath={.metadata.generation} {.status.observedGeneration} {.spec.replicas} {.status.readyReplicas} {.status.updatedReplicas} {.status.replicas}')
    pods=$(kubectl -n music-streaming get pods -l "app.kubernetes.io/name=$name" -o name | wc -l)
    # shellcheck disable=SC2086 # six numbers
    set -- "$1" $state
    [ $# -ge 7 ] && [ "$2" = "$3" ] && [ "$4" = "$5" ] && [ "$4" = "$6" ] && [ "$4" = "$7" ] && [ "$pods" = "$4" ] && exit 0
    left=$((left - 1))
    sleep 1
done
echo "$1 is not as it should be in time: $state, $pods pods" >&2
exit 1
