"""Ports of several services, implemented in shared/providers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from shared.access.caller import Caller, Identity


class TokenVerifier(Protocol):
    """Verifies session tokens."""

    async def verify(self, token: str) -> Identity:
        """The verified identity of the token's owner.

        Raises:
            InvalidTokenError: it is not valid.
            UnavailableError: the signing keys cannot be fetched now.
        """
        ...


class UserDirectory(Protocol):
    """The users, by verified identity."""

    async def find(self, identity: Identity, token: str) -> Caller | None:
        """The registered user, blocked or not; None when nobody registered with this identity.

        Raises:
            UnavailableError: users cannot be read now.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in the media store."""

    public_id: str
    url: str


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """Audio in the media store: the original, and mp3 renditions of 64, 128 and 320 kbps."""

    public_id: str
    url: str
    low_url: str
    medium_url: str
    high_url: str


class MediaRemoval(Protocol):
    """Deletes stored media. Raises UnavailableError when the store is down."""

    async def destroy(self, media: "MediaRef") -> None:
        """Delete it, also from delivery caches. Idempotent."""
        ...


class MediaStore(MediaRemoval, Protocol):
    """Stores media and delivers it to listeners. All calls raise UnavailableError when it is down."""

    async def upload_image(self, path: Path, public_id: str) -> StoredImage:
        """Store the image file under `public_id`."""
        ...

    async def upload_audio(self, path: Path, public_id: str) -> StoredAudio:
        """Store the audio file under `public_id` with its renditions."""
        ...

    async def ping(self) -> bool:
        """Whether it responds and accepts the credentials."""
        ...


@dataclass(frozen=True, slots=True)
class MediaRef:
    """Identifies one medium in the store. `resource_type` is `image` or `video`, which includes audio."""

    public_id: str
    resource_type: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A journal entry: the medium may have to be deleted; with `unfinished`, its document too."""

    media: MediaRef
    unfinished: bool


class MediaCleanups(Protocol):
    """The cleanup journal: entries are written before media are stored.

    A medium whose entry becomes due was orphaned.
    """

    async def plan(self, media: Sequence[MediaRef], due_at: datetime, *, unfinished: bool = False) -> None:
        """Write entries that become due at `due_at`; replaces earlier ones."""
        ...

    async def keep(self, media: Sequence[MediaRef]) -> None:
        """Delete the entries of these. Idempotent."""
        ...

    async def finish(self, media: Sequence[MediaRef], due_at: datetime) -> bool:
        """Delete the entries of these that are still due at `due_at`; returns whether all were.

        Claiming or moving an entry changes its due time, so only one of commit and rollback succeeds. A
        claimed entry is due at the end of its lease.
        """
        ...

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> list[JournalEntry]:
        """Claim entries due at `moment`; no other worker gets them before `lease_until`."""
        ...


class Database(Protocol):
    """The service's own database."""

    async def ping(self) -> bool:
        """Whether it responds."""
        ...
