#!/usr/bin/env bash
# Proves containers and manifests by running them: `make verify-deploy`, under ten minutes on an idle machine.
#
# Needs docker with compose; for Kubernetes kubectl and a cluster that has the images (kind load, or one that runs on
# this engine) and takes NodePorts at 127.0.0.1. Environment variables:
#   VERIFY                 compose, kubernetes or all (default)
#   COMPOSE_OVERRIDE       a further compose file, e.g. deploy/verify/compose.mongo-stand-in.yml
#   KUBERNETES_OVERLAY     what is applied (default deploy/overlays/local)
#   OLDER_CLUSTER=1        for a cluster of version 1.20
#   AFTER_SERVICES         a command to run after Services were created, if DNS has to be updated
set -euo pipefail
cd "$(dirname "$0")/../.."
python=.venv/bin/python
work=$(mktemp -d)
namespace=music-streaming
export GATEWAY_PORT=${GATEWAY_PORT:-3000} CLOUD_PORT=${CLOUD_PORT:-3010}
say() { printf '\n[%(%H:%M:%S)T] %s\n' -1 "$*"; }

cp .env.example "$work/.env"
# A compose project of its own: other running instances and their volumes are not touched.
project=music-streaming-verify
compose=(docker compose --project-name $project --env-file "$work/.env" --project-directory . -f docker-compose.yml)
[ -z "${COMPOSE_OVERRIDE:-}" ] || compose+=(-f "$COMPOSE_OVERRIDE")

compose_down() { "${compose[@]}" --profile '*' down --volumes --timeout 30 >"$work/down.log" 2>&1 || cat "$work/down.log"; }

leftovers() {
    # Images that compose built carry its project's label, too, and so do containers that others made of them.
    docker ps -aq --filter label=com.docker.compose.project=$project --filter label=com.docker.compose.oneoff=False
    docker network ls -q --filter label=com.docker.compose.project=$project
    docker volume ls -q --filter label=com.docker.compose.project=$project
}

check_images() {
    local name image
    for name in user-service song-service album-service api-gateway local-cloud; do
        image=music-streaming/$name:1.0.0
        echo "$image: $(docker image inspect --format '{{.Size}}' "$image" | awk '{printf "%.0f MB", $1 / 1e6}')," \
            "user $(docker image inspect --format '{{.Config.User}}' "$image")"
    done
    image=music-streaming/song-service:1.0.0
    docker run --rm --read-only --tmpfs /tmp --entrypoint python "$image" -c '
import importlib.util, os, pathlib
assert os.getuid() == 10001
unwanted = ("embedded", "tests", "bench", "api_gateway", "pytest", "fakeredis", "pip")
assert not [name for name in unwanted if importlib.util.find_spec(name)]
assert sorted(path.name for path in pathlib.Path("/app").iterdir()) == ["livez.py", "shared", "song_service"]
assert list(pathlib.Path("/app/shared/__pycache__").glob("*.pyc"))
pathlib.Path("/tmp/writable").write_text("")
try:
    pathlib.Path("/app/not-writable").write_text("")
except OSError:
    print("song-service: only its own code, compiled; root is read-only, /tmp is not")
else:
    raise SystemExit("the root is writable")'
}

rebuild_time() {
    local begun
    # A change of one source: the context is a copy, so that the checkout stays as it is.
    mkdir "$work/context"
    git ls-files -z --cached --others --exclude-standard Dockerfile .dockerignore requirements shared song_service \
        deploy/image | xargs -0 cp --parents -t "$work/context"
    echo "# changed $(date +%s)" >>"$work/context/song_service/policy.py"
    begun=$(date +%s.%N)
    docker build -q --build-arg SERVICE=song_service -t music-streaming/song-service:changed "$work/context" >/dev/null
    echo "rebuild after a change of a source: $(echo "$(date +%s.%N) $begun" | awk '{printf "%.1f s", $1 - $2}')"
    docker image rm music-streaming/song-service:changed >/dev/null
}

verify_compose() {
    local gateway=http://127.0.0.1:$GATEWAY_PORT cloud=http://127.0.0.1:$CLOUD_PORT
    say "compose: configuration and build checks"
    "${compose[@]}" config --quiet
    "${compose[@]}" --profile observability config --quiet
    docker build --check . 2>/dev/null | tail -1
    say "compose: build"
    "${compose[@]}" build --quiet
    check_images
    rebuild_time
    say "compose: up from an empty .env"
    trap compose_down EXIT
    "${compose[@]}" up --detach --wait --no-build >"$work/up.log" 2>&1 || { cat "$work/up.log"; exit 1; }
    "${compose[@]}" logs --no-log-prefix setup
    $python -m deploy.verify.tour "$gateway" "$cloud"
    say "compose: kill -9 of a container"
    deploy/verify/crash.sh "$gateway" "$("${compose[@]}" ps -q song-service)" '/api/songs?limit=1&total=true'
    say "compose: down"
    compose_down
    trap - EXIT
    [ -z "$(leftovers)" ] || { echo "left: $(leftovers)"; exit 1; }
    echo "no container, network or volume is left"
}

crash_in_cluster() {
    # One replica, or the other would respond in the meantime.
    kubectl -n $namespace scale deployment/song-service --replicas=1 >/dev/null
    LEAVING_SECONDS=30 deploy/verify/wait-for-pods.sh deployment/song-service
    local container
    container=$(kubectl -n $namespace get pods -l app.kubernetes.io/name=song-service \
        -o 'jsonpath={range .items[*]}{.metadata.deletionTimestamp}{.status.containerStatuses[0].containerID}{"\n"}{end}' |
        sed -n 's#^docker://##p')
    if docker inspect "$container" >/dev/null 2>&1; then
        deploy/verify/crash.sh http://127.0.0.1:30000 "$container" '/api/songs?limit=1&total=true'
    else
        echo "NOT TRIED: this cluster's containers are not of this docker engine"
    fi
}

secret() { kubectl -n $namespace get secret recombee -o "jsonpath={.data.$1}" | base64 -d; }

to_cluster() { if [ -n "${OLDER_CLUSTER:-}" ]; then $python -m deploy.verify.older_cluster; else cat; fi; }

verify_kubernetes() {
    local overlay=${KUBERNETES_OVERLAY:-deploy/overlays/local} file name begun
    for _ in $(seq 150); do
        [ "$(kubectl get namespace $namespace -o 'jsonpath={.status.phase}' 2>/dev/null)" = Terminating ] || break
        sleep 1
    done
    if kubectl get namespace $namespace >/dev/null 2>&1; then
        echo "the cluster of this context has a namespace $namespace already: this is for clusters to try things on"
        exit 1
    fi
    say "kubernetes: the documented files, one by one, with their placeholders"
    for file in namespace secrets user-service-deployment song-service-deployment album-service-deployment \
        api-gateway-deployment; do
        to_cluster <"k8s/$file.yaml" | kubectl apply -f - >/dev/null
    done
    for name in user-service song-service album-service api-gateway; do
        for _ in $(seq 60); do
            kubectl -n $namespace logs "deployment/$name" 2>/dev/null | grep -q 'still holds the placeholder' && break
            sleep 1
        done
        kubectl -n $namespace logs "deployment/$name" 2>/dev/null | grep 'still holds the placeholder' |
            sed "s/^ */$name refuses: /" | head -2
    done
    kubectl -n $namespace delete deployment --all --wait=false >/dev/null
    say "kubernetes: $overlay"
    docker run --rm music-streaming/local-cloud:1.0.0 python -m embedded.stand_ins secrets | kubectl apply -f - >/dev/null
    kubectl kustomize "$overlay" | to_cluster | kubectl apply -f - >/dev/null
    [ -z "${AFTER_SERVICES:-}" ] || eval "$AFTER_SERVICES"
    for name in $(kubectl -n $namespace get deployments,statefulsets -o name); do
        LEAVING_SECONDS=0 deploy/verify/wait-for-pods.sh "$name" 150
    done
    kubectl -n $namespace get pods
    $python -m deploy.verify.tour http://127.0.0.1:30000 http://127.0.0.1:30010
    say "kubernetes: restarts under load"
    RECOMBEE_DATABASE_ID=$(secret RECOMBEE_DATABASE_ID) RECOMBEE_PRIVATE_TOKEN=$(secret RECOMBEE_PRIVATE_TOKEN) \
        $python -m deploy.verify.load http://127.0.0.1:30000 http://127.0.0.1:30010 deploy/verify/rolling-restart.sh
    say "kubernetes: kill -9 of a container"
    crash_in_cluster
    say "kubernetes: away again"
    # Pods first: a namespace with pods in it is looked at again only after half of their grace period.
    kubectl -n $namespace delete deployments,statefulsets --all --wait=false >/dev/null
    for _ in $(seq 45); do
        [ -n "$(kubectl -n $namespace get pods -o name)" ] || break
        sleep 1
    done
    # Their containers have ended by now; what is left are entries of pods, which some kubelets keep for minutes.
    kubectl -n $namespace delete pods --all --force --grace-period=0 >/dev/null 2>&1
    kubectl delete namespace $namespace --wait=false >/dev/null
    for _ in $(seq 150); do
        kubectl get namespace $namespace >/dev/null 2>&1 || return 0
        sleep 1
    done
    echo "namespace $namespace is still there" && exit 1
}

begun=$(date +%s)
case ${VERIFY:-all} in
    compose) verify_compose ;;
    kubernetes) verify_kubernetes ;;
    all) verify_compose; verify_kubernetes ;;
    *) echo "VERIFY is compose, kubernetes or all"; exit 2 ;;
esac
rm -rf "$work"
say "verified in $(($(date +%s) - begun)) s"
