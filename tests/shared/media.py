"""A media store and its cleanup journal, in memory."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from shared.clock import now
from shared.errors import UnavailableError
from shared.ports import JournalEntry, MediaRef, StoredAudio, StoredImage

DOWN = UnavailableError("down")


class Entries:
    """`MediaCleanups` in memory."""

    def __init__(self) -> None:
        self.due_at: dict[MediaRef, datetime] = {}
        self.unfinished: set[MediaRef] = set()
        self.is_down = False

    @property
    def kept(self) -> set[MediaRef]:
        return set(self.due_at)

    async def plan(self, media: Sequence[MediaRef], due_at: datetime, *, unfinished: bool = False) -> None:
        self._respond_or_fail()
        self.due_at |= dict.fromkeys(media, due_at)
        self.unfinished -= set(media)
        if unfinished:
            self.unfinished |= set(media)

    async def keep(self, media: Sequence[MediaRef]) -> None:
        self._respond_or_fail()
        for each in media:
            self.due_at.pop(each, None)

    async def finish(self, media: Sequence[MediaRef], due_at: datetime) -> bool:
        self._respond_or_fail()
        found = [each for each in media if self.due_at.get(each) == due_at]
        for each in found:
            del self.due_at[each]
        return found == list(media)

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> list[JournalEntry]:
        self._respond_or_fail()
        due = [media for media, at in self.due_at.items() if at <= moment][:limit]
        self.due_at |= dict.fromkeys(due, lease_until)
        return [JournalEntry(media, media in self.unfinished) for media in due]

    def fall_due(self) -> None:
        self.due_at = dict.fromkeys(self.due_at, now())

    def _respond_or_fail(self) -> None:
        if self.is_down:
            raise DOWN


class Store:
    """A `MediaStore` of public ids; `failing` names the calls that fail, and with what."""

    def __init__(self) -> None:
        self.media: set[str] = set()
        self.failing: dict[str, Exception] = {}
        self.may_store_audio = asyncio.Event()
        self.may_store_audio.set()
        self.storing_audio = asyncio.Event()

    def _fail_if_armed(self, call: str) -> None:
        if call in self.failing:
            raise self.failing[call]

    async def upload_image(self, path: Path, public_id: str) -> StoredImage:
        self._fail_if_armed("image")
        self.media.add(public_id)
        return StoredImage(public_id, f"https://media.test/{public_id}")

    async def upload_audio(self, path: Path, public_id: str) -> StoredAudio:
        self.storing_audio.set()
        await self.may_store_audio.wait()
        self._fail_if_armed("audio")
        self.media.add(public_id)
        return StoredAudio(
            public_id, *(f"https://media.test/{name}" for name in ("", "low", "medium", "high"))
        )

    async def destroy(self, media: MediaRef) -> None:
        self._fail_if_armed("destroy")
        self.media.discard(media.public_id)

    async def ping(self) -> bool:
        return True
