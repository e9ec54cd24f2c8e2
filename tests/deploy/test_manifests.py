"""The manifests keep what they promise, without a cluster."""

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from album_service.settings import Settings as AlbumSettings
from api_gateway.settings import Settings as GatewaySettings
from embedded.stand_ins import PROVIDERS
from shared.http.client.pool import IDLE_CONNECTION_SECONDS
from shared.settings import PLACEHOLDER, ProcessSettings
from song_service.settings import Settings as SongSettings
from tests.deploy.manifests import (
    DOCUMENTED,
    PROJECT,
    WORKLOADS,
    Manifest,
    containers_of,
    documented,
    faults,
    name_of,
    quantity,
    read,
    rendered,
)
from user_service.settings import Settings as UserSettings

SETTINGS: dict[str, type[ProcessSettings]] = {
    "user-service": UserSettings,
    "song-service": SongSettings,
    "album-service": AlbumSettings,
    "api-gateway": GatewaySettings,
}
RENDERED = (
    "k8s",
    "deploy/overlays/local",
    "deploy/overlays/production",
    "deploy/verify/kubernetes/mongo-stand-in",
)


def deployments() -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in documented() if each["kind"] == "Deployment"}


def settings_given_to(deployment: Manifest, manifests: list[Manifest]) -> set[str]:
    """The names of the variables that its container gets, from wherever."""
    kept = {name_of(each): each.get("stringData") or each.get("data") or {} for each in manifests}
    container = containers_of(deployment)[0]
    names = {each["name"] for each in container["env"]}
    for source in container.get("envFrom", []):
        kind, key = ("Secret", "secretRef") if "secretRef" in source else ("ConfigMap", "configMapRef")
        names |= kept[f"{kind}/{source[key]['name']}"].keys()
    return names


def test_documented_manifests_are_valid() -> None:
    assert faults(documented()) == []


@pytest.mark.parametrize("folder", RENDERED)
def test_rendered_manifests_are_valid(folder: str) -> None:
    assert faults(rendered(folder)) == []


def test_kustomization_lists_the_documented_files() -> None:
    assert read((PROJECT / "k8s/kustomization.yaml").read_text())[0]["resources"] == [
        f"{x}.yaml" for x in DOCUMENTED
    ]
    assert sorted(map(name_of, rendered("k8s"))) == sorted(map(name_of, documented()))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: d["spec"]["template"]["spec"].update(hostnetwork=True), "schema"),
        (lambda d: d["spec"]["selector"]["matchLabels"].update(a="b"), "selector"),
        (lambda d: containers_of(d)[0]["readinessProbe"]["httpGet"].update(port="web"), "which is none of"),
        (lambda d: containers_of(d)[0]["resources"]["requests"].update(memory="1 GB"), "is no quantity"),
        (lambda d: containers_of(d)[0]["resources"]["requests"].update(memory="9Gi"), "more memory"),
        (lambda d: containers_of(d)[0]["volumeMounts"][0].update(name="x"), "which is no volume"),
        (lambda d: d["spec"]["template"]["metadata"]["labels"].clear(), "selects no pods"),
    ],
)
def test_manifest_check_finds_faults(spoil: Callable[[Manifest], object], said: str) -> None:
    manifests = copy.deepcopy(documented())
    spoil(next(each for each in manifests if name_of(each) == "Deployment/song-service"))
    assert any(said in fault for fault in faults(manifests)), faults(manifests)


def test_duplicate_yaml_key_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="name twice"):
        read("metadata: {name: a, name: b}")


@pytest.mark.parametrize("service", SETTINGS)
def test_deployments_set_exactly_their_settings(service: str) -> None:
    fields = {name.upper(): field for name, field in SETTINGS[service].model_fields.items()}
    given = settings_given_to(deployments()[service], documented()) - {"ADMIN_EMAILS", "RECOMBEE_REGION"}
    assert given <= fields.keys()
    assert {name for name, field in fields.items() if field.is_required()} <= given


def test_every_secret_value_is_a_placeholder() -> None:
    values = [
        value
        for each in read((PROJECT / "k8s/secrets.yaml").read_text())
        for value in (each.get("stringData") or each["data"]).values()
    ]
    assert set(values) == {PLACEHOLDER}


def test_stand_ins_fill_the_manifest_secrets() -> None:
    secrets = {
        each["metadata"]["name"]: each["stringData"] for each in documented() if each["kind"] == "Secret"
    }
    for provider in PROVIDERS:
        assert set(provider.needed) <= secrets[provider.name.lower()].keys()


@pytest.mark.parametrize("folder", ["deploy/overlays/local", "deploy/overlays/production"])
def test_pods_meet_the_restricted_security_standard(folder: str) -> None:
    for each in (each for each in rendered(folder) if each["kind"] in WORKLOADS):
        pod = each["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "hostPort" not in str(container["ports"])
            assert quantity(container["resources"]["limits"]["memory"])
            assert quantity(container["resources"]["requests"]["cpu"])
        assert all({"emptyDir", "name"} >= volume.keys() for volume in pod["volumes"])
        assert all(volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"])


def test_images_have_fixed_versions() -> None:
    images = [
        c["image"]
        for each in rendered("deploy/overlays/local")
        if each["kind"] in WORKLOADS
        for c in containers_of(each)
    ]
    assert images
    assert all(re.fullmatch(r"[a-z0-9./-]+:\d[\w.-]*", image) for image in images), images


@pytest.mark.parametrize("service", SETTINGS)
def test_only_readiness_probe_checks_dependencies(service: str) -> None:
    container = containers_of(deployments()[service])[0]
    probes = [container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]
    assert [probe["httpGet"]["path"] for probe in probes] == ["/livez", "/readyz", "/livez"]
    assert len({str(probe) for probe in probes}) == 3


@pytest.mark.parametrize("service", SETTINGS)
def test_pod_has_time_to_drain_and_finish(service: str) -> None:
    deployment = deployments()[service]
    container = containers_of(deployment)[0]
    env = {each["name"]: each["value"] for each in container["env"]}
    drain, shutdown = float(env["DRAIN_SECONDS"]), float(env["SHUTDOWN_SECONDS"])
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drain > IDLE_CONNECTION_SECONDS
    gateway = GatewaySettings.model_fields
    assert shutdown > gateway["max_body_seconds"].default + gateway["upload_answer_timeout_seconds"].default
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > before + drain + shutdown
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize("service", SETTINGS)
def test_services_are_replicated_autoscaled_and_spread(service: str) -> None:
    assert deployments()[service]["spec"]["replicas"] >= 2
    pod = deployments()[service]["spec"]["template"]["spec"]
    spread = {each["topologyKey"] for each in pod["topologySpreadConstraints"]}
    assert spread == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    production = {name_of(each): each for each in rendered("deploy/overlays/production")}
    assert {f"PodDisruptionBudget/{service}", f"HorizontalPodAutoscaler/{service}"} <= production.keys()
    assert "replicas" not in production[f"Deployment/{service}"]["spec"]


def test_network_policies_match_the_service_urls() -> None:
    policies = {
        each["metadata"]["name"]: each
        for each in rendered("deploy/overlays/production")
        if each["kind"] == "NetworkPolicy"
    }
    assert policies["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    callers: dict[str, set[str]] = {service: set() for service in SETTINGS}
    for caller, deployment in deployments().items():
        for variable in containers_of(deployment)[0]["env"]:
            if variable["name"].endswith("_SERVICE_URL"):
                callers[re.sub(r"http://([a-z-]+):\d+", r"\1", variable["value"])].add(caller)
    for service in ("user-service", "song-service", "album-service"):
        (source,) = policies[service]["spec"]["ingress"][0]["from"]
        (expression,) = source["podSelector"]["matchExpressions"]
        assert set(expression["values"]) == callers[service]


def test_every_object_has_the_recommended_labels() -> None:
    for each in documented():
        labels: dict[str, Any] = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "music-streaming"
        if each["kind"] in WORKLOADS:
            assert labels.keys() >= {f"app.kubernetes.io/{x}" for x in ("name", "component", "version")}
