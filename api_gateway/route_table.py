"""The service of each path. The table is data; the lookup is pure.

Prefixes are compared segment by segment, after decoding, so `/api/songsx` and `/api/admin%2Fsongs` match no
service. The segments are passed on as the client wrote them.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

SERVICE_OF_PREFIX: Final[Mapping[tuple[bytes, ...], str]] = {
    (b"auth",): "user",
    (b"users",): "user",
    (b"webhooks",): "user",
    (b"admin", b"users"): "user",
    (b"songs",): "song",
    (b"admin", b"songs"): "song",
    (b"albums",): "album",
    (b"admin", b"albums"): "album",
}

UPLOADS: Final = frozenset({("POST", b"/songs"), ("POST", b"/albums")})
"""The only requests, by method and decoded path at the service, that may have large bodies."""

_LONGEST_PREFIX = max(len(prefix) for prefix in SERVICE_OF_PREFIX)
_SEPARATORS = re.compile(rb"[/\\]")


class Target(NamedTuple):
    """Where a request goes: the service, its own path, and the prefix that led there, for metrics.

    `path` is as the client wrote it, for the service. What depends on the path compares `decoded_path`, as
    the service does: `/auth/%72egister` is `/auth/register`.
    """

    service: str
    path: bytes
    decoded_path: bytes
    route: str


_BY_PREFIX: Final = {
    b"/".join(prefix): (service, "/api/" + b"/".join(prefix).decode())
    for prefix, service in SERVICE_OF_PREFIX.items()
}
_ORDINARY: Final = re.compile(rb"/api(/(" + b"|".join(_BY_PREFIX) + rb")(?:/[A-Za-z0-9_-]+)*)/?")
"""Paths without encoded or special segments."""


def without_trailing_slash(raw_path: bytes) -> bytes:
    """A trailing slash means the same as none."""
    return raw_path[:-1] if raw_path.endswith(b"/") and len(raw_path) > 1 else raw_path


def find_target(raw_path: bytes) -> Target | None:
    """The service behind `raw_path`, which is as it came over the wire; None when there is none.

    A path that would mean another one after normalisation (empty, `.` and `..` segments, encoded or not,
    behind an encoded slash or a backslash) matches no service, so it cannot leave its prefix.
    """
    found = _ORDINARY.fullmatch(raw_path)
    if found is not None:
        service, route = _BY_PREFIX[found[2]]
        return Target(service, found[1], found[1], route)
    return _find_unusual(raw_path)


def _find_unusual(raw_path: bytes) -> Target | None:
    root, *segments = without_trailing_slash(raw_path).split(b"/")
    decoded = [unquote_to_bytes(segment) for segment in segments]
    if root or decoded[:1] != [b"api"] or any(_moves(segment) for segment in decoded):
        return None
    for length in range(_LONGEST_PREFIX, 0, -1):
        prefix = tuple(decoded[1 : 1 + length])
        service = SERVICE_OF_PREFIX.get(prefix)
        if service is not None:
            route = "/api/" + b"/".join(prefix).decode()
            path, decoded_path = (b"/" + b"/".join(each[1:]) for each in (segments, decoded))
            return Target(service, path, decoded_path.rstrip(b"/"), route)
    return None


def is_upload(method: str, target: Target) -> bool:
    """Whether the request may have a large body."""
    return (method, target.decoded_path) in UPLOADS


def _moves(segment: bytes) -> bool:
    """Whether a decoded segment is one that normalising a path would remove, or hides one."""
    if not segment:
        return True
    return any(part.partition(b";")[0] in (b".", b"..") for part in _SEPARATORS.split(segment))
