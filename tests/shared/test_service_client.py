"""The service client: retries, errors and the circuit breaker."""

import inspect
import json
from collections.abc import Callable

import httpx
import pytest
from pydantic import TypeAdapter

from shared import metrics
from shared.contracts.albums import ALBUM
from shared.errors import (
    AppError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from shared.http.service_client import ServiceClient, open_service
from tests.shared.canned_server import CUT_SHORT, canned_server, http_response

ANYTHING = TypeAdapter(object)

Behaviour = Callable[[httpx.Request], httpx.Response]


def client(behaviour: Behaviour) -> ServiceClient:
    http = httpx.AsyncClient(base_url="http://service.test", transport=httpx.MockTransport(behaviour))
    return ServiceClient(http, "album service")


class Failing:
    """Fails with `failure` the first `times`, then responds."""

    def __init__(self, failure: Exception, times: int = 1000) -> None:
        self.failure = failure
        self.times = times
        self.calls = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.calls <= self.times:
            raise self.failure
        return httpx.Response(200, json={"answered": True})


def failures_of_httpx() -> list[Exception]:
    """One of each kind that a request can end with."""
    kinds = [
        each
        for _, each in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(each, httpx.RequestError) or each is httpx.HTTPError
    ]
    assert len(kinds) > 15
    return [kind("http://10.0.0.7:3003 refused") for kind in kinds]


@pytest.mark.parametrize("failure", failures_of_httpx(), ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("repeatable", [True, False])
async def test_every_httpx_error_is_an_unavailable_service(failure: Exception, repeatable: bool) -> None:
    with pytest.raises(UnavailableError, match=r"^The album service is not available now$"):
        await client(Failing(failure)).fetch(ANYTHING, "GET", "/albums/1", repeatable=repeatable)


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("closed")]
)
async def test_repeatable_call_is_retried_after_connection_failure(failure: Exception) -> None:
    service = Failing(failure, times=1)
    assert await client(service).fetch(ANYTHING, "GET", "/albums/1", repeatable=True) == {"answered": True}
    assert service.calls == 2


@pytest.mark.parametrize(
    ("failure", "repeatable"),
    [(httpx.ReadError("reset"), False), (httpx.ReadTimeout("late"), True), (httpx.ConnectTimeout("x"), True)],
)
async def test_other_failures_are_not_retried(failure: Exception, repeatable: bool) -> None:
    service = Failing(failure, times=1)
    with pytest.raises(UnavailableError):
        await client(service).fetch(ANYTHING, "POST", "/albums/1/songs", repeatable=repeatable)
    assert service.calls == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (422, InvalidError),
        *((status, UnavailableError) for status in (301, 400, 401, 413, 429, 500, 502, 503, 504)),
    ],
)
async def test_status_maps_to_its_domain_error(status: int, kind: type[AppError]) -> None:
    service = client(lambda _: httpx.Response(status, json={"detail": "No"}))
    with pytest.raises(kind):
        await service.fetch(ANYTHING, "GET", "/albums/1")


@pytest.mark.parametrize(
    ("body", "detail"), [({"detail": "The album is full"}, "The album is full"), ({"detail": 7}, "Refused")]
)
async def test_refusal_detail_is_passed_on(body: object, detail: str) -> None:
    with pytest.raises(ConflictError) as refused:
        await client(lambda _: httpx.Response(409, json=body)).fetch(ANYTHING, "GET", "/albums/1")
    assert refused.value.detail == detail


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe\xff", b'{"half":'])
@pytest.mark.parametrize("status", [200, 404])
async def test_response_without_json_is_an_unavailable_service(body: bytes, status: int) -> None:
    """A 404 of a proxy in between must not pass for "there is no such album"."""
    with pytest.raises(UnavailableError):
        await client(lambda _: httpx.Response(status, content=body)).fetch(ANYTHING, "GET", "/albums/1")


async def test_breaker_opens_after_repeated_failures() -> None:
    service = Failing(httpx.ReadTimeout("late"))
    requesting = client(service)
    for _ in range(20):
        with pytest.raises(UnavailableError):
            await requesting.fetch(ANYTHING, "GET", "/albums/1")
    assert service.calls == 5


def test_breaker_metric_has_the_name_that_the_gateway_uses() -> None:
    ServiceClient(httpx.AsyncClient(), "metered service")
    assert metrics.REGISTRY.get_sample_value("breaker_open", {"name": "metered-service"}) == 0


async def test_refusals_do_not_open_the_breaker() -> None:
    calls = []

    def refuse(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        return httpx.Response(404, json={"detail": "No"})

    requesting = client(refuse)
    for _ in range(20):
        with pytest.raises(NotFoundError):
            await requesting.fetch(ANYTHING, "GET", "/albums/1")
    assert len(calls) == 20


async def test_token_and_body_are_sent_unchanged() -> None:
    sent = []

    def response(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(201, json=[])

    assert (
        await client(response).fetch(ANYTHING, "POST", "/songs/batch", token="t.o.k", json={"ids": ["a"]})
        == []
    )
    assert sent[0].headers["authorization"] == "Bearer t.o.k"
    assert json.loads(sent[0].content) == {"ids": ["a"]}


async def test_response_of_another_shape_is_unavailable() -> None:
    """As while an old version of it runs beside a new one."""
    requesting = client(lambda _: httpx.Response(200, json={"_id": 1}))
    with pytest.raises(UnavailableError):
        await requesting.fetch(ALBUM, "GET", "/albums/1")


async def streamed(service: ServiceClient) -> bytes:
    async with service.stream("/internal/users/1/export", token="t.o.k") as pieces:
        return b"".join([piece async for piece in pieces])


async def test_streamed_body_arrives_whole() -> None:
    async with (
        canned_server(http_response(200, b"[1]" * 100_000)) as odd,
        open_service(odd.url, "x", 5) as service,
    ):
        assert await streamed(service) == b"[1]" * 100_000
    assert b"authorization: bearer t.o.k" in odd.requests[0].lower()


@pytest.mark.parametrize(
    "given",
    [b"", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n", CUT_SHORT, None]
    + [http_response(status, b"{}") for status in (401, 404, 500, 503)],
)
async def test_stream_without_success_is_unavailable(given: bytes | None) -> None:
    async with canned_server(given) as odd, open_service(odd.url, "album service", 0.2) as service:
        with pytest.raises(UnavailableError, match=r"^The album service is not available now$"):
            await streamed(service)


async def test_breaker_opens_when_streams_break_off() -> None:
    async with canned_server(CUT_SHORT) as odd, open_service(odd.url, "album service", 5) as service:
        for _ in range(20):
            with pytest.raises(UnavailableError):
                await streamed(service)
    assert len(odd.requests) == 5


async def test_abandoned_stream_says_nothing_about_the_service() -> None:
    async with (
        canned_server(http_response(200, b"[]" * 10**6)) as odd,
        open_service(odd.url, "x", 5) as service,
    ):
        for _ in range(20):
            async with service.stream("/", token="t.o.k") as pieces:
                await anext(aiter(pieces))
    assert len(odd.requests) == 20
