"""The Recombee adapter: every response, error and timeout of the engine."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import structlog

from shared import metrics
from shared.errors import UnavailableError
from song_service.domain import CatalogueEntry, EngineTimeoutError
from song_service.recombee import RecombeeEngine, open_recombee
from song_service.settings import RecombeeSettings
from tests.repositories.builders import a_song, an_interaction
from tests.shared.canned_server import (
    UNUSABLE,
    CannedServer,
    canned_server,
    http_response,
    timeout_seconds_for,
)

Call = Callable[[RecombeeEngine], Awaitable[object]]
SONG, USER = "d" * 24, "b" * 24

RECOMMENDING: dict[str, Call] = {
    "for_user": lambda engine: engine.for_user(USER, 10),
    "similar": lambda engine: engine.similar(SONG, 10),
    "trending": lambda engine: engine.trending(USER, 10),
}
TELLING: dict[str, Call] = {
    "prepare": lambda engine: engine.prepare(),
    "send_catalogue": lambda engine: engine.send_catalogue([CatalogueEntry(SONG, 1, a_song(song_id=SONG))]),
    "send_interactions": lambda engine: engine.send_interactions([an_interaction()]),
}


@asynccontextmanager
async def engine_at(
    url: str, timeout_seconds: float = 30, batch_seconds: float = 30
) -> AsyncIterator[RecombeeEngine]:
    settings = RecombeeSettings(
        recombee_database_id="music-test",
        recombee_private_token=secrets.token_hex(16),
        recombee_api_url=url,
        recombee_timeout_seconds=timeout_seconds,
    )
    async with open_recombee(settings, batch_seconds) as engine:
        yield engine


@pytest.mark.parametrize("call", [*RECOMMENDING, *TELLING])
@pytest.mark.parametrize("odd", UNUSABLE)
async def test_unusable_engine_response_is_unavailable(odd: str, call: str) -> None:
    async with (
        asyncio.timeout(30),
        canned_server(UNUSABLE[odd]) as server,
        engine_at(server.url, timeout_seconds_for(odd), timeout_seconds_for(odd)) as engine,
    ):
        with pytest.raises(UnavailableError, match=r"^Recommendations are not available now$"):
            await {**RECOMMENDING, **TELLING}[call](engine)


@pytest.mark.parametrize("call", [*RECOMMENDING, *TELLING])
async def test_unreachable_engine_is_unavailable(call: str) -> None:
    async with canned_server(b"") as server:
        url = server.url
    async with engine_at(url) as engine:
        with pytest.raises(UnavailableError):
            await {**RECOMMENDING, **TELLING}[call](engine)


@pytest.mark.parametrize(
    "recomms", [b'{"recomms": null}', b'{"recomms": [{}]}', b'{"recomms": ["a"]}', b'{"recomms": 3}']
)
async def test_malformed_recommendations_are_unavailable(recomms: bytes) -> None:
    async with canned_server(http_response(200, recomms)) as server, engine_at(server.url) as engine:
        with pytest.raises(UnavailableError):
            await engine.for_user(USER, 10)


@pytest.mark.parametrize(
    "codes",
    [b"[]", b'[{"code": 200}]', b'[{"code": 200}, {"code": 200}, {"code": 200}]', b'[{"code": 200}, 1]'],
)
async def test_batch_with_missing_results_fails(codes: bytes) -> None:
    async with canned_server(http_response(200, codes)) as server, engine_at(server.url) as engine:
        with pytest.raises(UnavailableError):
            await engine.send_interactions([an_interaction()])


@pytest.mark.parametrize("code", [401, 403, 429, 500, 503])
async def test_batch_with_transient_failure_fails(code: int) -> None:
    body = f'[{{"code": 201}}, {{"code": {code}}}]'.encode()
    async with canned_server(http_response(200, body)) as server, engine_at(server.url) as engine:
        with pytest.raises(UnavailableError):
            await engine.send_interactions([an_interaction()])


@pytest.mark.parametrize("code", [200, 201, 404, 409, 400])
async def test_permanent_failures_do_not_block_a_batch(code: int) -> None:
    body = f'[{{"code": 409}}, {{"code": {code}}}]'.encode()
    async with canned_server(http_response(200, body)) as server, engine_at(server.url) as engine:
        await engine.send_interactions([an_interaction()])
        assert len(server.requests) == 1


async def test_unknown_listener_gets_no_recommendations() -> None:
    async with canned_server(http_response(404, b"{}")) as server, engine_at(server.url) as engine:
        assert [await call(engine) for call in RECOMMENDING.values()] == [[], [], []]


async def ask_at_once(engine: RecombeeEngine, calls: int = 100) -> list[BaseException | object]:
    requested = [engine.for_user(USER, 10) for _ in range(calls)]
    return await asyncio.gather(*requested, return_exceptions=True)


async def test_requests_do_not_queue_for_hanging_engine() -> None:
    """A few connections serve everybody: a wait for one of them counts as much as the response."""
    async with asyncio.timeout(30), canned_server(None) as server, engine_at(server.url, 0.3) as engine:
        for calls in (20, 100, 100):  # the first 20 would all be sent, one after the other, with a queue
            outcomes = await ask_at_once(engine, calls)
            assert [each for each in outcomes if not isinstance(each, UnavailableError)] == []
        assert len(server.requests) < 20


async def test_batches_bypass_and_close_the_open_breaker() -> None:
    async with canned_server(http_response(500, b"{}")) as server, engine_at(server.url) as engine:
        await ask_at_once(engine)
        requested = len(server.requests)
        with pytest.raises(UnavailableError):
            await engine.for_user(USER, 10)
        assert len(server.requests) == requested
        await comes_back(server, engine)
        assert await engine.for_user(USER, 10) == [SONG]


async def test_failed_batches_do_not_open_the_breaker() -> None:
    async with canned_server(http_response(500, b"{}")) as server, engine_at(server.url) as engine:
        for _ in range(5):
            with pytest.raises(UnavailableError):
                await engine.send_interactions([an_interaction()])
        server.response = http_response(200, f'{{"recomms": [{{"id": "{SONG}"}}]}}'.encode())
        assert await engine.for_user(USER, 10) == [SONG]


async def test_calls_that_the_breaker_refuses_are_not_counted() -> None:
    async with canned_server(http_response(500, b"{}")) as server, engine_at(server.url) as engine:
        before = failed_calls()
        for _ in range(10):
            with pytest.raises(UnavailableError):
                await engine.for_user(USER, 10)
        assert failed_calls() == before + len(server.requests)
        assert len(server.requests) < 10


def failed_calls() -> float:
    labels = {"dependency": "recombee", "outcome": "failed"}
    return metrics.REGISTRY.get_sample_value("dependency_calls_total", labels) or 0


async def test_batches_have_a_longer_timeout() -> None:
    async with (
        canned_server(http_response(200, b'[{"code": 200}, {"code": 200}]')) as server,
        engine_at(server.url, timeout_seconds=0.1, batch_seconds=30) as engine,
    ):
        server.delay_seconds = 0.8
        with pytest.raises(EngineTimeoutError):
            await engine.for_user(USER, 10)
        await engine.send_interactions([an_interaction()])


async def test_late_batch_differs_from_failed_batch() -> None:
    async with canned_server(None) as server, engine_at(server.url, batch_seconds=0.3) as engine:
        with pytest.raises(EngineTimeoutError):
            await engine.send_catalogue([CatalogueEntry(SONG, 1, a_song(song_id=SONG))])


async def test_status_of_a_refused_batch_is_logged() -> None:
    async with canned_server(http_response(400, b"{}")) as server, engine_at(server.url) as engine:
        with structlog.testing.capture_logs() as logged, pytest.raises(UnavailableError):
            await engine.send_interactions([an_interaction()])
    assert [(each["log_level"], each["status"]) for each in logged] == [("error", 400)]


async def comes_back(server: CannedServer, engine: RecombeeEngine) -> None:
    server.response = http_response(200, b'[{"code": 200}, {"code": 200}]')
    await engine.send_interactions([an_interaction()])
    server.response = http_response(200, f'{{"recomms": [{{"id": "{SONG}"}}]}}'.encode())
