"""Cache entries: their key and tags, their content, and its format in Redis."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from shared.cache.store import version_key

EVERYTHING = "everything"
"""A tag of every entry."""

_FORMAT: Final = b"6"
"""Of the bytes in Redis, and of the cursors in notes. Processes of another release read an unknown format as
a miss.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A cache entry: its documented key, its longest time to live, and the tags that are known before
    loading.

    `kind` names it in metrics. `EVERYTHING` need not be among `tags`, nor those that the loader finds while
    it loads (`Dependencies`). `is_shared`: everybody gets the same content.
    """

    kind: str
    key: str
    ttl_seconds: int
    tags: tuple[str, ...]
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a loader returns when it has more than the bytes.

    `note` is stored with them, for the owner of the entry. `ttl_seconds` replaces the entry's;
    0: not stored at all. `is_private`: not for everybody, although the entry in general is. `is_local`: kept
    in the memory of this process only, not in Redis.
    """

    body: bytes
    note: str = ""
    ttl_seconds: int | None = None
    is_private: bool = False
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes as they are sent, with their `ETag`, and what they depend on.

    `versions` are those of the tags before the source was read; None when they are not known. `expires_at` is
    in seconds since 1970; it must not be kept for longer, so 0 says not at all.
    """

    body: bytes
    etag: str
    note: str = ""
    versions: Mapping[str, bytes] | None = None
    expires_at: float = 0.0
    is_shared: bool = False
    not_for: tuple[str, ...] = ()
    """Ids of the users who get other content, although it is shared."""
    version_keys: Mapping[str, bytes] = field(init=False, compare=False, repr=False)
    """`versions` by the keys of Redis."""

    def __post_init__(self) -> None:
        keys = {version_key(tag): version for tag, version in (self.versions or {}).items()}
        object.__setattr__(self, "version_keys", keys)

    @classmethod
    def of(
        cls,
        loaded: Loaded | bytes,
        versions: Mapping[str, bytes] | None = None,
        expires_at: float = 0.0,
        *,
        is_shared: bool = False,
    ) -> Self:
        """The content of what was loaded; computes the `ETag`."""
        if isinstance(loaded, bytes):
            loaded = Loaded(loaded)
        etag = etag_of(loaded.body)
        is_shared = is_shared and not loaded.is_private
        return cls(loaded.body, etag, loaded.note, versions, expires_at, is_shared)

    @property
    def size_bytes(self) -> int:
        """Its approximate size in memory."""
        return len(self.body) + 512 + 128 * len(self.versions or ())

    def is_expired(self) -> bool:
        """Whether its time to live has passed."""
        return self.expires_at <= time.time()

    def to_bytes(self) -> bytes:
        """Its format in Redis."""
        versions = {tag: version.decode("ascii") for tag, version in (self.versions or {}).items()}
        head = [versions, self.etag, self.note, self.expires_at, self.is_shared]
        return b"\n".join([_FORMAT, json.dumps(head).encode(), self.body])

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self | None:
        """The inverse of `to_bytes`; None when another release wrote it."""
        written_as, _, rest = stored.partition(b"\n")
        if written_as != _FORMAT:
            return None
        head, _, body = rest.partition(b"\n")
        versions, etag, note, expires_at, is_shared = json.loads(head)
        encoded = {tag: version.encode("ascii") for tag, version in versions.items()}
        return cls(body, etag, note, encoded, expires_at, is_shared)


def etag_of(body: bytes) -> str:
    """A strong `ETag` of these bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
