"""Lists have one order, and are read page by page."""

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

import pytest

from album_service.ports import AlbumFilter
from shared.http.pagination import Cursor, Listed, Slice
from shared.ids import new_id
from song_service.ports import SongFilter
from tests.repositories.builders import NOON, a_song, a_user, an_album, minutes
from tests.repositories.stores import Repositories
from user_service.ports import UserFilter

Entry = TypeVar("Entry", bound=Listed)


def keys(number: int) -> list[tuple[datetime, str]]:
    """Moments and ids, three to each moment, in no order."""
    made = [(NOON + minutes(n // 3), new_id()) for n in range(number)]
    random.Random(number).shuffle(made)  # noqa: S311 - an order that is the same in every run
    return made


async def by_pages(
    read: Callable[[Slice], Awaitable[Sequence[Entry]]], limit: int
) -> list[tuple[datetime, str]]:
    seen: list[tuple[datetime, str]] = []
    after: Cursor | None = None
    while found := await read(Slice(limit, after)):
        assert len(found) <= limit
        seen += [(entry.created_at, entry.id) for entry in found]
        after = Cursor.from_text(Cursor.of(found[-1]).to_text("all"), "all")
    return seen


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
async def test_pages_hold_every_entry_once_newest_first(repositories: Repositories, limit: int) -> None:
    made = keys(13)
    for created_at, made_id in made:
        await repositories.songs.add(a_song(song_id=made_id, created_at=created_at))
        await repositories.users.add(a_user(user_id=made_id, created_at=created_at))
        await repositories.albums.add(an_album(album_id=made_id, created_at=created_at))
    newest_first = sorted(made, reverse=True)
    for song_filter in (SongFilter(), SongFilter(listed_only=True), SongFilter(artist_id="a" * 24)):
        songs = partial(repositories.songs.list, song_filter)
        assert await by_pages(songs, limit) == newest_first
    for album_filter in (AlbumFilter(), AlbumFilter(listed_only=True), AlbumFilter(creator_id="c" * 24)):
        albums = partial(repositories.albums.list, album_filter)
        assert await by_pages(albums, limit) == newest_first
    users = partial(repositories.users.list, UserFilter())
    assert await by_pages(users, limit) == newest_first


async def test_page_starts_after_a_removed_cursor_entry(
    repositories: Repositories,
) -> None:
    made = [a_song(created_at=NOON + minutes(n)) for n in range(3)]
    for song in made:
        await repositories.songs.add(song)
    await repositories.songs.remove(made[1].id)
    rest = await repositories.songs.list(SongFilter(), Slice(9, Cursor.of(made[1])))
    assert list(rest) == [made[0]]


async def test_new_entries_do_not_shift_the_pages(repositories: Repositories) -> None:
    made = [a_song(created_at=NOON + minutes(n)) for n in range(4)]
    for song in made:
        await repositories.songs.add(song)
    first = await repositories.songs.list(SongFilter(), Slice(2))
    await repositories.songs.add(a_song(created_at=NOON + minutes(9)))
    rest = await repositories.songs.list(SongFilter(), Slice(9, Cursor.of(first[-1])))
    assert [*first, *rest] == made[::-1]


async def test_page_after_the_last_is_empty(repositories: Repositories) -> None:
    song = a_song()
    await repositories.songs.add(song)
    assert list(await repositories.songs.list(SongFilter(), Slice(9, Cursor.of(song)))) == []
