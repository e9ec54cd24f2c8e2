#!/bin/sh
# kill -9 of a service's process, like the kernel's out-of-memory killer: prints the gateway's
# response for it every fifth of a second until it is back.  deploy/verify/crash.sh GATEWAY CONTAINER PATH
# (PATH: a route of the killed service whose responses the gateway does not keep)
set -eu
gateway=$1 container=$2 path=$3
ask() { curl -s -o /dev/null -m 10 -w '%{http_code}' "$gateway$path" || true; }
[ "$(ask)" = 200 ] || { echo "$path is not 200 before"; exit 1; }
# From a container that sees all processes of the machine that docker is on, which need not be this one.
docker run --rm --pid=host --user=0 --cap-add=KILL --entrypoint=python music-streaming/song-service:1.0.0 \
    -c 'import os, sys; os.kill(int(sys.argv[1]), 9)' "$(docker inspect --format '{{.State.Pid}}' "$container")"
begun=$(date +%s)
seen= code=
while [ $(($(date +%s) - begun)) -lt 90 ]; do
    code=$(ask)
    case " $seen" in *" $code") ;; *) seen="$seen $code" ;; esac
    [ "$code" = 200 ] && case "$seen" in *503*) break ;; esac
    sleep 0.2
done
echo "killed $(docker inspect --format '{{.Name}}' "$container"): the gateway returned$seen, 200 again after $(($(date +%s) - begun)) s"
case "$seen" in " 503 200" | " 200 503 200") ;; *) exit 1 ;; esac
