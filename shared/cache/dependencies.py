"""What cached content depends on: tags, with the versions that they had before its source was read."""

import math
import time
from collections.abc import Mapping
from typing import Protocol

from shared.cache.entry import EVERYTHING, Content, Entry, Loaded
from shared.cache.store import CacheDownError


class TagVersions(Protocol):
    """Where the current versions of tags are."""

    async def versions(self, *tags: str) -> Mapping[str, bytes]:
        """The versions of these tags.

        Raises:
            CacheDownError: they cannot be read now.
        """
        ...


class Dependencies:
    """The tags that what is being loaded depends on, with their versions.

    `expires_at`: when the first cached content expires that it is composed of, in seconds since 1970.
    `known_versions`: of other tags, read before; they are not read again when these are added.
    """

    def __init__(
        self,
        cache: TagVersions | None,
        versions: Mapping[str, bytes],
        known_versions: Mapping[str, bytes] | None = None,
    ) -> None:
        self._cache = cache
        self.versions = dict(versions)
        self.expires_at = math.inf
        self._known_versions = dict(known_versions or {})

    async def add(self, *tags: str) -> bool:
        """Call this *before* reading what these tags cover. Returns whether it read a version now."""
        if self._cache is None:
            return False
        missing = []
        for tag in tags:
            if tag in self._known_versions:
                self.versions.setdefault(tag, self._known_versions[tag])
            elif tag not in self.versions:
                missing.append(tag)
        if not missing:
            return False
        try:
            self.versions |= await self._cache.versions(*missing)
        except CacheDownError:
            self._cache = None
        return self.are_known

    async def match(self, content: Content, *further: str) -> bool:
        """Whether `content` is current; if so, adds its tags and `further` ones. Takes one round trip."""
        before = dict(self.versions)
        await self.add(EVERYTHING, *(content.versions or ()), *further)
        if self.are_those_of(content):
            return True
        self._known_versions |= self.versions
        self.versions = before
        return False

    def include(self, content: Content) -> None:
        """Add the dependencies of `content`, and its expiry."""
        self.expires_at = min(self.expires_at, content.expires_at)
        if content.versions is None:
            self._cache = None
        else:
            self.versions = {**content.versions, **self.versions}

    def are_those_of(self, content: Content) -> bool:
        """Whether `content` depends on tags of these in the same versions, so that it is current, too."""
        if self._cache is None or content.versions is None:
            return False
        return all(self.versions.get(tag) == version for tag, version in content.versions.items())

    def content_of(self, entry: Entry, body: bytes) -> Content:
        """The content of an entry all of whose tags are among these, and that depends on no others."""
        versions = {tag: self.versions[tag] for tag in (EVERYTHING, *entry.tags)}
        expires_at = time.time() + entry.ttl_seconds
        return Content.of(Loaded(body), versions, expires_at, is_shared=entry.is_shared)

    def without_known_versions(self) -> "Dependencies":
        """The same tags, with nothing known of others."""
        return Dependencies(self._cache, self.versions)

    def remove(self, *tags: str) -> None:
        """Remove these tags: the content does not depend on them after all."""
        for tag in tags:
            self.versions.pop(tag, None)

    @property
    def are_known(self) -> bool:
        """Whether the versions of all of them could be read; otherwise nothing may be stored."""
        return self._cache is not None
