"""Reading manifests strictly, and what their schemas do not say: names, quantities, selectors, references."""

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kubernetes_validate

PROJECT = Path(__file__).parents[2]
KUBERNETES = "1.33"
DOCUMENTED = (
    "namespace",
    "secrets",
    "user-service-deployment",
    "song-service-deployment",
    "album-service-deployment",
    "api-gateway-deployment",
)
WORKLOADS = ("Deployment", "StatefulSet")
# Custom resources: their schemas come with what defines them, not with Kubernetes.
CUSTOM = frozenset({"HTTPRoute", "PodMonitor", "PrometheusRule"})

Manifest = dict[str, Any]

_QUANTITY = re.compile(r"^(\d+(?:\.\d*)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")
_FACTOR = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_FACTOR |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
_SERVICE_NAME = re.compile(r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")


class _StrictLoader(yaml.SafeLoader):
    """Refuses a mapping that has a key twice: YAML says nothing, and the last one wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.YAMLError(f"{', '.join(twice)} twice in one mapping, {node.start_mark}")
        return super().construct_mapping(node, deep=deep)


def read(text: str) -> list[Manifest]:
    """The documents of a YAML stream. Raises yaml.YAMLError."""
    return [each for each in yaml.load_all(text, _StrictLoader) if each]


@functools.cache
def documented() -> list[Manifest]:
    """Everything in the files that are applied one by one."""
    return [each for name in DOCUMENTED for each in read((PROJECT / f"k8s/{name}.yaml").read_text())]


@functools.cache
def rendered(folder: str) -> list[Manifest]:
    """What `kubectl apply -k folder` applies."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(PROJECT / folder)]
    return read(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)


@functools.cache
def combined(components: frozenset[str]) -> list[Manifest]:
    """What an overlay with these of `k8s/components` applies."""
    with tempfile.TemporaryDirectory() as folder:
        base = os.path.relpath(PROJECT / "k8s", Path(folder).resolve())
        overlay = {"resources": [base], "components": [f"{base}/components/{x}" for x in sorted(components)]}
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
        return rendered(folder)


def quantity(text: object) -> float | None:
    """A quantity of Kubernetes as a number; None when it is none."""
    match = _QUANTITY.match(str(text))
    return None if match is None else float(match[1]) * _FACTOR[match[2] or ""]


def containers_of(manifest: Manifest) -> list[dict[str, Any]]:
    """The containers of a workload."""
    found: list[dict[str, Any]] = manifest["spec"]["template"]["spec"]["containers"]
    return found


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def faults(manifests: list[Manifest]) -> list[str]:
    """What is wrong with these, which are taken as one set: references must be resolved inside it."""
    found = [f"{name_of(each)}: {fault}" for each in manifests for fault in _faults_of(each)]
    return found + [f"{name_of(each)}: {fault}" for each in manifests for fault in _dangling(each, manifests)]


def _faults_of(manifest: Manifest) -> Iterator[str]:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    if kind not in CUSTOM:
        yield from _schema_faults(json.dumps(manifest))
    if not (_SERVICE_NAME if kind == "Service" else _NAME).match(name):
        yield "its name is none"
    spec = manifest.get("spec", {})
    if kind == "HorizontalPodAutoscaler" and spec.get("minReplicas", 1) > spec["maxReplicas"]:
        yield "minReplicas above maxReplicas"
    if kind == "PodDisruptionBudget" and {"minAvailable", "maxUnavailable"} <= spec.keys():
        yield "minAvailable and maxUnavailable exclude each other"
    if kind in WORKLOADS:
        yield from _faults_of_workload(manifest)


@functools.cache
def _schema_faults(manifest: str) -> tuple[str, ...]:
    """Slow, and the same objects are in several sets: remembered."""
    given = json.loads(manifest)
    try:
        kubernetes_validate.validate(given, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as fault:
        return (f"schema: {'.'.join(map(str, fault.path))}: {fault.message[:160]}",)
    except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError):
        return (f"no {given['apiVersion']} {given['kind']} in Kubernetes {KUBERNETES}",)
    return ()


def _faults_of_workload(manifest: Manifest) -> Iterator[str]:
    template = manifest["spec"]["template"]
    labels = template["metadata"]["labels"]
    if not manifest["spec"]["selector"]["matchLabels"].items() <= labels.items():
        yield "its selector does not match its pods"
    volumes = {each["name"] for each in template["spec"].get("volumes", [])}
    volumes |= {each["metadata"]["name"] for each in manifest["spec"].get("volumeClaimTemplates", [])}
    for container in containers_of(manifest):
        ports = {each["name"] for each in container["ports"]}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container[kind]
            requested = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
            if isinstance(requested, str) and requested not in ports:
                yield f"{kind} asks port {requested}, which is none of {sorted(ports)}"
        names = [each["name"] for each in container.get("env", [])]
        if len(names) != len(set(names)):
            yield "a variable twice"
        if missing := {each["name"] for each in container["volumeMounts"]} - volumes:
            yield f"mounts {sorted(missing)}, which is no volume"
        yield from _faults_of_resources(container["resources"])


def _faults_of_resources(resources: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    for side in ("requests", "limits"):
        for name, given in resources.get(side, {}).items():
            if quantity(given) is None:
                yield f"{side}.{name} {given!r} is no quantity"
    for name, given in resources.get("requests", {}).items():
        requested, limit = quantity(given), quantity(resources.get("limits", {}).get(name))
        if requested is not None and limit is not None and requested > limit:
            yield f"requests more {name} than its limit"


def _dangling(manifest: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    namespace, spec = manifest["metadata"].get("namespace"), manifest.get("spec", {})
    near = [each for each in manifests if each["metadata"].get("namespace") == namespace]
    names = {name_of(each) for each in near}
    workloads = [each for each in near if each["kind"] in WORKLOADS]
    kind = manifest["kind"]
    if kind != "Namespace" and namespace is None:
        yield "is in no namespace"
    selector = {
        "Service": spec.get("selector"),
        "PodDisruptionBudget": (spec.get("selector") or {}).get("matchLabels"),
        "PodMonitor": (spec.get("selector") or {}).get("matchLabels"),
        "NetworkPolicy": (spec.get("podSelector") or {}).get("matchLabels"),
    }.get(kind)
    if selector:
        hit = [
            w for w in workloads if selector.items() <= w["spec"]["template"]["metadata"]["labels"].items()
        ]
        if not hit:
            yield f"selects no pods: {selector}"
        ports = {port["name"] for each in hit for c in containers_of(each) for port in c["ports"]}
        for port in spec.get("ports", []) if kind == "Service" else ():
            if port["targetPort"] not in ports:
                yield f"targetPort {port['targetPort']} is none of {sorted(ports)}"
        for endpoint in spec.get("podMetricsEndpoints", []):
            if endpoint["port"] not in ports:
                yield f"asks port {endpoint['port']}, which is none of {sorted(ports)}"
    if kind == "HorizontalPodAutoscaler":
        target = spec["scaleTargetRef"]
        if f"{target['kind']}/{target['name']}" not in names:
            yield f"scales {target['name']}, which is not there"
    if kind == "HTTPRoute":
        for backend in (each for rule in spec["rules"] for each in rule["backendRefs"]):
            if f"Service/{backend['name']}" not in names:
                yield f"leads to {backend['name']}, which is not there"
