"""Metrics for Prometheus. Served on their own port, never on the public one.

Those of several workers are aggregated from the files of prometheus_client (shared/http/workers.py); of
gauges only live workers count. A single process counts what each request changes in plain numbers
(shared/local_metrics.py), which takes a tenth of the processor time.
"""

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.local_metrics import LocalCounter, LocalGauge, LocalHistogram

MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable from which prometheus_client reads, at import, the folder of its metric files."""

REGISTRY = CollectorRegistry()

_IS_WORKER: Final = MULTIPROCESS_FOLDER in os.environ
_LATENCY_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


def _counter(name: str, documentation: str, labelnames: list[str]) -> Counter | LocalCounter:
    """A counter for the hot path."""
    return (Counter if _IS_WORKER else LocalCounter)(name, documentation, labelnames, registry=REGISTRY)


def _in_flight(name: str, documentation: str, labelnames: list[str]) -> Gauge | LocalGauge:
    if _IS_WORKER:
        return Gauge(name, documentation, labelnames, registry=REGISTRY, multiprocess_mode="livesum")
    return LocalGauge(name, documentation, labelnames, registry=REGISTRY)


def _latency(name: str, documentation: str, labelnames: list[str]) -> Histogram | LocalHistogram:
    kind = Histogram if _IS_WORKER else LocalHistogram
    return kind(name, documentation, labelnames, registry=REGISTRY, buckets=_LATENCY_BUCKETS)


REQUESTS = _counter(
    "http_requests", "Requests served, without probes", ["service", "method", "route", "status"]
)
LATENCY = _latency(
    "http_request_seconds",
    "From the request's first byte to the response's last",
    ["service", "method", "route"],
)
IN_FLIGHT = _in_flight("http_requests_in_flight", "Requests being served, probes too", ["service"])
CACHE_READS = _counter("cache_reads", "Cache reads by outcome", ["key", "outcome"])
CACHE_FAILURES = Counter("cache_failures", "Cache operations that failed", registry=REGISTRY)
RATE_LIMITED = Counter("rate_limited", "Requests refused by a rate limit", ["limit"], registry=REGISTRY)
IDEMPOTENT_REQUESTS = Counter(
    "idempotent_requests",
    "Requests with an Idempotency-Key: first, replayed, in_use, reused or unavailable",
    ["outcome"],
    registry=REGISTRY,
)
WEBHOOKS = Counter("webhooks", "Webhooks received by kind", ["kind"], registry=REGISTRY)
REJECTED_WEBHOOKS = Counter("webhooks_rejected", "Webhooks with a bad signature", registry=REGISTRY)
DEPENDENCY_CALLS = Counter(
    "dependency_calls",
    "Calls to cloudinary, clerk or recombee, without pings: succeeded or failed",
    ["dependency", "outcome"],
    registry=REGISTRY,
)
QUEUE_LENGTH = Gauge(
    "queue_length",
    "Entries waiting to be sent",
    ["queue"],
    registry=REGISTRY,
    multiprocess_mode="livemostrecent",
)
BREAKER_OPEN = Gauge(
    "breaker_open",
    "1 while calls to it are refused",
    ["name"],
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
