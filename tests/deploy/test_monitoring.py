"""What is scraped, shown and alerted on, in docker-compose and in Kubernetes."""

import functools
import json
import re
from typing import Any

import pytest

from shared import metrics
from tests.deploy.manifests import PROJECT, Manifest, combined, name_of, read
from tests.deploy.network import Call, Pod, pods_of, refused, selects
from tests.deploy.test_compose import services
from tests.deploy.test_manifests import SETTINGS

FOLDER = PROJECT / "deploy/observability"
OURS = '{namespace="music-streaming"'
"""The label that selects our series in a shared Prometheus."""

OUR_PREFIXES = "http|cache|queue|breaker|rate|webhooks|dependency"
"""How the names of our series begin, up to the first underscore."""

MONITORED = frozenset({"monitoring", "network-policies"})


def scrape() -> dict[str, Any]:
    (config,) = read((FOLDER / "prometheus.yml").read_text())[0]["scrape_configs"]
    found: dict[str, Any] = config
    return found


def groups() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read((FOLDER / "alerts.yml").read_text())[0]["groups"]
    return found


def rules() -> list[dict[str, Any]]:
    return [rule for group in groups() for rule in group["rules"]]


@functools.cache
def in_the_cluster() -> dict[str, Manifest]:
    return {name_of(each): each for each in combined(MONITORED)}


@functools.cache
def expressions() -> list[str]:
    """Of the dashboard and of the alerts."""
    dashboard = json.loads((FOLDER / "music-streaming.json").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return shown + [rule["expr"] for rule in rules()]


def test_prometheus_scrapes_every_service() -> None:
    (names,) = scrape()["dns_sd_configs"]
    assert set(names["names"]) == set(SETTINGS)
    assert all(services()[name]["environment"]["METRICS_PORT"] == names["port"] for name in SETTINGS)


def test_pod_monitor_may_scrape_every_service() -> None:
    monitor = in_the_cluster()["PodMonitor/music-streaming"]
    pods = pods_of(combined(MONITORED)).values()
    requested = {pod.name: pod for pod in pods if selects(monitor["spec"]["selector"], pod.labels)}
    assert requested.keys() == SETTINGS.keys()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    prometheus = Pod("prometheus", namespace="monitoring")
    calls = [Call(prometheus, pod, pod.ports[endpoint["port"]]) for pod in requested.values()]
    assert refused(calls, combined(MONITORED)) == []


def test_target_labels_match_compose_and_cluster() -> None:
    given = {each["target_label"]: each for each in scrape()["relabel_configs"]}
    monitor = in_the_cluster()["PodMonitor/music-streaming"]
    assert given.keys() == {"job", "namespace"}
    assert given["namespace"]["replacement"] == monitor["metadata"]["namespace"]
    jobs = {pod.labels[monitor["spec"]["jobLabel"]] for pod in pods_of(combined(MONITORED)).values()}
    (names,) = scrape()["dns_sd_configs"]
    assert jobs == set(names["names"])


def test_cluster_has_the_alerts_of_compose() -> None:
    assert in_the_cluster()["PrometheusRule/music-streaming"]["spec"] == {"groups": groups()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_every_alert_has_a_severity(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}


def test_alert_covers_each_missing_service() -> None:
    (gone,) = [rule["expr"] for rule in rules() if rule["alert"] == "ServiceGone"]
    assert re.findall(r'absent\(\w+\{[^}]*service="([^"]+)"\}\)', gone) == list(SETTINGS)


@pytest.mark.parametrize("expression", expressions())
def test_series_of_other_projects_are_left_out(expression: str) -> None:
    series = re.findall(rf"\b(?:{OUR_PREFIXES})_\w+(.{{0,30}})", expression)
    assert series
    assert all(selected.startswith(OURS) for selected in series)


@pytest.mark.parametrize("expression", expressions())
def test_dashboard_and_alerts_use_existing_metrics(expression: str) -> None:
    label_names = {
        f"{family.name}{suffix}": set(getattr(collector, "_labelnames", ()))
        for collector in list(metrics.REGISTRY._collector_to_names)
        for family in collector.collect()
        for suffix in ("", "_total", "_bucket", "_count", "_sum")
    }
    added = {"le", "job", "instance", "namespace"}
    plain = re.sub(r"by \([^)]*\)|\{[^}]*\}|\[[^]]*\]", "", expression)
    ours = re.compile(f"({OUR_PREFIXES})_")
    requested = {word for word in re.findall(r"[a-z_]+", plain) if ours.match(word)}
    assert requested <= label_names.keys()
    labels = {each.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for each in by.split(",")}
    labels |= set(re.findall(r"[{,]\s*([a-z]+)=", expression))
    assert labels <= added.union(*(label_names[name] for name in requested))
