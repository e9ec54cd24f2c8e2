"""Every frequent query uses an index."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from album_service.ports import AlbumFilter
from embedded.sqlite import schemas
from embedded.sqlite.albums import SqliteAlbums
from embedded.sqlite.database import Migrations, SqliteDatabase, Values, open_database
from embedded.sqlite.interactions import SqliteInteractions
from embedded.sqlite.likes import SqliteLikes
from embedded.sqlite.media_cleanups import SqliteMediaCleanups
from embedded.sqlite.play_history import SqliteHistory
from embedded.sqlite.play_statistics import SqlitePlayStatistics
from embedded.sqlite.songs import SqliteSongs
from embedded.sqlite.users import SqliteUsers
from shared.access.permissions import Role
from shared.http.pagination import Cursor, Slice
from shared.ids import new_id
from shared.ports import MediaRef
from song_service.domain import CatalogueEntry, Earlier, InteractionKind
from song_service.ports import SongFilter
from tests.repositories.builders import NOON, a_song, a_user, an_album, an_interaction
from user_service.ports import UserFilter

PARTS = (Slice(20), Slice(20, Cursor(NOON, new_id())))


class Explained(SqliteDatabase):
    """Writes down how SQLite goes about each statement, before it does."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.steps: list[str] = []

    async def read(self, statement: str, values: Values | None = None) -> list[sqlite3.Row]:
        await self._explain(statement, values)
        return await self._database.read(statement, values)

    async def write(self, statement: str, values: Values | None = None) -> list[sqlite3.Row]:
        await self._explain(statement, values)
        return await self._database.write(statement, values)

    async def _explain(self, statement: str, values: Values | None) -> None:
        plan = await self._database.read(f"EXPLAIN QUERY PLAN {statement}", values)
        self.steps += [row["detail"] for row in plan]

    def slow_steps(self) -> list[str]:
        """Those that go through a whole table, or sort what an index could have kept in order."""
        whole_tables = [
            f"SCAN {name}"
            for name in (
                *("users", "blocks_of_removed_users", "songs", "albums", "interactions", "media_cleanups"),
                *("likes", "cleared_histories", "plays_per_day", "song_listeners"),
            )
        ]
        return [step for step in self.steps if step in whole_tables or "FOR ORDER BY" in step]


@pytest.fixture
async def explained(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Explained]:
    migrations: Migrations = request.param
    async with open_database(tmp_path / "store.db", migrations) as database:
        yield Explained(database)


@pytest.mark.parametrize("explained", [schemas.USERS], indirect=True, ids=["users"])
async def test_users_are_found_by_index(explained: Explained) -> None:
    users, ada = SqliteUsers(explained), a_user()
    await users.add(ada)
    await users.get(ada.id)
    await users.find_by_clerk_id(ada.clerk_id)
    await users.change(ada.id, {"is_blocked": True}, if_blocked=False)
    await users.count(UserFilter(role=Role.ADMIN))
    for part in PARTS:
        await users.list(UserFilter(), part)
        await users.list(UserFilter(role=Role.ARTIST), part)
    await users.remove(ada.id)
    await users.was_removed_blocked(ada.clerk_id, ada.email)
    assert len(explained.steps) == 15
    assert explained.slow_steps() == []


@pytest.mark.parametrize("explained", [schemas.SONGS], indirect=True, ids=["songs"])
async def test_songs_and_their_queue_are_found_by_index(explained: Explained) -> None:
    songs, song = SqliteSongs(explained), a_song()
    await songs.add(song)
    await songs.get(song.id)
    await songs.get_many([song.id])
    await songs.change(song.id, {"title": "t"}, if_revision=1)
    for part in PARTS:
        await songs.list(SongFilter(artist_id=song.artist_id), part)
        await songs.list(SongFilter(artist_id=song.artist_id, listed_only=True), part)
        await songs.list(SongFilter(listed_only=True), part)
        await songs.list(SongFilter(), part)
    await songs.claim_unsynced(NOON, NOON, 9)
    await songs.mark_catalogue_synced([CatalogueEntry(song.id, 1, song), CatalogueEntry(song.id, 2, None)])
    await songs.count_unsynced()
    await songs.remove(song.id)
    assert explained.slow_steps() == []


@pytest.mark.parametrize("explained", [schemas.SONGS], indirect=True, ids=["songs"])
async def test_interactions_and_media_are_found_by_index(explained: Explained) -> None:
    interactions, interaction = SqliteInteractions(explained), an_interaction()
    await interactions.add(interaction, Earlier(interaction.dedup_key, NOON))
    await interactions.claim_unsynced(NOON, NOON, 9)
    await interactions.move([interaction.dedup_key], NOON, NOON)
    await interactions.mark_synced([interaction])
    await interactions.count_unsynced()
    await interactions.latest_listener()
    cleanups, note = SqliteMediaCleanups(explained), MediaRef("songs/1", "image")
    await cleanups.plan([note], NOON)
    await cleanups.claim_due(NOON, NOON, 9)
    await cleanups.keep([note])
    assert explained.slow_steps() == []
    explained.steps.clear()
    await interactions.most_played(NOON, 9)
    # A ranking is sorted, but only what was played since then is looked at, in the index alone.
    assert explained.steps[0].startswith("SEARCH interactions USING COVERING INDEX interactions_played")


@pytest.mark.parametrize("explained", [schemas.ALBUMS], indirect=True, ids=["albums"])
async def test_albums_are_found_by_index(explained: Explained) -> None:
    albums, album = SqliteAlbums(explained), an_album()
    await albums.add(album)
    await albums.get(album.id)
    await albums.append_song(album.id, new_id(), 9)
    for part in PARTS:
        await albums.list(AlbumFilter(creator_id=album.creator_id), part)
        await albums.list(AlbumFilter(listed_only=True), part)
        await albums.list(AlbumFilter(), part)
    await albums.remove(album.id)
    assert explained.slow_steps() == []


@pytest.mark.parametrize("explained", [schemas.SONGS], indirect=True, ids=["songs"])
async def test_likes_and_history_are_found_by_index(explained: Explained) -> None:
    likes, history, user_id, song_id = SqliteLikes(explained), SqliteHistory(explained), new_id(), new_id()
    await likes.like(user_id, song_id, NOON)
    await likes.unlike(user_id, song_id, NOON)
    await likes.liked_among(user_id, [song_id])
    await likes.count_by_song([song_id], NOON)
    await likes.mark_synced(await likes.claim_unsynced(NOON, NOON, 9))
    await likes.count_unsynced()
    for part in PARTS:
        await likes.list(user_id, part)
        await history.plays(user_id, part)
        await history.of_kind(user_id, InteractionKind.SKIP, part)
    await history.interactions(user_id, [song_id], NOON, NOON)
    await history.clear(user_id, NOON)
    await history.cleared_at(user_id)
    await history.remove_of_user(user_id)
    await likes.remove_of_user(user_id)
    await likes.remove_of_song(song_id)
    assert explained.slow_steps() == []


@pytest.mark.parametrize("explained", [schemas.SONGS], indirect=True, ids=["songs"])
async def test_statistics_read_indexes_alone(explained: Explained) -> None:
    statistics, song_id = SqlitePlayStatistics(explained), new_id()
    await statistics.first_day()
    await statistics.report([song_id], NOON.date())
    await statistics.plays_in_total([song_id])
    await statistics.played_since(NOON)
    read = [step for step in explained.steps if " interactions " in step or " song_listeners " in step]
    assert len(read) >= 8
    assert [step for step in read if "COVERING INDEX" not in step and "PRIMARY KEY" not in step] == []
    assert explained.slow_steps() == []
