"""Stored data are there after the store is reopened."""

from dataclasses import replace

import pytest

from shared.http.pagination import Slice
from shared.ports import JournalEntry, MediaRef
from song_service.domain import SongNotFoundError
from tests.repositories.builders import NOON, a_song, a_user, an_album, an_interaction, minutes
from tests.repositories.stores import Store


async def test_reopened_store_holds_everything(store: Store) -> None:
    user, song, album, interaction = a_user(), a_song(), an_album(), an_interaction()
    entry = JournalEntry(MediaRef("songs/1", "image"), unfinished=True)
    async with store.open() as opened:
        await opened.users.add(user)
        await opened.songs.add(song)
        await opened.albums.add(album)
        await opened.interactions.add(interaction)
        await opened.cleanups.plan([entry.media], NOON, unfinished=True)
    async with store.open() as opened:
        assert await opened.users.get(user.id) == user
        assert await opened.songs.get(song.id) == song
        assert await opened.albums.get(album.id) == album
        assert await opened.interactions.claim_unsynced(NOON, NOON + minutes(1), 9) == [interaction]
        assert await opened.cleanups.claim_due(NOON, NOON + minutes(1), 9) == [entry]
        assert await opened.songs.count_unsynced() == 1


async def test_lease_outlives_its_process(store: Store) -> None:
    interaction = an_interaction()
    async with store.open() as opened:
        await opened.interactions.add(interaction)
        await opened.interactions.claim_unsynced(NOON, NOON + minutes(1), 9)
    async with store.open() as opened:
        assert not await opened.interactions.claim_unsynced(NOON, NOON + minutes(1), 9)
        assert await opened.interactions.claim_unsynced(NOON + minutes(1), NOON + minutes(2), 9) == [
            interaction
        ]


async def test_two_processes_may_open_the_store(store: Store) -> None:
    song = a_song()
    async with store.open() as one, store.open() as other:
        await one.songs.add(song)
        changed = await other.songs.change(song.id, {"title": "So What"})
        assert changed is not None
        assert (
            await one.songs.get(song.id)
            == changed
            == replace(song, title="So What", revision=2, updated_at=changed.updated_at)
        )


async def test_open_store_serves_every_repository(store: Store) -> None:
    async with store.open() as opened:
        with pytest.raises(SongNotFoundError):
            await opened.songs.get("a" * 24)
        await opened.interactions.most_played(NOON, 1)
        await opened.cleanups.claim_due(NOON, NOON, 1)
        await opened.audit.list(None, Slice(1))
        for each in opened.indexed:
            await each.ensure_indexes()
        assert await opened.database.ping()
