"""What the cache needs of Redis."""

import re
from collections.abc import Sequence
from typing import Final, Protocol

_ERROR_CODE: Final = re.compile(r"[A-Z]{2,}( [A-Z]{2,})?\b")
"""How errors of Redis begin: `WRONGPASS invalid username-password pair`, `ERR AUTH <password> called …`."""


class CacheDownError(Exception):
    """Redis did not respond in time, or cannot be reached."""

    @property
    def kind(self) -> str:
        """The type of the failure, and the code of Redis's error. For logs: a message may hold secrets."""
        cause = self.__cause__ or self
        code = _ERROR_CODE.match(str(cause))
        return type(cause).__name__ + (f" {code[0]}" if code else "")


class CacheRefusedError(CacheDownError):
    """Redis responds with an error: it is full, read-only, or lacks a command."""


def version_key(tag: str) -> str:
    """The key of a tag's version."""
    return f"tag:{tag}"


class Store(Protocol):
    """Bytes under keys, and versions of tags.

    All calls raise CacheDownError when it is down, slow or refuses.
    """

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Returns the current value of each key. `version_key` gives the key of a tag's version."""
        ...

    async def begin(self, tags: Sequence[str]) -> None:
        """Give each of these tags a version unless it has one."""
        ...

    async def keep(self, key: str, value: bytes, ttl_seconds: int) -> None:
        """Store `value` under `key`."""
        ...

    async def renew(self, tags: Sequence[str]) -> None:
        """Give each of these tags a new version, or delete it, so that nothing that depends on it is
        current.
        """
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Delete these keys, if they exist. A missing version is a miss for all processes."""
        ...

    async def beat(self) -> bool:
        """Write a heartbeat. Returns whether the store still has one of this process's last heartbeats."""
        ...

    async def begin_continuity(self, seconds: int) -> None:
        """Renew the tag `everything` and begin a continuity, of `seconds` unless it is extended."""
        ...

    async def extend_continuity(self, seconds: int) -> bool:
        """Returns whether the continuity has not ended; then it lasts for `seconds` from now."""
        ...

    async def crashed_processes(self) -> Sequence[str]:
        """The processes that stopped their heartbeats without `leave`."""
        ...

    async def remove_processes(self, processes: Sequence[str]) -> None:
        """Remove these from the processes that use the store."""
        ...

    async def leave(self) -> None:
        """Remove this process, which ended its heartbeats after it had invalidated all that it wrote."""
        ...

    async def ping(self) -> bool:
        """Whether it accepts writes and reads."""
        ...
