"""Metrics in plain numbers are exposed as prometheus_client's own are."""

import re

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shared.local_metrics import LocalCounter, LocalGauge, LocalHistogram

BUCKETS = (0.005, 0.1, 1, 120)


def exposed(registry: CollectorRegistry) -> str:
    """What Prometheus reads, without the times at which series were created."""
    text = generate_latest(registry).decode()
    return re.sub(r"(?m)^(# (HELP|TYPE) )?\w+_created.*\n", "", text)


@pytest.fixture
def ours() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def theirs() -> CollectorRegistry:
    return CollectorRegistry()


def test_local_counter_is_exposed_as_a_counter(ours: CollectorRegistry, theirs: CollectorRegistry) -> None:
    for metric in (
        LocalCounter("served", "Served", ["name"], ours),
        Counter("served", "Served", ["name"], registry=theirs),
    ):
        for name in ("one", "two", "one"):
            metric.labels(name).inc()
        metric.labels("none")
    assert 'served_total{name="one"} 2.0' in exposed(ours)
    assert exposed(ours) == exposed(theirs)


def test_local_gauge_is_exposed_as_a_gauge(ours: CollectorRegistry, theirs: CollectorRegistry) -> None:
    for metric in (
        LocalGauge("in_flight", "In flight", ["name"], ours),
        Gauge("in_flight", "In flight", ["name"], registry=theirs),
    ):
        metric.labels("one").inc()
        metric.labels("one").inc()
        metric.labels("one").dec()
    assert 'in_flight{name="one"} 1.0' in exposed(ours)
    assert exposed(ours) == exposed(theirs)


def test_local_histogram_is_exposed_as_a_histogram(
    ours: CollectorRegistry, theirs: CollectorRegistry
) -> None:
    for metric in (
        LocalHistogram("seconds", "Seconds", ["name"], ours, BUCKETS),
        Histogram("seconds", "Seconds", ["name"], buckets=BUCKETS, registry=theirs),
    ):
        for value in (0, 0.005, 0.0051, 0.1, 1, 3, 120, 121):
            metric.labels("one").observe(value)
        metric.labels("two").observe(0.5)
    assert 'seconds_bucket{le="120.0",name="one"} 7.0' in exposed(ours)
    assert exposed(ours) == exposed(theirs)


def test_local_metric_names_are_unique(ours: CollectorRegistry) -> None:
    LocalCounter("served", "Served", ["name"], ours)
    with pytest.raises(ValueError, match="Duplicated"):
        LocalGauge("served", "Served", ["name"], ours)
