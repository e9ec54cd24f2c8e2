"""Who may talk to whom by NetworkPolicies, as the strictest of the network plugins understands them.

An ipBlock is for what is outside the cluster and matches no pod; what runs on a node's own network is matched
by a rule without peers alone; an egress rule that names a port is dropped.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.deploy.manifests import WORKLOADS, Manifest, containers_of, documented, name_of

NAMESPACE = "music-streaming"
# Where a provider is asked: at the stand-in's address if there is one.
_PROVIDERS = {
    "CLERK_SECRET_KEY": "CLERK_API_URL",
    "CLOUDINARY_API_SECRET": "CLOUDINARY_API_URL",
    "RECOMBEE_PRIVATE_TOKEN": "RECOMBEE_API_URL",
}
_STORES = {"MONGODB_URI": (27017,), "REDIS_URL": (6379, 6380)}
_URL = re.compile(r"^\w+://([^/:]+):(\d+)")


@dataclass(frozen=True, slots=True)
class Pod:
    name: str
    namespace: str = NAMESPACE
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outside:
    """Something with an address that is no pod's."""

    name: str
    address: str


def outside(name: str) -> tuple[Outside, Outside]:
    """The same by IPv4 and by IPv6, for a cluster may have both."""
    return Outside(name, "203.0.113.7"), Outside(name, "2001:db8::7")


NODE = Outside("a node of the cluster", "")

Place = Pod | Outside
Protocol = Literal["TCP", "UDP"]


@dataclass(frozen=True, slots=True)
class Call:
    caller: Place
    target: Place
    port: int
    protocol: Protocol = "TCP"

    def __str__(self) -> str:
        return f"{self.caller.name} -> {self.target.name}:{self.port}/{self.protocol}"


def pods_of(manifests: list[Manifest]) -> dict[str, Pod]:
    """A pod of each workload, by its name."""
    return {
        each["metadata"]["name"]: Pod(
            each["metadata"]["name"],
            labels=each["spec"]["template"]["metadata"]["labels"],
            ports={port["name"]: port["containerPort"] for port in containers_of(each)[0]["ports"]},
        )
        for each in manifests
        if each["kind"] in WORKLOADS
    }


def calls_of(manifests: list[Manifest]) -> Iterator[Call]:
    """What the backend has to reach, by the settings that it is given."""
    pods = pods_of(manifests)
    for workload in (each for each in manifests if each["kind"] in WORKLOADS):
        caller = pods[workload["metadata"]["name"]]
        if caller.labels["app.kubernetes.io/component"] not in ("backend", "gateway"):
            continue
        settings = _settings_of(workload, manifests)
        for name, value in settings.items():
            if name.endswith(("_SERVICE_URL", "_API_URL")) or (name in _STORES and "://" in value):
                yield _call_by_name(caller, value, manifests)
            elif name in _STORES:
                for port in _STORES[name]:
                    yield from (Call(caller, server, port) for server in outside(f"a server for {name}"))
                    yield Call(caller, Pod(f"a pod for {name}", namespace="stores"), port)
            elif name in _PROVIDERS and _PROVIDERS[name] not in settings:
                yield from (Call(caller, server, 443) for server in outside(f"the provider of {name}"))


def _settings_of(workload: Manifest, manifests: list[Manifest]) -> dict[str, str]:
    # Objects that an overlay leaves out are made in another way, with the same names.
    objects = {name_of(each): each for each in (*documented(), *manifests)}
    container = containers_of(workload)[0]
    settings: dict[str, str] = {}
    for source in container.get("envFrom", []):
        kind, key = ("Secret", "secretRef") if "secretRef" in source else ("ConfigMap", "configMapRef")
        given = objects[f"{kind}/{source[key]['name']}"]
        settings |= given.get("stringData") or given["data"]
    return settings | {each["name"]: each["value"] for each in container["env"]}


def _call_by_name(caller: Pod, url: str, manifests: list[Manifest]) -> Call:
    match = _URL.match(url)
    assert match, f"{url} has no host and port"
    host, port = match[1], int(match[2])
    services = {each["metadata"]["name"]: each for each in manifests if each["kind"] == "Service"}
    pods = pods_of(manifests)
    # Services are not what policies see: traffic is judged by the pod that it ends at. A StatefulSet's
    # pod has a name of its own before its service's.
    parts = host.removesuffix(f".{NAMESPACE}.svc.cluster.local").split(".")
    spec = services[parts[-1]]["spec"]
    (target,) = [pod for pod in pods.values() if spec["selector"].items() <= pod.labels.items()]
    (target_port,) = [each["targetPort"] for each in spec["ports"] if each["port"] == port]
    return Call(caller, target, target.ports[target_port])


def refused(calls: list[Call], manifests: list[Manifest]) -> list[str]:
    """Those of the calls that the policies do not let through, and at which end."""
    policies = [each["spec"] for each in manifests if each["kind"] == "NetworkPolicy"]
    return [
        f"{call}: no {direction}"
        for call in calls
        for direction, here, there in (
            ("egress", call.caller, call.target),
            ("ingress", call.target, call.caller),
        )
        if isinstance(here, Pod) and not _lets_through(policies, direction, here, there, call)
    ]


def _lets_through(
    policies: list[dict[str, Any]], direction: str, here: Pod, there: Place, call: Call
) -> bool:
    of_here = [
        each
        for each in policies
        if here.namespace == NAMESPACE
        and direction.title() in each["policyTypes"]
        and selects(each["podSelector"], here.labels)
    ]
    return not of_here or any(
        _has_port(rule, call, direction) and _has_peer(rule.get("to") or rule.get("from"), there)
        for policy in of_here
        for rule in policy.get(direction, [])
    )


def _has_port(rule: Mapping[str, Any], call: Call, direction: str) -> bool:
    names = call.target.ports if direction == "ingress" and isinstance(call.target, Pod) else {}
    return any(
        each["protocol"] == call.protocol and names.get(each["port"], each["port"]) == call.port
        for each in rule["ports"]
    )


def _has_peer(peers: list[dict[str, Any]] | None, there: Place) -> bool:
    if peers is None:
        return True
    for peer in peers:
        if block := peer.get("ipBlock"):
            if isinstance(there, Outside) and there is not NODE and _inside(block, there.address):
                return True
        elif isinstance(there, Pod):
            near = (
                selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": there.namespace})
                if "namespaceSelector" in peer
                else there.namespace == NAMESPACE
            )
            if near and selects(peer.get("podSelector", {}), there.labels):
                return True
    return False


def _inside(block: Mapping[str, Any], address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return ip in ipaddress.ip_network(block["cidr"]) and not any(
        ip in ipaddress.ip_network(each) for each in block.get("except", [])
    )


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a pod with these labels is meant."""
    assert all(each["operator"] == "In" for each in selector.get("matchExpressions", []))
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", [])
    )
