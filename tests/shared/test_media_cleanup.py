"""Media that nobody wants in the end are removed, whatever fails on the way."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared import media_cleanup
from shared.clock import now
from shared.errors import UnavailableError
from shared.media_cleanup import MediaKeeper
from shared.ports import MediaRef, StoredAudio, StoredImage

COVER, AUDIO = MediaRef("songs/1/cover", "image"), MediaRef("songs/1/audio", "video")
HOUR = timedelta(hours=1)


class Notes:
    """`MediaCleanups` in memory."""

    def __init__(self) -> None:
        self.due_at: dict[MediaRef, datetime] = {}
        self.is_down = False

    async def plan(self, media: Sequence[MediaRef], due_at: datetime) -> None:
        self._answer_or_fail()
        self.due_at |= dict.fromkeys(media, due_at)

    async def keep(self, media: Sequence[MediaRef]) -> None:
        self._answer_or_fail()
        for each in media:
            self.due_at.pop(each, None)

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> list[MediaRef]:
        self._answer_or_fail()
        due = [media for media, at in self.due_at.items() if at <= moment][:limit]
        self.due_at |= dict.fromkeys(due, lease_until)
        return due

    def fall_due(self) -> None:
        self.due_at = dict.fromkeys(self.due_at, now())

    def _answer_or_fail(self) -> None:
        if self.is_down:
            raise UnavailableError("The database cannot be used now")


class Store:
    """A `MediaStore` of names. It can be down, or hang; `broken` of its media cannot be removed."""

    def __init__(self, *media: MediaRef) -> None:
        self.media = set(media)
        self.is_down = False
        self.hangs = False
        self.broken: set[MediaRef] = set()
        self.asked: asyncio.Queue[MediaRef] = asyncio.Queue()

    async def destroy(self, media: MediaRef) -> None:
        self.asked.put_nowait(media)
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_down:
            raise UnavailableError("Media cannot be stored or removed now")
        if media in self.broken:
            raise ZeroDivisionError
        self.media.discard(media)

    async def upload_image(self, path: Path, public_id: str) -> StoredImage:
        raise NotImplementedError

    async def upload_audio(self, path: Path, public_id: str) -> StoredAudio:
        raise NotImplementedError

    async def ping(self) -> bool:
        raise NotImplementedError


class World:
    """A keeper, what it writes and removes, and the media that somebody uses."""

    def __init__(self, *stored: MediaRef) -> None:
        self.notes, self.store, self.used = Notes(), Store(*stored), set[MediaRef]()
        self.keeper = MediaKeeper(self.notes, self.store, self.is_used)

    async def is_used(self, media: MediaRef) -> bool:
        return media in self.used


async def test_media_that_nobody_kept_are_removed_when_their_note_falls_due() -> None:
    """As after the death of the process between storing the media and storing their document."""
    world = World(COVER, AUDIO)
    await world.keeper.begin([COVER, AUDIO], HOUR)
    assert await world.keeper.follow_due_notes() == 0
    assert world.store.media == {COVER, AUDIO}
    world.notes.fall_due()
    assert await world.keeper.follow_due_notes() == 2
    assert (world.store.media, world.notes.due_at) == (set(), {})


async def test_media_that_are_in_use_after_all_stay() -> None:
    """As when the process died between storing the document and taking the note back."""
    world = World(COVER)
    world.used = {COVER}
    await world.keeper.begin([COVER], timedelta(0))
    assert await world.keeper.follow_due_notes() == 1
    assert (world.store.media, world.notes.due_at) == ({COVER}, {})


async def test_kept_media_have_no_note() -> None:
    world = World(COVER, AUDIO)
    await world.keeper.begin([COVER, AUDIO], HOUR)
    await world.keeper.keep([COVER, AUDIO])
    assert world.notes.due_at == {}


async def test_a_note_that_cannot_be_taken_back_fails_nobody() -> None:
    world = World(COVER)
    await world.keeper.begin([COVER], HOUR)
    world.notes.is_down = True
    await world.keeper.keep([COVER])
    assert set(world.notes.due_at) == {COVER}


async def test_what_is_discarded_is_gone_at_once() -> None:
    world = World(COVER, AUDIO)
    await world.keeper.begin([COVER, AUDIO], HOUR)
    await world.keeper.discard([COVER, AUDIO])
    assert (world.store.media, world.notes.due_at) == (set(), {})


async def test_what_cannot_be_discarded_now_is_removed_later() -> None:
    world = World(COVER, AUDIO)
    await world.keeper.begin([COVER, AUDIO], HOUR)
    world.store.is_down = True
    await world.keeper.discard([COVER, AUDIO])
    assert max(world.notes.due_at.values()) < now() + timedelta(minutes=1)
    world.store.is_down = False
    world.notes.fall_due()
    await world.keeper.follow_due_notes()
    assert (world.store.media, world.notes.due_at) == (set(), {})


async def test_a_store_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_cleanup, "REMOVED_NOW_SECONDS", 0.01)
    world = World(COVER, AUDIO)
    world.store.hangs = True
    async with asyncio.timeout(5):
        await world.keeper.discard([COVER, AUDIO])
    assert set(world.notes.due_at) == {COVER, AUDIO}


async def test_what_still_arrives_after_a_failed_upload_is_removed_too() -> None:
    """A request that ran out of time may yet succeed, after the removal found nothing to remove."""
    world = World(COVER)
    await world.keeper.begin([COVER, AUDIO], HOUR)
    await world.keeper.abandon([COVER, AUDIO])
    assert world.store.media == set()
    world.store.media.add(AUDIO)
    world.notes.fall_due()
    await world.keeper.follow_due_notes()
    assert (world.store.media, world.notes.due_at) == (set(), {})


async def test_with_store_and_database_down_the_first_note_stands() -> None:
    world = World(COVER)
    await world.keeper.begin([COVER], HOUR)
    world.notes.is_down = world.store.is_down = True
    await world.keeper.abandon([COVER])
    assert set(world.notes.due_at) == {COVER}


async def test_one_note_that_cannot_be_followed_does_not_end_the_following() -> None:
    world = World(COVER, AUDIO)
    world.store.broken = {COVER}
    await world.keeper.begin([COVER], timedelta(0))
    async with asyncio.timeout(10), world.keeper.following(poll_seconds=0.005):
        assert await world.store.asked.get() == COVER
        await world.keeper.begin([AUDIO], timedelta(0))
        assert await world.store.asked.get() == AUDIO
    assert world.store.media == {COVER}
