"""Albums name the songs that the caller may see, and mark songs as unavailable otherwise."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from album_service.browsing import Browsing
from album_service.domain import Album, AlbumNotFoundError
from shared.access.caller import Caller, Principal, UnverifiedCaller
from shared.access.permissions import Role
from shared.access.user_directory import user_tag
from shared.cache.read_through import ReadThrough
from shared.errors import UnavailableError
from shared.http.pagination import Page
from tests.album_service.fakes import SomeSongs
from tests.repositories.builders import an_album
from tests.repositories.stores import SqliteStore
from tests.shared.memory_cache import MemoryCache

SHOWN, SECRET = "a" * 24, "b" * 24
OWNER = Caller("c" * 24, "user_c", "Olga Owner", Role.ARTIST, is_blocked=False, token="owner's")
ADMIN = Caller("d" * 24, "user_d", "Ada Admin", Role.ADMIN, is_blocked=False, token="admin's")
UNKNOWN = UnverifiedCaller(UnavailableError("The user service is not available now"))
WHOLE_LIST = Page(limit=None, cursor=None, total=False)


@dataclass
class World:
    """A listed album of `OWNER` with a listed song and one that only they see, and what reads it."""

    album: Album
    songs: SomeSongs
    cache: MemoryCache
    browsing: Browsing

    async def one(self, principal: Principal) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((await self.browsing.one(self.album.id, principal)).body)
        return found


def a_world(folder: Path, *, is_public: bool = True) -> AbstractAsyncContextManager[World]:
    @asynccontextmanager
    async def made() -> AsyncIterator[World]:
        album = an_album(creator_id=OWNER.id, song_ids=(SHOWN, SECRET), is_public=is_public)
        songs, cache = SomeSongs([SHOWN], {SECRET: OWNER.token}), MemoryCache()
        async with SqliteStore(folder).albums() as albums:
            await albums.add(album)
            yield World(album, songs, cache, Browsing(albums, songs, ReadThrough(cache), 1000))

    return made()


async def test_unverified_caller_gets_listed_songs_marked_incomplete(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        for _ in range(2):
            found = await world.one(UNKNOWN)
            assert (found["songIds"], found["songsUnavailable"]) == ([SHOWN], True)
            assert [song["_id"] for song in found["songs"]] == [SHOWN]
        assert "songsUnavailable" not in await world.one(None)
        assert (await world.one(OWNER))["songIds"] == [SHOWN, SECRET]


async def test_caller_unverified_by_song_service_gets_incomplete(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.songs.knows_callers = False
        found = await world.one(OWNER)
        assert (found["songIds"], found["songsUnavailable"]) == ([SHOWN], True)
        world.songs.knows_callers = True
        assert (await world.one(OWNER))["songIds"] == [SHOWN, SECRET]


async def test_fully_listed_album_is_complete_for_unverified_callers(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        world.songs.listed.add(SECRET)
        assert await world.one(UNKNOWN) == await world.one(None)


async def test_unlisted_album_is_unavailable_to_unverified_callers(tmp_path: Path) -> None:
    async with a_world(tmp_path, is_public=False) as world:
        for album_id in (world.album.id, "e" * 24):
            with pytest.raises(UnavailableError):
                await world.browsing.one(album_id, UNKNOWN)
            with pytest.raises(AlbumNotFoundError):
                await world.browsing.one(album_id, None)


@pytest.mark.parametrize("principal", [None, UNKNOWN, OWNER])
async def test_song_service_outage_leaves_songs_out(principal: Principal, tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.songs.is_down = True
        found = await world.one(principal)
        assert (found["songIds"], found["songs"], found["songsUnavailable"]) == ([], [], True)
        listed = json.loads((await world.browsing.listed(WHOLE_LIST)).body)
        assert [(each["songIds"], each["songsUnavailable"]) for each in listed] == [([], True)]
        assert world.cache.entries == {}


async def test_incomplete_own_albums_are_not_cached(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.songs.knows_callers = False
        own = json.loads((await world.browsing.of_user(OWNER, WHOLE_LIST)).body)
        assert [(each["songIds"], each["songsUnavailable"]) for each in own] == [([], True)]
        world.songs.knows_callers = True
        own = json.loads((await world.browsing.of_user(OWNER, WHOLE_LIST)).body)
        assert [each["songIds"] for each in own] == [[SHOWN, SECRET]]
        assert "songsUnavailable" not in own[0]


async def test_own_albums_are_invalidated_with_visibility(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        own = json.loads((await world.browsing.of_user(OWNER, WHOLE_LIST)).body)
        assert [each["songIds"] for each in own] == [[SHOWN, SECRET]]
        world.songs.others = {}
        await world.cache.renew([user_tag(OWNER.clerk_id)])
        own = json.loads((await world.browsing.of_user(OWNER, WHOLE_LIST)).body)
        assert [each["songIds"] for each in own] == [[SHOWN]]


async def test_change_returns_songs_visible_to_caller(tmp_path: Path) -> None:
    friend = Caller("f" * 24, "user_f", "Fay Friend", Role.USER, is_blocked=False, token="friend's")
    async with a_world(tmp_path) as world:
        for caller, named in ((OWNER, [SHOWN, SECRET]), (friend, [SHOWN]), (ADMIN, [SHOWN, SECRET])):
            response = json.loads((await world.browsing.changed(world.album, caller)).body)
            assert response["songIds"] == named
            assert "songsUnavailable" not in response
        world.songs.is_down = True
        response = json.loads((await world.browsing.changed(world.album, friend)).body)
        assert (response["songIds"], response["songsUnavailable"]) == ([], True)
        assert json.loads((await world.browsing.changed(world.album, ADMIN)).body)["songIds"] == [
            SHOWN,
            SECRET,
        ]


async def test_album_outlives_changes_of_other_songs(tmp_path: Path) -> None:
    """And none of its own, also of one that it did not show."""
    async with a_world(tmp_path) as world:

        async def shown() -> list[str]:
            return [song["_id"] for song in (await world.one(None))["songs"]]

        assert await shown() == [SHOWN]
        world.songs.is_down = True
        await world.cache.renew(["songs", "songs:listed", f"song:{'e' * 24}", "albums"])
        assert await shown() == [SHOWN]
        world.songs.is_down = False
        world.songs.listed.add(SECRET)
        await world.cache.renew([f"song:{SECRET}"])
        assert await shown() == [SHOWN, SECRET]


async def test_own_albums_outlive_albums_of_others(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:

        async def named() -> list[str]:
            (own,) = json.loads((await world.browsing.of_user(OWNER, WHOLE_LIST)).body)
            ids: list[str] = own["songIds"]
            return ids

        assert await named() == [SHOWN, SECRET]
        world.songs.others = {}
        await world.cache.renew(["albums", "songs", f"albums:of:{ADMIN.id}"])
        assert await named() == [SHOWN, SECRET]
        await world.cache.renew(["songs:listed"])
        assert await named() == [SHOWN]
