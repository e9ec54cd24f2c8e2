"""The response cache: of concurrent requests for an outdated response one goes to the service."""

import asyncio

import pytest

from api_gateway import response_cache
from api_gateway.ports import ApiRequest
from tests.gateway.cached_responses import (
    ADA,
    ADAS_ID,
    ETAG,
    PRIVATE,
    SHARED,
    World,
    a_request,
)


async def test_one_of_concurrent_requests_refreshes_a_response(world: World) -> None:
    await world.serve(SHARED, body=b"old")
    await world.redis.renew(["song:1"])
    requests = [a_request() for _ in range(5)]
    waiting = [asyncio.create_task(world.find(each)) for each in requests]
    await asyncio.sleep(0.01)
    assert [task.done() for task in waiting] == [True, False, False, False, False]
    assert await waiting[0] is None
    await world.serve(SHARED, requests[0], body=b"new")
    found = await asyncio.gather(*waiting[1:])
    assert [each.body if each else None for each in found] == [b"new"] * 4


async def test_change_during_a_refresh_reaches_waiting_requests(world: World) -> None:
    await world.serve(SHARED, body=b"old")
    await world.redis.renew(["song:1"])
    first, second = a_request(), a_request()
    assert await world.find(first) is None
    waiting = asyncio.create_task(world.find(second))
    await asyncio.sleep(0.01)
    outdated = [
        (b"surrogate-control", SHARED),
        (b"surrogate-key", b"song:1=" + await world.version_of("song:1")),
    ]
    await world.redis.renew(["song:1"])
    recording = world.cache.record(first, 200, outdated)
    assert recording is not None
    recording.complete()
    assert await waiting is None
    assert second.refresh is not None


async def test_failed_refresh_releases_those_who_wait(world: World) -> None:
    await world.serve(SHARED)
    await world.redis.renew(["song:1"])
    first, second = a_request(), a_request()
    assert await world.find(first) is None
    waiting = asyncio.create_task(world.find(second))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert first.refresh is not None
    first.refresh.end()
    assert await waiting is None
    assert second.refresh is not None


async def test_response_that_became_private_is_dropped(world: World) -> None:
    await world.serve(SHARED)
    await world.redis.renew(["song:1"])
    condition = [(b"if-none-match", ETAG)]
    first, second = a_request(more=condition), a_request(more=condition)
    assert await world.find(first) is None
    world.cache.end_refresh(first, 404)
    assert await world.find(second) is None
    assert second.refresh is None
    assert condition[0] in second.headers


async def test_response_is_kept_while_its_service_fails(world: World) -> None:
    await world.serve(SHARED)
    await world.redis.renew(["song:1"])
    first, second = a_request(), a_request()
    assert await world.find(first) is None
    world.cache.end_refresh(first, 503)
    assert await world.find(second) is None
    assert second.refresh is not None


async def test_slow_refresh_is_waited_for_briefly(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "REFRESH_SECONDS", 0.01)
    await world.serve(SHARED)
    await world.redis.renew(["song:1"])
    assert await world.find(a_request()) is None
    assert await world.find(a_request()) is None


@pytest.mark.parametrize(
    "request_",
    [
        a_request(token=ADA),
        a_request(b"/api/songs/1?count=2"),
        a_request(more=[(b"range", b"bytes=0-1")]),
    ],
)
async def test_requests_for_something_else_do_not_wait(world: World, request_: ApiRequest) -> None:
    await world.serve(SHARED)
    await world.redis.renew(["song:1"])
    assert await world.find(a_request()) is None
    async with asyncio.timeout(0.5):
        assert await world.find(request_) is None


async def test_request_with_another_copy_refreshes_a_response(world: World) -> None:
    await world.serve(SHARED, body=b"old")
    await world.redis.renew(["song:1"])
    request = a_request(more=[(b"if-none-match", ETAG)])
    assert await world.find(request) is None
    waiting = asyncio.create_task(world.find())
    await asyncio.sleep(0.01)
    await world.serve(SHARED, request, body=b"new")
    found = await waiting
    assert found is not None
    assert found.body == b"new"
    assert b"if-none-match" not in dict(request.headers)


async def test_head_refreshes_nothing(world: World) -> None:
    await world.serve(SHARED)
    await world.redis.renew(["song:1"])
    assert not await world.has(a_request(method="HEAD"))
    request = a_request()
    assert await world.find(request) is None
    assert request.refresh is not None


async def test_users_with_another_response_do_not_wait(world: World) -> None:
    not_for = [(b"surrogate-not-for", ADAS_ID)]
    await world.serve(SHARED, a_request(token=ADA), token=b"max-age=60", caller=ADAS_ID)
    await world.serve(SHARED, more=not_for)
    await world.redis.renew(["song:1"])
    assert await world.find() is None
    async with asyncio.timeout(0.5):
        assert await world.find(a_request(token=ADA)) is None


async def test_late_end_does_not_end_the_next_refresh(world: World) -> None:
    await world.serve(SHARED)
    await world.redis.renew(["song:1"])
    first, second = a_request(), a_request()
    assert await world.find(first) is None
    await world.serve(SHARED, first)
    await world.redis.renew(["song:1"])
    assert await world.find(second) is None
    waiting = asyncio.create_task(world.find())
    await asyncio.sleep(0.01)
    assert first.refresh is not None
    first.refresh.end()
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await world.serve(SHARED, second)
    assert await waiting is not None


async def test_private_response_is_refreshed_by_each_request(world: World) -> None:
    await world.serve(PRIVATE, a_request(token=ADA), token=b"max-age=60", caller=ADAS_ID)
    await world.redis.renew(["song:1"])
    request = a_request(token=ADA)
    assert await world.find(request) is None
    assert request.refresh is None
