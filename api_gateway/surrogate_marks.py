"""The cache headers of services: `Surrogate-*`.

A service marks a 200 response to GET with

    Surrogate-Control: shared, max-age=540
    Surrogate-Key: everything=5f0c song:65a1=91be
    Surrogate-Token: max-age=48, caller=65a7 everything=5f0c user:user_2x=77aa
    Surrogate-Not-For: 65a1 65a2

that is for how many seconds it may be kept, and the versions of the cache tags that it depends on, read
before its data was. `shared` says that every caller without a token, and every one whose token is valid, gets
this response, but for the users that `Surrogate-Not-For` names; without it the response is for the same
`Authorization` header only, or for callers that sent none. `Surrogate-Token` says for how many seconds the
token that came with the request is valid, whose it is, and the versions that this depends on: shared
responses may be sent to it meanwhile.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api_gateway.headers import Headers
from shared.cache.validation import Validator

_VARY: Final = frozenset({b"authorization", b"origin"})
"""The only `Vary` values of cacheable responses: `Authorization` is part of the key, and CORS headers are
added later.
"""

_CACHE_STATUS: Final = (b"cache-status", b"gateway; hit")
_CONTROL: Final = re.compile(rb"(?:(shared), )?max-age=([0-9]{1,9})")
_TOKEN: Final = re.compile(rb"max-age=([0-9]{1,9})(?:, caller=([0-9a-f]{1,64}) (.+))?")
_PAIR: Final = re.compile(rb"([!-<>-~]+)=([0-9A-Za-z]+)")

TokenMark = tuple[int, bytes | None, Mapping[str, bytes]]
"""For how many seconds a token is valid, whose it is, and the versions that this depends on, by keys of
Redis.
"""


@dataclass(frozen=True, slots=True)
class Marks:
    """The cache headers of a response, and the headers that clients get.

    `versions` are by the keys of Redis.
    """

    seconds: int
    is_shared: bool
    not_for: frozenset[bytes]
    versions: Mapping[str, bytes]
    token: TokenMark | None
    headers: Headers


def marks_of(headers: Headers) -> Marks | None:
    """Returns None unless the response is marked as cacheable with valid marks."""
    marks: dict[bytes, bytes] = {}
    passed: Headers = []
    for name, value in headers:
        if name.startswith(b"surrogate-"):
            if name in marks:
                return None
            marks[name] = value
        elif name == b"set-cookie" or (name == b"vary" and not _VARY.issuperset(_options(value))):
            return None
        elif name not in (b"date", b"cache-status"):
            passed.append((name, value))
    control = _CONTROL.fullmatch(marks.get(b"surrogate-control", b""))
    versions = _versions(marks.get(b"surrogate-key", b""))
    if control is None or int(control[2]) == 0 or versions is None:
        return None
    token: TokenMark | None = None
    if b"surrogate-token" in marks:
        found = _TOKEN.fullmatch(marks[b"surrogate-token"])
        owners = _versions(found[3]) if found is not None and found[3] is not None else {}
        if found is None or owners is None:
            return None
        token = int(found[1]), found[2], owners
    not_for = frozenset(marks.get(b"surrogate-not-for", b"").split())
    is_shared = control[1] is not None
    return Marks(int(control[2]), is_shared, not_for, versions, token, [*passed, _CACHE_STATUS])


def _versions(keys: bytes) -> dict[str, bytes] | None:
    """`tag=version tag=version`, by the keys of Redis; None when it is malformed."""
    versions: dict[str, bytes] = {}
    for pair in keys.split(b" "):
        found = _PAIR.fullmatch(pair)
        if found is None:
            return None
        versions[Validator.key_of(found[1].decode("ascii"))] = found[2]
    return versions


def _options(value: bytes) -> set[bytes]:
    return {option.strip().lower() for option in value.split(b",")}
