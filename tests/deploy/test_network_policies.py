"""Network policies permit every needed call, in every combination."""

import itertools

import pytest

from tests.deploy.manifests import PROJECT, combined, faults, name_of, rendered
from tests.deploy.network import NODE, Call, Outside, Place, Pod, calls_of, outside, pods_of, refused

POLICIES, DATA, CLOUD = "network-policies", "local-data", "local-cloud"
CLOSED = frozenset({POLICIES, DATA, CLOUD})
COMBINATIONS = [
    frozenset(chosen) for n in range(4) for chosen in itertools.combinations((POLICIES, DATA, CLOUD), n)
]
COMBINATIONS.append(frozenset(each.name for each in (PROJECT / "k8s/components").iterdir()))
SERVICES = ("user-service", "song-service", "album-service")
PROMETHEUS = Pod("prometheus", namespace="monitoring")
STRANGER = Pod("a pod of another namespace", namespace="elsewhere")
INTERNET = outside("the internet")
METADATA = ("169.254.169.254", "fe80::a9fe:a9fe", "fd00:ec2::254", "fd20:ce::254")
RESOLVERS: list[tuple[Place, int]] = [
    (Pod("kube-dns", namespace="kube-system"), 53),
    (Pod("dns-default", namespace="openshift-dns"), 5353),
    (NODE, 53),
    (Outside("a name server", "169.254.169.253"), 53),
]


def needed(components: frozenset[str]) -> list[Call]:
    """Every call that the system with these components lives by."""
    manifests = combined(components)
    pods = pods_of(manifests)
    calls = list(calls_of(manifests))
    doors = [pods[name] for name in ("api-gateway", "local-cloud") if name in pods]
    comers = (*INTERNET, NODE, STRANGER)
    calls += [Call(comer, door, door.ports["http"]) for door in doors for comer in comers]
    for pod in pods.values():
        calls += [Call(pod, at, port, how) for at, port in RESOLVERS for how in ("UDP", "TCP")]
        if "metrics" in pod.ports:
            calls.append(Call(PROMETHEUS, pod, pod.ports["metrics"]))
    return calls


@pytest.mark.parametrize("components", COMBINATIONS, ids=lambda each: "+".join(sorted(each)) or "none")
def test_every_combination_permits_the_needed_calls(components: frozenset[str]) -> None:
    assert faults(combined(components)) == []
    assert refused(needed(components), combined(components)) == []


def test_call_graph_covers_every_connection() -> None:
    found = {(call.caller.name, call.target.name, call.port) for call in calls_of(combined(CLOSED))}
    expected = {("api-gateway", name, 3001 + number) for number, name in enumerate(SERVICES)}
    for name in SERVICES:
        expected |= {(name, "mongo", 27017), (name, "redis", 6379), (name, "local-cloud", 3010)}
    expected |= {("api-gateway", "redis", 6379)}
    expected |= {("song-service", "user-service", 3001), ("song-service", "album-service", 3003)}
    expected |= {("user-service", "song-service", 3002), ("user-service", "album-service", 3003)}
    expected |= {("album-service", "user-service", 3001), ("album-service", "song-service", 3002)}
    assert found == expected
    without = {call.target.name for call in calls_of(combined(frozenset({POLICIES})))}
    assert without - {*SERVICES} == {
        "a server for MONGODB_URI",
        "a pod for MONGODB_URI",
        "a server for REDIS_URL",
        "a pod for REDIS_URL",
        "the provider of CLERK_SECRET_KEY",
        "the provider of CLOUDINARY_API_SECRET",
        "the provider of RECOMBEE_PRIVATE_TOKEN",
    }


def test_every_network_policy_is_needed() -> None:
    manifests, calls = combined(CLOSED), needed(CLOSED)
    for policy in (each for each in manifests if each["kind"] == "NetworkPolicy"):
        if policy["metadata"]["name"] != "default-deny":
            others = [each for each in manifests if each is not policy]
            assert refused(calls, others), f"{name_of(policy)} may as well go"


def test_other_calls_are_refused() -> None:
    manifests = combined(CLOSED)
    pods = pods_of(manifests)
    inner = [pods[name] for name in (*SERVICES, "mongo", "redis")]
    calls = [
        Call(comer, pod, pod.ports[next(iter(pod.ports))]) for pod in inner for comer in (STRANGER, *INTERNET)
    ]
    calls += [Call(STRANGER, pods[name], 9100) for name in ("api-gateway", *SERVICES)]
    calls += [
        Call(pods["api-gateway"], pods["mongo"], 27017),
        Call(pods["redis"], pods["mongo"], 27017),
    ]
    calls += [
        Call(pods["song-service"], Outside("the metadata", address), port)
        for address in METADATA
        for port in (80, 443)
    ]
    for internet in INTERNET:
        calls += [Call(pods["song-service"], internet, 25), Call(pods["local-cloud"], internet, 443)]
    through = [str(call) for call in calls if not refused([call], manifests)]
    assert through == []


@pytest.mark.parametrize("folder", ["deploy/overlays/production", "deploy/overlays/local"])
def test_overlays_permit_the_needed_calls(folder: str) -> None:
    assert refused(list(calls_of(rendered(folder))), rendered(folder)) == []


def test_egress_rules_use_numeric_ports() -> None:
    """A name is another number in each service, and the rule is dropped where plugins look names up once."""
    ports = [
        (name_of(each), port["port"])
        for each in combined(CLOSED)
        if each["kind"] == "NetworkPolicy"
        for rule in each["spec"].get("egress", [])
        for port in rule["ports"]
    ]
    assert ports
    assert [each for each in ports if not isinstance(each[1], int)] == []


def test_replica_set_member_uses_the_pod_name() -> None:
    """POD.SERVICE.NAMESPACE.svc.cluster.local is in the pod's own /etc/hosts: it finds itself without DNS."""
    manifests = combined(frozenset({DATA}))
    objects = {name_of(each): each for each in manifests}
    workload = objects["StatefulSet/mongo"]
    metadata, service = workload["metadata"], workload["spec"]["serviceName"]
    member = f"{metadata['name']}-0.{service}.{metadata['namespace']}.svc.cluster.local:27017"
    assert objects[f"Service/{service}"]["spec"]["clusterIP"] == "None"
    probe = workload["spec"]["template"]["spec"]["containers"][0]["startupProbe"]["exec"]["command"][-1]
    assert f'host: "{member}"' in probe
    for name in SERVICES:
        uri = objects[f"Secret/{name}-database"]["stringData"]["MONGODB_URI"]
        assert uri == f"mongodb://{member}/?replicaSet=rs0"
