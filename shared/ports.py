"""What several services need from outside, by name. Each has one real thing behind it in shared/providers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from shared.access.caller import Caller, Identity


class TokenVerifier(Protocol):
    """Says whose session token this is."""

    async def verify(self, token: str) -> Identity:
        """Whose token this is.

        Raises:
            InvalidTokenError: it is not valid.
            UnavailableError: the keys that it needs cannot be had now.
        """
        ...


class UserDirectory(Protocol):
    """Our users, by the identity that a token proves."""

    async def find(self, identity: Identity, token: str) -> Caller | None:
        """The registered user, blocked or not; None when nobody registered with this identity.

        Raises:
            UnavailableError: the users cannot be asked now.
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


class MediaStore(Protocol):
    """Keeps media and delivers it to listeners. All calls raise UnavailableError when it is down."""

    async def upload_image(self, path: Path, public_id: str) -> StoredImage:
        """Store the image file under `public_id`."""
        ...

    async def upload_audio(self, path: Path, public_id: str) -> StoredAudio:
        """Store the audio file under `public_id` and have its renditions made."""
        ...

    async def destroy(self, media: "MediaRef") -> None:
        """Remove it, from delivery caches too; harmless when it is gone already."""
        ...

    async def ping(self) -> bool:
        """Whether it responds and accepts our credentials."""
        ...


@dataclass(frozen=True, slots=True)
class MediaRef:
    """What names one medium in the store. `resource_type` is `image` or `video`, which audio is too."""

    public_id: str
    resource_type: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """That a medium may have to be removed; `unfinished`: and the document that names it, too, with it."""

    media: MediaRef
    unfinished: bool


class MediaCleanups(Protocol):
    """Media that may have to be removed, noted in the service's database before it is stored.

    An entry that is still there when it falls due means that nobody wanted the medium in the end.
    """

    async def plan(self, media: Sequence[MediaRef], due_at: datetime, *, unfinished: bool = False) -> None:
        """Note that these are to be destroyed at `due_at`, unless kept before; replaces an earlier entry."""
        ...

    async def keep(self, media: Sequence[MediaRef]) -> None:
        """Take the entries of these back; harmless when there are none."""
        ...

    async def finish(self, media: Sequence[MediaRef], due_at: datetime) -> bool:
        """Take the entries of these back that still are for `due_at`; whether all were.

        Whoever claimed or moved one meanwhile has changed that: of an end and its undoing only one succeeds.
        Those that were claimed are for the end of their lease.
        """
        ...

    async def claim_due(self, moment: datetime, lease_until: datetime, limit: int) -> list[JournalEntry]:
        """Take entries due at `moment`; no other worker gets them before `lease_until`."""
        ...


class Database(Protocol):
    """The service's own database."""

    async def ping(self) -> bool:
        """Whether it responds."""
        ...
