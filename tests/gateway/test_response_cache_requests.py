"""The response cache: which requests it serves, and which responses it stores."""

import pytest

from api_gateway.response_cache import MAX_RESPONSE_BYTES
from tests.gateway.cached_responses import ETAG, SHARED, World, a_request


async def test_trailing_slash_means_the_same(world: World) -> None:
    await world.serve(SHARED, a_request(b"/api/songs/1/"))
    assert await world.has()


async def test_head_gets_the_head_of_get(world: World) -> None:
    await world.serve(SHARED)
    found = await world.find(a_request(method="HEAD"))
    assert found is not None
    assert (found.status, found.body, dict(found.headers)[b"content-length"]) == (200, b"", b"8")


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
async def test_only_responses_to_get_are_kept(world: World, method: str) -> None:
    assert not await world.serve(SHARED, a_request(method=method))


@pytest.mark.parametrize("status", [203, 204, 206, 304, 401, 404, 500])
async def test_only_200_is_kept(world: World, status: int) -> None:
    assert not await world.serve(SHARED, status=status)


@pytest.mark.parametrize("sent", [b'"abc"', b'W/"abc"', b'"x", W/"abc"', b"*"])
async def test_client_that_has_it_gets_304(world: World, sent: bytes) -> None:
    await world.serve(SHARED)
    for method in ("GET", "HEAD"):
        found = await world.find(a_request(method=method, more=[(b"if-none-match", sent)]))
        assert found is not None
        headers = dict(found.headers)
        assert (found.status, found.body, headers[b"etag"]) == (304, b"", ETAG)
        assert b"content-length" not in headers
        assert b"content-type" not in headers


async def test_other_entity_tags_get_it_whole(world: World) -> None:
    await world.serve(SHARED)
    sent = [(b"if-none-match", b'"x"'), (b"if-none-match", b'"y"')]
    found = await world.find(a_request(more=sent))
    assert found is not None
    assert found.status == 200
    found = await world.find(a_request(more=[*sent, (b"if-none-match", ETAG)]))
    assert found is not None
    assert found.status == 304


@pytest.mark.parametrize(
    "header",
    [
        (b"range", b"bytes=0-1"),
        (b"if-range", ETAG),
        (b"if-match", b'"x"'),
        (b"if-modified-since", b"Thu, 01 Jan 1970 00:00:00 GMT"),
        (b"if-unmodified-since", b"Thu, 01 Jan 1970 00:00:00 GMT"),
        (b"if-anything-new", b"1"),
        (b"content-length", b"3"),
        (b"transfer-encoding", b"chunked"),
        (b"expect", b"100-continue"),
        (b"upgrade", b"websocket"),
    ],
)
async def test_requests_with_more_in_them_are_relayed(world: World, header: tuple[bytes, bytes]) -> None:
    await world.serve(SHARED)
    assert not await world.has(a_request(more=[header]))
    assert not await world.serve(SHARED, a_request(b"/api/songs/2", more=[header]))


async def test_reload_gets_current_content(world: World) -> None:
    await world.serve(SHARED)
    reload = a_request(more=[(b"cache-control", b"no-cache"), (b"pragma", b"no-cache")])
    assert await world.has(reload)
    await world.redis.renew(["song:1"])
    assert not await world.has(reload)


@pytest.mark.parametrize(
    "header",
    [
        (b"vary", b"Accept-Language"),
        (b"vary", b"authorization, accept"),
        (b"vary", b"*"),
        (b"set-cookie", b"a=b"),
        (b"surrogate-control", SHARED),
        (b"surrogate-key", b"song:2=1"),
    ],
)
async def test_response_that_says_more_is_not_kept(world: World, header: tuple[bytes, bytes]) -> None:
    assert not await world.serve(SHARED, more=[header])


@pytest.mark.parametrize(
    "control",
    [b"", b"no-store", b"shared", b"shared, max-age=0", b"sharedly, max-age=60", b"max-age=-1", b"max-age=x"],
)
async def test_marks_that_are_not_understood_keep_nothing(world: World, control: bytes) -> None:
    assert not await world.serve(control)


@pytest.mark.parametrize("keys", [b"", b"song:1", b"=1", b"song:1=", b"song:1=1  song:2=2"])
async def test_keys_that_are_not_understood_keep_nothing(world: World, keys: bytes) -> None:
    headers = [(b"surrogate-control", SHARED), (b"surrogate-key", keys)]
    assert world.cache.record(a_request(), 200, headers) is None


async def test_unmarked_response_is_not_kept(world: World) -> None:
    assert world.cache.record(a_request(), 200, [(b"cache-control", b"public, max-age=9999")]) is None


async def test_response_that_broke_off_is_not_kept(world: World) -> None:
    keys = b"song:1=" + await world.version_of("song:1")
    headers = [(b"surrogate-control", SHARED), (b"surrogate-key", keys)]
    recording = world.cache.record(a_request(), 200, headers)
    assert recording is not None
    recording.add(b"the first half")
    assert not await world.has()


async def test_large_responses_are_not_kept(world: World) -> None:
    assert await world.serve(SHARED, body=b"x" * (MAX_RESPONSE_BYTES + 1))
    assert not await world.has()


async def test_memory_is_bounded(world: World) -> None:
    for number in range(40):
        await world.serve(SHARED, a_request(b"/api/songs/%d" % number), body=b"x" * 60_000)
    kept = [await world.has(a_request(b"/api/songs/%d" % number)) for number in range(40)]
    assert kept == sorted(kept)
    assert 10 < sum(kept) < 20


async def test_everything_is_relayed_while_redis_is_down(world: World) -> None:
    await world.serve(SHARED)
    world.redis.is_down = True
    assert not await world.has()
    world.redis.is_down = False


async def test_nothing_is_trusted_after_a_lost_lease(world: World) -> None:
    await world.serve(SHARED)
    world.validator.lease.lose()
    assert not await world.has()
