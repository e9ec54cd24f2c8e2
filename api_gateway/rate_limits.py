"""Rate limits: fixed windows, counted in Redis for all replicas together.

A client is the subject that its session token names, together with its address; without a token it is the
address. The token is not verified here, so the address is part of the key: no client can use up the quota of
another by naming them in a token. An address may make ten times as many calls as one client.
"""

import base64
import binascii
import functools
import hashlib
import ipaddress
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from api_gateway.headers import Headers, forwarded_addresses
from api_gateway.ports import ApiRequest
from shared import metrics
from shared.cache.store import CacheDownError
from shared.errors import TooManyRequestsError

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
CLIENTS_PER_ADDRESS = 10

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_READS_BY_POST = (b"/songs/batch", b"/songs/liked/check")
_UPLOADS = (b"/songs", b"/albums")

log = structlog.stdlib.get_logger(__name__)


class Counters(Protocol):
    """Counters that all replicas share."""

    async def increment(self, ttl_seconds: Mapping[str, int]) -> Sequence[int]:
        """Increment each of these counters, set its time to live, and return the new values.

        Raises:
            CacheDownError: Redis is down.
        """
        ...


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `quota` requests in each window."""

    name: str
    quota: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits; 0 disables one."""

    calls_per_minute: int
    writes_per_minute: int
    uploads_per_hour: int
    registrations_per_hour: int

    @property
    def are_disabled(self) -> bool:
        """Whether none is in force."""
        return not any(
            (
                self.calls_per_minute,
                self.writes_per_minute,
                self.uploads_per_hour,
                self.registrations_per_hour,
            )
        )


@dataclass(frozen=True, slots=True)
class _Window:
    """The current window of a limit for one client."""

    limit: RateLimit
    key: str
    ends_in_seconds: int


class FixedWindowRateLimiter:
    """A `RateLimiter`. Lets everything pass while Redis is down."""

    def __init__(
        self, counters: Counters, limits: RateLimits, clock: Callable[[], float] = time.time
    ) -> None:
        self._counters = counters
        self._limits = limits
        self._clock = clock
        self._warned_of_proxy = False

    async def check(self, request: ApiRequest) -> Headers:
        """Count the request. Returns `RateLimit` headers of the limit with the smallest remaining quota.

        Raises:
            TooManyRequestsError: a quota is used up.
        """
        windows = self._windows_of(request)
        if not windows:
            return []
        try:
            counts = await self._counters.increment(
                {window.key: window.limit.window_seconds for window in windows}
            )
        except CacheDownError:
            return []
        left = [(window.limit.quota - count, window) for window, count in zip(windows, counts, strict=True)]
        remaining, window = min(left, key=lambda each: each[0])
        if remaining < 0:
            metrics.RATE_LIMITED.labels(window.limit.name).inc()
            self._warn_of_untrusted_proxy(request)
            raise TooManyRequestsError(
                window.limit.name, window.limit.quota, window.limit.window_seconds, window.ends_in_seconds
            )
        return _announcement(window, remaining)

    def _warn_of_untrusted_proxy(self, request: ApiRequest) -> None:
        """Log once that all clients of a proxy share one quota."""
        forwarded = forwarded_addresses(request.headers)
        if forwarded and request.client_address not in forwarded and not self._warned_of_proxy:
            self._warned_of_proxy = True
            log.warning(
                "X-Forwarded-For ignored: the peer is not in TRUSTED_PROXIES", peer=request.client_address
            )

    def _windows_of(self, request: ApiRequest) -> list[_Window]:
        limits, path = self._limits, request.target.decoded_path
        address = _quota_address(request.client_address)
        client = _client_of(request, address)
        wanted: list[tuple[str, str, int, int]] = [("calls", client, limits.calls_per_minute, MINUTE_SECONDS)]
        if client != address:
            most = limits.calls_per_minute * CLIENTS_PER_ADDRESS
            wanted.append(("address", address, most, MINUTE_SECONDS))
        if request.method not in _READS and path not in _READS_BY_POST:
            wanted.append(("writes", client, limits.writes_per_minute, MINUTE_SECONDS))
        if request.method == "POST" and path in _UPLOADS:
            wanted.append(("uploads", client, limits.uploads_per_hour, HOUR_SECONDS))
        if request.method == "POST" and path == b"/auth/register":
            wanted.append(("registrations", address, limits.registrations_per_hour, HOUR_SECONDS))
        return [
            self._window(RateLimit(name, quota, seconds), who)
            for name, who, quota, seconds in wanted
            if quota
        ]

    def _window(self, limit: RateLimit, client: str) -> _Window:
        """Windows of different clients begin at different times, so that not all retry at the same moment."""
        digest = hashlib.blake2b(client.encode(errors="surrogatepass"), digest_size=16).digest()
        offset = int.from_bytes(digest[:4]) % limit.window_seconds
        number, elapsed = divmod(int(self._clock()) + offset, limit.window_seconds)
        key = f"rate:{limit.name}:{digest.hex()}:{number}"
        return _Window(limit, key, limit.window_seconds - elapsed)


def _announcement(window: _Window, remaining: int) -> Headers:
    limit = window.limit
    return [
        (b"ratelimit-policy", b'"%s";q=%d;w=%d' % (limit.name.encode(), limit.quota, limit.window_seconds)),
        (b"ratelimit", b'"%s";r=%d;t=%d' % (limit.name.encode(), remaining, window.ends_in_seconds)),
    ]


@functools.lru_cache(maxsize=1024)
def _quota_address(address: str) -> str:
    """The address that shares a quota: of IPv6 the network of 64 bits, which one client has for itself."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    except ValueError:
        return address


def _client_of(request: ApiRequest, address: str) -> str:
    authorization = next((value for name, value in request.headers if name == b"authorization"), b"")
    subject = _subject_in(authorization.partition(b" ")[2].strip())
    return f"{address} {subject}" if subject else address


def _subject_in(token: bytes) -> str | None:
    """The subject of a token, unverified; None for a malformed one."""
    parts = token.split(b".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else None
