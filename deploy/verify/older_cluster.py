"""Manifests as an older cluster takes them: `kubectl kustomize … | python -m deploy.verify.older_cluster`.

For proof runs on Kubernetes 1.20, which a bare Debian machine can build. What is changed is no more than:
the versions of two APIs, preStop's `sleep` (from 1.30 on) into the command of that name, and the eviction
policy (from 1.27 on) left out.
"""

import sys
from collections.abc import Mapping
from typing import Any

import yaml

OLDER = {"autoscaling/v2": "autoscaling/v2beta2", "policy/v1": "policy/v1beta1"}


def as_older_cluster_takes(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest for Kubernetes 1.20."""
    older = dict(manifest)
    older["apiVersion"] = OLDER.get(older["apiVersion"], older["apiVersion"])
    if older["kind"] == "PodDisruptionBudget":
        older["spec"].pop("unhealthyPodEvictionPolicy", None)
    if older["kind"] in ("Deployment", "StatefulSet"):
        for container in older["spec"]["template"]["spec"]["containers"]:
            before_stop = container.get("lifecycle", {}).get("preStop", {})
            if "sleep" in before_stop:
                seconds = before_stop.pop("sleep")["seconds"]
                before_stop["exec"] = {"command": ["sleep", str(seconds)]}
    return older


def main() -> None:
    """From standard input to standard output."""
    manifests = [as_older_cluster_takes(each) for each in yaml.safe_load_all(sys.stdin) if each]
    yaml.safe_dump_all(manifests, sys.stdout)


if __name__ == "__main__":
    main()
