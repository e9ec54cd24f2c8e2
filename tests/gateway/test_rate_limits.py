"""Rate limits: who is counted, which limits apply, and what a refusal says."""

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from api_gateway.ports import ApiRequest
from api_gateway.rate_limits import FixedWindowRateLimiter, RateLimits
from api_gateway.route_table import find_target
from shared.cache.store import CacheDownError
from shared.errors import TooManyRequestsError
from shared.http.problem import problem_of

NOON = 1_790_000_000.0


class MemoryCounters:
    """Counters of one process; `is_down` makes every call fail."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.is_down = False

    async def increment(self, ttl_seconds: Mapping[str, int]) -> Sequence[int]:
        if self.is_down:
            raise CacheDownError
        self.counts.update(ttl_seconds.keys())
        return [self.counts[key] for key in ttl_seconds]


class World:
    """A rate limiter with small quotas, and a clock that a test moves."""

    def __init__(self, calls: int = 0, writes: int = 0, uploads: int = 0, registrations: int = 0) -> None:
        self.counters, self.now = MemoryCounters(), NOON
        limits = RateLimits(calls, writes, uploads, registrations)
        self._limiter = FixedWindowRateLimiter(self.counters, limits, lambda: self.now)

    async def send(
        self,
        method: str = "GET",
        path: str = "/songs",
        *,
        token: str = "",
        address: str = "192.0.2.1",
        forwarded_for: str = "",
    ) -> dict[bytes, bytes]:
        target = find_target(b"/api" + path.encode())
        assert target is not None
        headers = [(b"authorization", b"Bearer " + token.encode())] if token else []
        if forwarded_for:
            headers.append((b"x-forwarded-for", forwarded_for.encode()))
        return dict(await self._limiter.check(ApiRequest(method, target, b"", headers, address)))

    async def refused(self, *arguments: str, **options: str) -> TooManyRequestsError:
        with pytest.raises(TooManyRequestsError) as failure:
            await self.send(*arguments, **options)
        return failure.value


def a_token(subject: object, signature: str = "signed") -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": subject}).encode()).decode().rstrip("=")
    return f"e30.{claims}.{signature}"


async def test_client_over_its_quota_is_refused() -> None:
    world = World(calls=3)
    for _ in range(3):
        await world.send()
    refusal = await world.refused()
    assert (refusal.limit, refusal.quota) == ("calls", 3)


async def test_other_clients_are_served_meanwhile() -> None:
    world = World(calls=1)
    await world.send(token=a_token("ada"))
    await world.refused(token=a_token("ada"))
    await world.send(token=a_token("bob"))
    await world.send(address="192.0.2.2")


async def test_retry_after_is_when_requests_pass_again() -> None:
    world = World(calls=1)
    await world.send()
    refusal = await world.refused()
    assert 0 < refusal.retry_after_seconds <= 60
    world.now += refusal.retry_after_seconds - 1
    await world.refused()
    world.now += 1
    await world.send()


async def test_refusal_carries_all_headers() -> None:
    world = World(uploads=1)
    await world.send("POST", "/songs")
    response = problem_of(await world.refused("POST", "/songs"))
    assert response.status_code == 429
    seconds = response.headers["Retry-After"]
    assert response.headers["RateLimit-Policy"] == '"uploads";q=1;w=3600'
    assert response.headers["RateLimit"] == f'"uploads";r=0;t={seconds}'
    assert json.loads(bytes(response.body))["code"] == "too_many_requests"


async def test_responses_announce_the_nearest_limit() -> None:
    world = World(calls=10, writes=3)
    headers = await world.send("PATCH", "/songs/1")
    assert headers[b"ratelimit-policy"] == b'"writes";q=3;w=60'
    assert headers[b"ratelimit"].startswith(b'"writes";r=2;t=')
    assert (await world.send())[b"ratelimit"].startswith(b'"calls";r=8;t=')


async def test_new_token_of_one_client_counts_on() -> None:
    world = World(uploads=1)
    await world.send("POST", "/songs", token=a_token("ada", "first"))
    await world.refused("POST", "/songs", token=a_token("ada", "second"))


async def test_subject_that_is_no_text_has_a_quota() -> None:
    world = World(calls=1)
    await world.send(token=a_token("\ud800"))
    await world.refused(token=a_token("\ud800"))


async def test_forged_subject_uses_no_other_quota() -> None:
    world = World(calls=1)
    await world.send(token=a_token("ada"), address="203.0.113.9")
    await world.refused(token=a_token("ada"), address="203.0.113.9")
    await world.send(token=a_token("ada"))


async def test_many_subjects_of_one_address_are_bounded() -> None:
    world = World(calls=2)
    for number in range(20):
        await world.send(token=a_token(f"forged {number}"))
    assert (await world.refused(token=a_token("one more"))).limit == "address"


async def test_registrations_count_by_address() -> None:
    world = World(registrations=1)
    await world.send("POST", "/auth/register", token=a_token("ada"))
    await world.refused("POST", "/auth/register/", token=a_token("bob"))


async def test_refusal_behind_an_untrusted_proxy_is_logged_once() -> None:
    world = World(registrations=1)
    with capture_logs() as logged:
        await world.send("POST", "/auth/register", forwarded_for="203.0.113.1")
        await world.refused("POST", "/auth/register", forwarded_for="203.0.113.2")
        await world.refused("POST", "/auth/register", forwarded_for="203.0.113.3")
    assert [(each["event"], each["peer"]) for each in logged] == [
        ("X-Forwarded-For ignored: the peer is not in TRUSTED_PROXIES", "192.0.2.1")
    ]


async def test_refusal_behind_a_trusted_proxy_is_not_logged() -> None:
    world = World(registrations=1)
    with capture_logs() as logged:
        for _ in range(2):
            with suppress(TooManyRequestsError):
                await world.send("POST", "/auth/register", forwarded_for="192.0.2.1")
    assert logged == []


@pytest.mark.parametrize("path", ["/auth/%72egister", "/%61uth/register", "/auth/register%2F"])
async def test_encoded_paths_count_as_registrations(path: str) -> None:
    world = World(registrations=1)
    await world.send("POST", "/auth/register")
    await world.refused("POST", path)


@pytest.mark.parametrize("path", ["/song%73", "/%61lbums"])
async def test_encoded_paths_count_as_uploads(path: str) -> None:
    world = World(uploads=1)
    await world.send("POST", "/songs")
    await world.refused("POST", path)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/songs"), ("HEAD", "/songs"), ("POST", "/songs/batch"), ("POST", "/songs/b%61tch")],
)
async def test_reads_do_not_count_as_writes(method: str, path: str) -> None:
    world = World(writes=1)
    for _ in range(3):
        await world.send(method, path)


async def test_addresses_of_one_ipv6_network_share_a_quota() -> None:
    world = World(calls=1)
    await world.send(address="2001:db8::1")
    await world.refused(address="2001:db8::2:2")
    await world.send(address="2001:db8:0:1::1")


NESTED = f"e30.{base64.urlsafe_b64encode(b'[' * 100_000).decode().rstrip('=')}.c"


@pytest.mark.parametrize("token", ["x", "a.b.c", NESTED, "e30.W10.c", a_token(7), a_token(None), "a.!!!!.c"])
async def test_malformed_token_counts_by_address(token: str) -> None:
    world = World(calls=1)
    await world.send()
    await world.refused(token=token)


async def test_redis_down_lets_requests_pass() -> None:
    world = World(calls=1)
    world.counters.is_down = True
    for _ in range(3):
        assert await world.send() == {}


async def test_zero_disables_a_limit() -> None:
    world = World(writes=1)
    for _ in range(3):
        assert await world.send() == {}
    assert world.counters.counts == {}
