"""docs/deploy.md's commands, pasted as they are, with recorders in place of an engine and a cluster."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import PROJECT, WORKLOADS, containers_of, name_of, read, rendered

SERVICES = {"user-service", "song-service", "album-service", "api-gateway"}
# What they are asked, one line for each; what is asked on standard input is kept, too.
RECORDER = """#!/bin/sh
echo "$(basename "$0") $*" >>"$RECORD"
case "$*" in *" -") cat >"$RECORD.stdin";; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the documentation's commands read of the project."""
    for folder in ("k8s", "deploy/overlays"):
        shutil.copytree(PROJECT / folder, tmp_path / "checkout" / folder)
    return tmp_path / "checkout"


def blocks(of: str) -> list[str]:
    found = re.findall(
        rf"<!-- {of} -->\n```(?:bash|yaml)\n(.*?)```", (PROJECT / "docs/deploy.md").read_text(), re.DOTALL
    )
    assert found
    return found


def pasted(script: str, checkout: Path) -> list[str]:
    """The commands that it ran, in order."""
    tools = checkout.parent / "tools"
    tools.mkdir()
    for name in ("docker", "kubectl", "kind", "curl", "sleep", "make"):
        (tools / name).write_text(RECORDER)
        (tools / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "RECORD": str(tools / "record"),
        "HOME": str(checkout.parent),
        "EDITOR": "sed -i s/CHANGE_ME/filled-in/",
    }
    bash = shutil.which("bash")
    assert bash is not None
    # What is forwarded has ended at once.
    command = [bash, "-uc", "kill() { true; }\n" + script]
    run = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == ("", "")
    return (tools / "record").read_text().splitlines()


def applied(commands: list[str]) -> list[str]:
    """What was given to `kubectl apply`, in order."""
    return [match[1] for each in commands if (match := re.fullmatch(r"kubectl apply.* -[fk] (\S+)", each))]


def images(folder: str) -> set[str]:
    return {
        container["image"]
        for each in rendered(folder)
        if each["kind"] in WORKLOADS
        for container in containers_of(each)
    }


def versions(folder: str) -> set[str]:
    """What the objects and their pods say that they are; no selector does, for it could not follow."""
    objects = rendered(folder)
    pods = [each["spec"]["template"] for each in objects if each["kind"] in WORKLOADS]
    assert "version" not in str([each.get("spec", {}).get("selector") for each in objects])
    return {each["metadata"]["labels"]["app.kubernetes.io/version"] for each in (*objects, *pods)}


def test_production_commands_work_when_pasted(checkout: Path) -> None:
    names, *steps = blocks("production")
    for variable, value in {
        "REGISTRY": "images.test/mine",
        "VERSION": "2.3.4",
        "DOMAIN": "songs.test",
        "GATEWAY": "door",
        "GATEWAY_NAMESPACE": "doors",
        "PROXIES": "192.0.2.0/24",
    }.items():
        names, changed = re.subn(rf"(?m)^{variable}=.*", f"{variable}={value}", names)
        assert changed == 1
    commands = pasted("\n".join([names, *steps]), checkout)
    live, secrets = (
        str(checkout / "deploy/overlays/live"),
        checkout.parent / "music-streaming-secrets/secrets.yaml",
    )

    wanted = {f"images.test/mine/{name}:2.3.4" for name in SERVICES}
    builds = [each.split() for each in commands if each.startswith("docker build")]
    assert {each[each.index("-t") + 1] for each in builds} == wanted
    assert {each.removeprefix("docker push ") for each in commands if "push" in each} == wanted
    assert images(live) == wanted
    assert versions(live) == {"2.3.4"}

    assert applied(commands) == ["k8s/namespace.yaml", str(secrets), "deploy/overlays/live"]
    assert all("--server-side" in each for each in commands if each.startswith("kubectl apply"))
    assert secrets.stat().st_mode & 0o077 == 0
    kept = {name_of(each) for each in read(secrets.read_text())}
    objects = {name_of(each): each for each in rendered(live)}
    assert kept == {name_of(each) for each in read((PROJECT / "k8s/secrets.yaml").read_text())}
    assert not kept & objects.keys()

    route = objects["HTTPRoute/api-gateway"]["spec"]
    assert (route["hostnames"], route["parentRefs"]) == (
        ["songs.test"],
        [{"name": "door", "namespace": "doors"}],
    )
    given = containers_of(objects["Deployment/api-gateway"])[0]["env"]
    assert {"name": "TRUSTED_PROXIES", "value": "192.0.2.0/24"} in given
    assert {each for each in commands if "rollout status" in each} == {
        f"kubectl -n music-streaming rollout status deployment/{name} --timeout=10m" for name in SERVICES
    }


def test_documented_patches_apply_to_the_overlay(checkout: Path) -> None:
    overlay = checkout / "deploy/overlays/patched"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(
        "resources: [../production]\npatches:\n" + "".join(blocks("patch"))
    )
    deployments = [
        each["spec"]["template"]["spec"] for each in rendered(str(overlay)) if each["kind"] in WORKLOADS
    ]
    assert len(deployments) == len(SERVICES)
    for pod in deployments:
        assert {"name": "HOST", "value": "::"} in pod["containers"][0]["env"]
        assert pod["imagePullSecrets"] == [{"name": "registry"}]


def test_entered_credentials_survive_a_second_paste(checkout: Path) -> None:
    names, *steps = blocks("production")
    pasted("\n".join([names, *steps, "EDITOR=true", *steps]), checkout)
    secrets = (checkout.parent / "music-streaming-secrets/secrets.yaml").read_text()
    assert "MONGODB_URI: filled-in" in secrets


def test_local_commands_work_when_pasted(checkout: Path) -> None:
    build, keys, apply = blocks("local")
    tour = ".venv/bin/python -m deploy.verify.tour http"
    assert tour in apply
    commands = pasted("\n".join([build, keys, apply.replace(tour, ": http")]), checkout)

    ours = {each for each in images("deploy/overlays/local") if each.startswith("music-streaming/")}
    builds = [each.split() for each in commands if each.startswith("docker build")]
    assert {each[each.index("-t") + 1] for each in builds} == ours
    (load,) = [each.split() for each in commands if each.startswith("kind load")]
    assert set(load[5:]) == ours
    assert applied(commands) == ["k8s/namespace.yaml", "-", "deploy/overlays/local"]

    ports = {
        port["nodePort"]
        for each in rendered("deploy/overlays/local")
        if each["kind"] == "Service" and each["spec"].get("type") == "NodePort"
        for port in each["spec"]["ports"]
    }
    cluster = next(
        yaml.safe_load(each) for each in re.findall(r"<<END\n(.*?)^END$", build, re.DOTALL | re.MULTILINE)
    )
    mapped = {
        (each["containerPort"], each["hostPort"])
        for node in cluster["nodes"]
        for each in node["extraPortMappings"]
    }
    assert mapped == {(port, port) for port in ports}
    assert all(f"http://localhost:{port}" in apply for port in ports)
    workloads = {
        f"{each['kind'].lower()}/{each['metadata']['name']}"
        for each in rendered("deploy/overlays/local")
        if each["kind"] in WORKLOADS
    }
    assert {each.split()[5] for each in commands if "rollout status" in each} == workloads


def test_documented_apply_order_is_correct() -> None:
    document = (PROJECT / "docs/deploy.md").read_text()
    order = [Path(each).name for each in re.findall(r"(?m)^    kubectl apply -f (\S+)$", document)]
    assert order == read((PROJECT / "k8s/kustomization.yaml").read_text())[0]["resources"]
