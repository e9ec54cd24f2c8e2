"""A cleanup journal with all its dependencies in memory."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.errors import UnavailableError
from shared.media.cleanup import CleanupJournal
from shared.ports import MediaRef
from tests.shared.media import DOWN, Entries

COVER, AUDIO = MediaRef("songs/1/cover", "image"), MediaRef("songs/1/audio", "video")


class Store:
    """A `MediaRemoval` of names. It can be down, or hang; `broken` of its media cannot be removed."""

    def __init__(self, *media: MediaRef) -> None:
        self.media = set(media)
        self.is_down = False
        self.hangs = False
        self.broken: set[MediaRef] = set()
        self.requested: asyncio.Queue[MediaRef] = asyncio.Queue()

    async def destroy(self, media: MediaRef) -> None:
        self.requested.put_nowait(media)
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_down:
            raise UnavailableError("Media cannot be stored or removed now")
        if media in self.broken:
            raise ZeroDivisionError
        self.media.discard(media)


async def nothing() -> None:
    """Happens."""


class World:
    """A journal, its entries and store, and the media that documents use; `is_stuck`: rollback fails.

    `meanwhile` runs between the lookup of a medium's document and the action that follows.
    """

    def __init__(self, *stored: MediaRef) -> None:
        self.entries, self.store, self.used = Entries(), Store(*stored), set[MediaRef]()
        self.is_stuck = False
        self.meanwhile: Callable[[], Awaitable[None]] = nothing
        self.journal = CleanupJournal(self.entries, self.store, self.is_used, self.rollback)

    async def is_used(self, media: MediaRef) -> bool:
        is_used = media in self.used
        await self.meanwhile()
        return is_used

    async def rollback(self, media: MediaRef) -> None:
        if self.is_stuck:
            raise DOWN
        self.used.discard(media)

    async def store_and_fail(self, *media: MediaRef) -> None:
        with pytest.raises(UnavailableError):
            async with self.journal.uploading(media):
                raise DOWN

    async def finish_and_fail(self, *media: MediaRef, failure: Exception = DOWN) -> None:
        """The document is stored, and then something fails."""

        async def finish() -> None:
            async with self.journal.committing(media):
                self.used |= set(media)
                raise failure

        with pytest.raises(type(failure)):
            await finish()
