"""The contract of `SongRepository`: the queue of changes for the recommendation engine."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.clock import now
from shared.http.pagination import Slice
from shared.providers.mongo import Collection, Query
from song_service.domain import CatalogueEntry, Song
from song_service.ports import SongFilter, SongRepository
from tests.repositories.builders import NOON, a_song, minutes

LEASE = timedelta(minutes=1)
MANY = 100


async def claim(
    songs: SongRepository, after: timedelta = timedelta(), limit: int = MANY
) -> list[CatalogueEntry]:
    """Claim at a moment that long after now, for a minute."""
    moment = now() + after
    return list(await songs.claim_unsynced(moment, moment + LEASE, limit))


async def add_sent(songs: SongRepository) -> Song:
    song = a_song()
    await songs.add(song)
    await songs.mark_catalogue_synced(await claim(songs))
    assert await songs.count_unsynced() == 0
    return song


async def test_new_song_is_pending_once(songs: SongRepository) -> None:
    song = a_song()
    await songs.add(song)
    assert await songs.count_unsynced() == 1
    entries = await claim(songs)
    assert entries == [CatalogueEntry(song.id, 1, song)]
    assert await songs.count_unsynced() == 1
    await songs.mark_catalogue_synced(entries)
    assert await songs.count_unsynced() == 0
    assert await claim(songs, LEASE) == []
    assert await songs.get(song.id) == song


async def test_pending_songs_are_counted_by_id(songs: SongRepository) -> None:
    sent, waiting = await add_sent(songs), a_song()
    await songs.add(waiting)
    counts = [
        await songs.count_unsynced(ids)
        for ids in (None, {sent.id}, {waiting.id}, {sent.id, waiting.id}, set())
    ]
    assert counts == [1, 0, 1, 1, 0]


async def test_every_change_is_pending(songs: SongRepository) -> None:
    song = await add_sent(songs)
    changed = await songs.change(song.id, {"is_visible": False})
    entries = await claim(songs)
    assert entries == [CatalogueEntry(song.id, 2, changed)]
    await songs.mark_catalogue_synced(entries)
    assert await claim(songs) == []


async def test_removal_is_pending_until_sent(songs: SongRepository) -> None:
    song = await add_sent(songs)
    await songs.remove(song.id)
    assert await songs.count_unsynced() == 1
    entries = await claim(songs)
    assert entries == [CatalogueEntry(song.id, 2, None)]
    await songs.mark_catalogue_synced(entries)
    assert await songs.count_unsynced() == 0
    assert await claim(songs, LEASE) == []
    # Nothing of it is left, so that even its id is free.
    await songs.add(song)
    assert await songs.get(song.id) == song


async def test_oldest_change_is_claimed_first(songs: SongRepository) -> None:
    made = [a_song(created_at=NOON + minutes(n)) for n in (3, 1, 2)]
    for song in made:
        await songs.add(song)
    await songs.change(made[1].id, {"title": "changed just now"})
    claimed = [entry.song_id for entry in await claim(songs)]
    assert claimed == [made[2].id, made[0].id, made[1].id]


async def test_claim_respects_its_limit(songs: SongRepository) -> None:
    for n in range(5):
        await songs.add(a_song(created_at=NOON + minutes(n)))
    sizes = [len(await claim(songs, limit=2)) for _ in range(4)]
    assert sizes == [2, 2, 1, 0]


async def test_workers_never_claim_the_same_entry(songs: SongRepository) -> None:
    for n in range(30):
        await songs.add(a_song(created_at=NOON + minutes(n)))
    batches = await asyncio.gather(*(claim(songs, limit=10) for _ in range(6)))
    claimed = [entry.song_id for batch in batches for entry in batch]
    assert len(claimed) == len(set(claimed))
    rest = [entry.song_id for entry in await claim(songs)]
    assert len({*claimed, *rest}) == len(claimed) + len(rest) == 30


async def test_entry_is_claimable_after_its_lease(songs: SongRepository) -> None:
    await songs.add(a_song())
    moment = now()
    first = await songs.claim_unsynced(moment, moment + LEASE, MANY)
    just_before = moment + LEASE - timedelta(milliseconds=1)
    assert list(await songs.claim_unsynced(just_before, just_before + LEASE, MANY)) == []
    assert await songs.claim_unsynced(moment + LEASE, moment + LEASE * 2, MANY) == first


async def test_change_during_sync_is_claimable_after_report(
    songs: SongRepository,
) -> None:
    song = a_song()
    await songs.add(song)
    entries = await claim(songs)
    changed = await songs.change(song.id, {"title": "So What"})
    # Two states on their way at once could arrive in the wrong order.
    assert await claim(songs) == []
    await songs.mark_catalogue_synced(entries)
    assert await songs.count_unsynced() == 1
    assert await claim(songs) == [CatalogueEntry(song.id, 2, changed)]


async def test_change_during_sync_is_claimable_after_lease(
    songs: SongRepository,
) -> None:
    song = a_song()
    await songs.add(song)
    await claim(songs)
    await songs.change(song.id, {"title": "So What"})
    assert [entry.revision for entry in await claim(songs, LEASE)] == [2]


async def test_removal_during_sync_is_sent_afterwards(songs: SongRepository) -> None:
    song = a_song()
    await songs.add(song)
    entries = await claim(songs)
    await songs.remove(song.id)
    await songs.mark_catalogue_synced(entries)
    assert await claim(songs) == [CatalogueEntry(song.id, 2, None)]


async def test_late_report_of_older_state_causes_resend(
    songs: SongRepository,
) -> None:
    song = a_song()
    await songs.add(song)
    late = await claim(songs)
    changed = await songs.change(song.id, {"title": "So What"})
    await songs.mark_catalogue_synced(await claim(songs, LEASE))
    assert await songs.count_unsynced() == 0
    await songs.mark_catalogue_synced(late)
    assert await claim(songs) == [CatalogueEntry(song.id, 2, changed)]


async def test_late_report_keeps_lease_of_another_worker(songs: SongRepository) -> None:
    song = a_song()
    await songs.add(song)
    late = await claim(songs)
    await songs.change(song.id, {"title": "So What"})
    assert [entry.revision for entry in await claim(songs, LEASE)] == [2]
    await songs.mark_catalogue_synced(late)
    assert await claim(songs) == []


async def test_empty_or_unknown_report_is_ignored(songs: SongRepository) -> None:
    song = a_song()
    await songs.add(song)
    await songs.mark_catalogue_synced([])
    gone = a_song()
    await songs.mark_catalogue_synced([CatalogueEntry(gone.id, 1, gone), CatalogueEntry(gone.id, 2, None)])
    assert await songs.count_unsynced() == 1
    assert await songs.list(SongFilter(), Slice(MANY)) == [song]


async def test_claimed_song_is_returned_as_stored(songs: SongRepository) -> None:
    song = replace(a_song(title="雅"), genre=None, mood="calm")
    await songs.add(song)
    assert [entry.song for entry in await claim(songs)] == [song]


async def test_lease_of_a_song_edited_during_claim_ends(
    songs: SongRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MongoDB claims in steps, so an edit can come between them; SQLite in one."""
    song = a_song()
    await songs.add(song)
    take = Collection.change_each

    async def take_and_edit(collection: Collection, changes: Sequence[tuple[Query, Query]]) -> None:
        await take(collection, changes)
        await songs.change(song.id, {"title": "Edited while it is claimed"})

    with monkeypatch.context() as patch:
        patch.setattr(Collection, "change_each", take_and_edit)
        entries = await claim(songs)
    changed = await songs.change(song.id, {"title": "Edited while it is sent"})
    await songs.mark_catalogue_synced(entries)
    assert changed is not None
    assert await claim(songs) == [CatalogueEntry(song.id, changed.revision, changed)]


async def test_late_report_of_same_state_keeps_lease(
    songs: SongRepository,
) -> None:
    song = a_song()
    await songs.add(song)
    late = await claim(songs)
    assert await claim(songs, LEASE) == late
    await songs.change(song.id, {"title": "So What"})
    await songs.mark_catalogue_synced(late)
    assert await claim(songs) == []
