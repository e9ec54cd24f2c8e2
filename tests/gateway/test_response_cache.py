"""The response cache: who gets which response."""

import pytest

from tests.gateway.cached_responses import (
    ADA,
    ADAS_ID,
    BOB,
    BOBS_ID,
    ETAG,
    PRIVATE,
    SHARED,
    SONG,
    World,
    a_request,
)


async def test_shared_response_serves_everybody_without_a_token(world: World) -> None:
    assert await world.serve(SHARED)
    found = await world.find()
    assert found is not None
    assert (found.status, found.body) == (200, b"response")
    headers = dict(found.headers)
    assert (headers[b"etag"], headers[b"content-length"]) == (ETAG, b"8")
    assert not [name for name in headers if name.startswith(b"surrogate-")]


async def test_changed_tag_ends_a_response(world: World) -> None:
    await world.serve(SHARED)
    await world.redis.renew(["song:2"])
    assert await world.has()
    await world.redis.renew(["song:1"])
    assert not await world.has()


async def test_response_older_than_a_change_is_no_hit(world: World) -> None:
    """It was on its way while the change was acknowledged."""
    request = a_request()
    old = await world.version_of("song:1")
    await world.redis.renew(["song:1"])
    marks = [(b"surrogate-control", SHARED), (b"surrogate-key", b"song:1=" + old)]
    recording = world.cache.record(request, 200, marks)
    assert recording is not None
    recording.complete()
    assert not await world.has()


async def test_response_expires(world: World) -> None:
    await world.serve(b"shared, max-age=60")
    world.now += 59
    assert await world.has()
    world.now += 1
    assert not await world.has()


@pytest.mark.parametrize("token", [ADA, BOB, b"bearer ada", b"Bearer  ada", b"Bearer"])
async def test_shared_response_needs_a_known_token(world: World, token: bytes) -> None:
    await world.serve(SHARED)
    assert not await world.has(a_request(token=token))
    await world.serve(SHARED, a_request(b"/api/albums", ADA), token=b"max-age=30")
    assert await world.has(a_request(token=token)) is (token == ADA)


async def test_expired_token_gets_nothing(world: World) -> None:
    await world.serve(SHARED, a_request(token=ADA), token=b"max-age=30")
    world.now += 29
    assert await world.has(a_request(token=ADA))
    world.now += 1
    assert not await world.has(a_request(token=ADA))
    assert await world.has()


async def test_lifetimes_begin_with_the_request(world: World) -> None:
    """The process is stopped before it reads the response."""
    await world.serve(SHARED)
    request = a_request(b"/api/auth/me", ADA)
    assert not await world.has(request)
    world.now += 30
    await world.serve(b"max-age=40", request, token=b"max-age=40")
    world.now += 9
    assert await world.has(a_request(b"/api/auth/me", ADA))
    assert await world.has(a_request(token=ADA))
    world.now += 1
    assert not await world.has(a_request(b"/api/auth/me", ADA))
    assert not await world.has(a_request(token=ADA))


async def test_response_to_a_known_token_serves_others(world: World) -> None:
    await world.serve(SHARED, a_request(token=ADA), token=b"max-age=30")
    assert await world.has()
    assert not await world.has(a_request(token=BOB))


async def test_unverified_token_shares_nothing(world: World) -> None:
    """The service did not say that the token is valid."""
    assert not await world.serve(SHARED, a_request(token=ADA))
    assert not await world.has()


async def test_private_response_is_for_its_token_only(world: World) -> None:
    await world.serve(PRIVATE, a_request(token=ADA), token=b"max-age=60")
    assert await world.has(a_request(token=ADA))
    await world.serve(SHARED, a_request(b"/api/albums", BOB), token=b"max-age=30")
    for other in (BOB, None, b"bearer ada"):
        assert not await world.has(a_request(token=other))


async def test_anonymous_response_is_for_no_token(world: World) -> None:
    await world.serve(PRIVATE)
    assert await world.has()
    await world.serve(SHARED, a_request(b"/api/albums", ADA), token=b"max-age=30")
    assert not await world.has(a_request(token=ADA))


async def test_own_response_wins_over_a_shared_one(world: World) -> None:
    """An artist sees more in an album than everybody does."""
    await world.serve(SHARED, body=b"everybody's")
    await world.serve(PRIVATE, a_request(token=ADA), body=b"Ada's")
    found = await world.find(a_request(token=ADA))
    assert found is not None
    assert found.body == b"Ada's"


async def test_two_authorization_headers_are_relayed(world: World) -> None:
    await world.serve(PRIVATE, a_request(token=ADA), token=b"max-age=60")
    for more in ((b"authorization", BOB), (b"authorization", ADA)):
        assert not await world.has(a_request(token=ADA, more=[more]))
        assert not await world.serve(SHARED, a_request(token=ADA, more=[more]))


@pytest.mark.parametrize(
    "path",
    [
        b"/api/songs/1?limit=2&total=true",
        b"/api/songs/1?total=true&limit=1",
        b"/api/songs/1?limit=1",
        b"/api/songs/1?",
        b"/api/songs/1?limit=1&total=true&t=2",
        b"/api/songs/%31?limit=1&total=true",
        b"/api/songs/1%3Flimit=1&total=true",
        b"/api/songs/2?limit=1&total=true",
        b"/api/admin/songs?limit=1&total=true",
    ],
)
async def test_other_paths_and_queries_are_other_requests(world: World, path: bytes) -> None:
    await world.serve(SHARED, a_request(b"/api/songs/1?limit=1&total=true"))
    assert not await world.has(a_request(path))


@pytest.mark.parametrize("token", [None, ADA])
async def test_query_is_never_left_out(world: World, token: bytes | None) -> None:
    await world.serve(SHARED, a_request(token=token), token=b"max-age=60")
    await world.serve(PRIVATE, a_request(b"/api/albums", token), token=b"max-age=60")
    for path in (SONG, b"/api/albums"):
        assert await world.has(a_request(path, token))
        assert not await world.has(a_request(path + b"?limit=1", token))


NOT_FOR_ADA = [(b"surrogate-not-for", b"ada1 c0c1")]


async def test_users_with_another_response_are_relayed(world: World) -> None:
    """Members of an album see more in it than everybody does."""
    for token, caller in ((ADA, ADAS_ID), (BOB, BOBS_ID)):
        mark = b"max-age=60"
        await world.serve(SHARED, a_request(b"/api/songs", token), token=mark, caller=caller)
    assert await world.serve(SHARED, more=NOT_FOR_ADA)
    assert await world.has()
    assert await world.has(a_request(token=BOB))
    assert not await world.has(a_request(token=ADA))


async def test_unknown_owner_may_be_one_of_those_users(world: World) -> None:
    await world.serve(SHARED, a_request(b"/api/songs", BOB), token=b"max-age=60")
    await world.serve(SHARED, more=NOT_FOR_ADA)
    assert not await world.has(a_request(token=BOB))
    assert await world.has(a_request(b"/api/songs", BOB))


async def test_owner_of_a_token_is_compared_as_well(world: World) -> None:
    """The person behind the token may be another user by now."""
    await world.serve(SHARED, a_request(b"/api/songs", BOB), token=b"max-age=60", caller=BOBS_ID)
    await world.serve(SHARED, more=NOT_FOR_ADA)
    assert await world.has(a_request(token=BOB))
    await world.redis.renew([f"user:{BOBS_ID.decode()}"])
    assert not await world.has(a_request(token=BOB))


async def test_version_of_a_token_hides_no_other(world: World) -> None:
    """An album is hidden in an outage, which gives `everything` a new version; the token is seen later."""
    everything = b"everything=" + await world.version_of("everything")
    await world.serve(SHARED, more=NOT_FOR_ADA, keys=everything)
    await world.redis.renew(["everything"])
    mark = b"max-age=60, caller=%s everything=%s" % (BOBS_ID, await world.version_of("everything"))
    await world.serve(SHARED, a_request(b"/api/songs", BOB), token=mark)
    assert await world.has(a_request(b"/api/songs", BOB))
    assert not await world.has(a_request(token=BOB))
    await world.serve(SHARED, more=NOT_FOR_ADA, keys=b"everything=" + await world.version_of("everything"))
    assert await world.has(a_request(token=BOB))


@pytest.mark.parametrize(
    "mark", [b"", b"max-age=x", b"max-age=60, caller=", b"max-age=60, caller=a1", b"max-age=60, caller=a1 x"]
)
async def test_token_marks_that_are_not_understood_keep_nothing(world: World, mark: bytes) -> None:
    assert not await world.serve(SHARED, a_request(token=ADA), token=mark)
    assert not await world.has(a_request(token=ADA))
