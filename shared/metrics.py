"""Metrics for Prometheus. Served on their own port, never on the public one.

Gauges of several workers are aggregated (shared/http/workers.py): only live workers count.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "http_requests",
    "Requests served, without probes",
    ["service", "method", "route", "status"],
    registry=REGISTRY,
)
LATENCY = Histogram(
    "http_request_seconds",
    "From the request's first byte to the response's last",
    ["service", "method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
    registry=REGISTRY,
)
IN_FLIGHT = Gauge(
    "http_requests_in_flight",
    "Requests being served, probes too",
    ["service"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
CACHE_READS = Counter("cache_reads", "Cache reads by outcome", ["key", "outcome"], registry=REGISTRY)
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
