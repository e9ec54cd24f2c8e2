"""MongoDB while it is stopped, hangs, starts late and restarts."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pymongo
import pytest
from pymongo import MongoClient

from album_service.repository import MongoAlbums
from shared.errors import NotFoundError, UnavailableError
from shared.http.pagination import Slice
from shared.ports import MediaRef
from shared.providers.mongo import MongoDatabase, open_mongo
from shared.providers.mongo_cleanups import MongoMediaCleanups
from song_service.domain import CatalogueEntry
from song_service.interactions import MongoInteractions
from song_service.ports import SongFilter
from song_service.repository import MongoSongs
from tests.repositories.builders import NOON, a_song, a_user, an_album, an_interaction
from tests.repositories.wire import Wire, open_wire
from user_service.domain import EmailTakenError
from user_service.ports import UserFilter
from user_service.repository import MongoUsers

pytestmark = pytest.mark.mongo

SOON_SECONDS = 15.0
"""Half of what the driver's own defaults would take."""


PATIENT = {"serverSelectionTimeoutMS": "30000", "connectTimeoutMS": "30000", "timeoutMS": "30000"}
"""Where a call has to succeed; `pymongo.timeout` shortens those that have to fail."""


@pytest.fixture
def database_name(mongo_uri: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    yield name
    with MongoClient[dict[str, object]](mongo_uri, timeoutMS=30_000) as client:
        client.drop_database(name)


@pytest.fixture
async def wire(mongo_uri: str) -> AsyncIterator[Wire]:
    async with open_wire(mongo_uri) as opened:
        yield opened


def every_call(database: MongoDatabase) -> dict[str, Callable[[], Awaitable[object]]]:
    users, songs, albums = MongoUsers(database), MongoSongs(database), MongoAlbums(database)
    interactions, cleanups = MongoInteractions(database), MongoMediaCleanups(database, "songs")
    user, song, album, interaction = a_user(), a_song(), an_album(), an_interaction()
    media, part = MediaRef("songs/1", "image"), Slice(9)
    return {
        "users.add": lambda: users.add(user),
        "users.get": lambda: users.get(user.id),
        "users.find_by_clerk_id": lambda: users.find_by_clerk_id(user.clerk_id),
        "users.list": lambda: users.list(UserFilter(), part),
        "users.count": lambda: users.count(UserFilter()),
        "users.change": lambda: users.change(user.id, {"is_blocked": True}),
        "users.remove": lambda: users.remove(user.id),
        "songs.get_many": lambda: songs.get_many([song.id]),
        "songs.list": lambda: songs.list(SongFilter(), part),
        "songs.change": lambda: songs.change(song.id, {"title": "t"}),
        "songs.remove": lambda: songs.remove(song.id),
        "songs.claim_unsynced": lambda: songs.claim_unsynced(NOON, NOON, 9),
        "songs.mark_catalogue_synced": lambda: songs.mark_catalogue_synced(
            [CatalogueEntry(song.id, 1, None)]
        ),
        "albums.append_song": lambda: albums.append_song(album.id, song.id, 9),
        "albums.take_song_out": lambda: albums.take_song_out(album.id, song.id),
        "interactions.add": lambda: interactions.add(interaction),
        "interactions.mark_synced": lambda: interactions.mark_synced([interaction]),
        "interactions.most_played": lambda: interactions.most_played(NOON, 9),
        "interactions.latest_listener": interactions.latest_listener,
        "cleanups.plan": lambda: cleanups.plan([media], NOON),
        "cleanups.keep": lambda: cleanups.keep([media]),
        "cleanups.claim_due": lambda: cleanups.claim_due(NOON, NOON, 9),
    }


async def works(call: Callable[[], Awaitable[object]]) -> bool:
    try:
        await call()
    except UnavailableError:
        return False
    except NotFoundError:
        return True
    return True


async def responses(calls: dict[str, Callable[[], Awaitable[object]]]) -> dict[str, bool]:
    """Which of the calls work, all made at once."""
    return dict(zip(calls, await asyncio.gather(*map(works, calls.values())), strict=True))


async def until_it_works(call: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(30):
        while not await works(call):  # noqa: ASYNC110 - the driver does not report when it has found a server
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("is_used_before", [True, False])
async def test_every_call_raises_unavailable_without_a_server(
    wire: Wire, mongo_uri: str, database_name: str, is_used_before: bool
) -> None:
    async with open_mongo(wire.uri(mongo_uri, **PATIENT), database_name, "tests") as database:
        calls = every_call(database)
        if is_used_before:
            assert set((await responses(calls)).values()) == {True}
        await wire.cut()
        with pymongo.timeout(0.8):
            assert set((await responses(calls)).values()) == {False}


async def test_stopped_server_is_detected_within_seconds(
    wire: Wire, mongo_uri: str, database_name: str
) -> None:
    async with open_mongo(wire.uri(mongo_uri), database_name, "tests") as database:
        await wire.cut()
        async with asyncio.timeout(SOON_SECONDS):
            with pytest.raises(UnavailableError):
                await MongoUsers(database).get(a_user().id)
        async with asyncio.timeout(SOON_SECONDS):
            assert not await database.ping()


async def test_hanging_server_is_unavailable_after_timeout(
    wire: Wire, mongo_uri: str, database_name: str
) -> None:
    async with open_mongo(wire.uri(mongo_uri, **PATIENT), database_name, "tests") as database:
        users, ada = MongoUsers(database), a_user()
        await users.add(ada)
        wire.hold()
        with pytest.raises(UnavailableError), pymongo.timeout(0.3):
            await users.get(ada.id)
        with pytest.raises(UnavailableError), pymongo.timeout(0.3):
            await MongoSongs(database).add(a_song())
        with pymongo.timeout(0.3):
            assert not await database.ping()
        wire.release()
        assert await users.get(ada.id) == ada


async def test_restarted_server_is_used_again(wire: Wire, mongo_uri: str, database_name: str) -> None:
    async with open_mongo(wire.uri(mongo_uri, **PATIENT), database_name, "tests") as database:
        users, ada = MongoUsers(database), a_user()
        await users.add(ada)
        await wire.cut()
        with pymongo.timeout(0.3):
            assert not await works(lambda: users.get(ada.id))
        await wire.join()
        await until_it_works(lambda: users.get(ada.id))
        assert await users.get(ada.id) == ada


async def test_unique_indexes_hold_after_start_without_server(
    wire: Wire, mongo_uri: str, database_name: str
) -> None:
    await wire.cut()
    async with open_mongo(wire.uri(mongo_uri, **PATIENT), database_name, "tests") as database:
        users = MongoUsers(database)
        with pytest.raises(UnavailableError), pymongo.timeout(0.3):
            await users.ensure_indexes()
        await wire.join()
        await until_it_works(lambda: users.add(a_user(email="ada@example.org")))
        with pytest.raises(EmailTakenError):
            await users.add(a_user(email="ada@example.org"))


async def test_server_receives_the_application_name(wire: Wire, mongo_uri: str, database_name: str) -> None:
    async with open_mongo(wire.uri(mongo_uri), database_name, "song-service") as database:
        assert await database.ping()
    assert b"song-service" in wire.said
    async with open_mongo(wire.uri(mongo_uri, appname="given"), database_name, "not-this") as database:
        assert await database.ping()
    assert b"given" in wire.said
    assert b"not-this" not in wire.said


async def test_write_concern_is_majority_by_default(wire: Wire, mongo_uri: str, database_name: str) -> None:
    async with open_mongo(wire.uri(mongo_uri), database_name, "tests") as database:
        await MongoUsers(database).add(a_user())
    assert b"majority" in wire.said
    wire.said = b""
    async with open_mongo(wire.uri(mongo_uri, w="1"), database_name, "tests") as database:
        await MongoUsers(database).add(a_user())
    assert b"majority" not in wire.said


async def test_uri_database_overrides_the_default(mongo_uri: str, database_name: str) -> None:
    stripped = mongo_uri.partition("?")[0].rstrip("/")
    async with open_mongo(f"{stripped}/{database_name}", "not_this", "tests") as database:
        await MongoUsers(database).add(a_user())
    with MongoClient[dict[str, object]](mongo_uri, timeoutMS=30_000) as client:
        assert client[database_name].users.count_documents({}) == 1
        assert "not_this" not in client.list_database_names()
