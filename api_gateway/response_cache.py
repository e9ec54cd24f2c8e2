"""The response cache: whole responses in memory, which services have marked as cacheable
(surrogate_marks.py).

The gateway verifies no token and checks no permission. The services do, and a change of a user or of a
permission invalidates a tag. Each response is compared with the versions in Redis before it is sent, in a
read that started after the request (shared.cache).
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

from api_gateway.headers import Decisions, Headers
from api_gateway.ports import ApiRequest, CachedResponse
from api_gateway.refreshes import Refresh, Refreshes
from api_gateway.surrogate_marks import Marks, TokenMark, marks_of
from shared import metrics
from shared.cache.memory import MemoryLevel
from shared.cache.store import CacheDownError
from shared.cache.validation import Validator

MAX_RESPONSE_BYTES: Final = 2 * 1024 * 1024
"""The largest response: a whole list of 1,000 songs has 0.9 MB."""

MAX_TOKENS_BYTES: Final = 16 * 1024 * 1024
"""For digests of tokens that are known to be valid, about 500 bytes each."""

REFRESH_SECONDS: Final = 1.0
"""How long a request waits for another one that reads the same response anew."""

_RELAYED: Final = frozenset(
    {
        b"content-length",
        b"expect",
        b"http2-settings",
        b"range",
        b"transfer-encoding",
        b"upgrade",
        b"x-http-method-override",
    }
)
"""A request with one of these, or with a condition other than `If-None-Match`, goes to its service."""

_IS_RELAYED: Final = Decisions(
    lambda name: name in _RELAYED or (name.startswith(b"if-") and name != b"if-none-match")
)

_ANYBODY: Final = b""
"""The digest for requests without a token."""

Key = tuple[bytes, bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A response. Times are in the seconds of `clock`; `versions` are by the keys of Redis."""

    whole: CachedResponse
    head: CachedResponse
    not_modified: CachedResponse
    etag: bytes
    versions: Mapping[str, bytes]
    ends_at: float
    is_shared: bool
    not_for: frozenset[bytes]
    size_bytes: int


_Candidate = tuple[Key, _Kept, Mapping[str, bytes]]
"""A stored response for a caller, valid or not, with the versions that it depends on."""


@dataclass(frozen=True, slots=True)
class _Token:
    """A token that was valid when a service saw it; `versions` are what the id of its caller depends on."""

    ends_at: float
    caller: bytes | None
    versions: Mapping[str, bytes]
    size_bytes: int = 500


class _Wanted(NamedTuple):
    """The relevant request headers: the digest of the token, and the entity tags of `If-None-Match`."""

    token: bytes
    if_none_match: bytes | None


class GatewayResponseCache:
    """A `ResponseCache`."""

    def __init__(
        self, validator: Validator, memory_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._validator = validator
        self._clock = clock
        self._memory: MemoryLevel[Key, _Kept] = MemoryLevel(memory_bytes)
        self._tokens: MemoryLevel[bytes, _Token] = MemoryLevel(MAX_TOKENS_BYTES)
        self._refreshes = Refreshes()
        self._secret = secrets.token_bytes(32)
        outcomes = ("hit", "not-modified", "miss", "stale", "relayed", "bypassed")
        self._count = {each: metrics.CACHE_READS.labels("gateway", each).inc for each in outcomes}

    async def find(self, request: ApiRequest) -> CachedResponse | None:
        request.asked_at = self._clock()
        wanted = self._wanted(request.headers)
        if wanted is None:
            self._count["relayed"]()
            return None
        candidate = self._kept(request, wanted)
        if candidate is None:
            self._count["miss"]()
            return None
        found, outcome = await self._validated(request, wanted, candidate)
        if outcome == "stale" and request.refresh is None:
            refresh = self._refreshes.of(_shared_key(request))
            if refresh is not None and await refresh.wait(REFRESH_SECONDS):
                found, outcome = await self._validated(request, wanted, self._kept(request, wanted))
        self._count[outcome]()
        return found

    async def _validated(
        self, request: ApiRequest, wanted: _Wanted, candidate: _Candidate | None
    ) -> tuple[CachedResponse | None, str]:
        """The response, and the outcome for the metrics. Of requests for an outdated response that everybody
        gets, the first one refreshes it.
        """
        if candidate is None:
            return None, "miss"
        key, kept, versions = candidate
        try:
            is_current = await self._validator.are_current(versions)
        except CacheDownError:
            return None, "bypassed"
        if not is_current or self._clock() >= kept.ends_at:
            if not kept.is_shared:
                self._memory.drop(key)
            elif request.method == "GET" and (refresh := self._refreshes.begin(key)):
                request.refresh = refresh
                # The service must not respond with 304, which cannot be stored.
                request.headers = [pair for pair in request.headers if pair[0] != b"if-none-match"]
            return None, "stale"
        if wanted.if_none_match is not None and _names(wanted.if_none_match, kept.etag):
            return kept.not_modified, "not-modified"
        return (kept.head if request.method == "HEAD" else kept.whole), "hit"

    def _kept(self, request: ApiRequest, wanted: _Wanted) -> _Candidate | None:
        """Returns the stored response for this caller, valid or not, with the versions it depends on."""
        path, query, token = request.target.path, request.query, wanted.token
        own = (path, query, token)
        kept = self._memory.get(own)
        if kept is not None or token == _ANYBODY:
            return None if kept is None else (own, kept, kept.versions)
        anybodys = _shared_key(request)
        kept = self._memory.get(anybodys)
        if kept is None or not kept.is_shared:
            return None
        known = self._tokens.get(token)
        if known is None or self._clock() >= known.ends_at:
            return None
        if not kept.not_for:
            return anybodys, kept, kept.versions
        if known.caller is None or known.caller in kept.not_for:
            return None
        # Each may be outdated where the other is not, so no version may hide another one.
        if any(kept.versions.get(key, version) != version for key, version in known.versions.items()):
            return None
        return anybodys, kept, {**kept.versions, **known.versions}

    def _wanted(self, headers: Headers) -> _Wanted | None:
        """Returns None when the request cannot be served from the cache."""
        named = dict(headers)
        if any(map(_IS_RELAYED.__getitem__, named)):
            return None
        authorization, if_none_match = named.get(b"authorization"), named.get(b"if-none-match")
        if len(named) != len(headers):
            if [name for name, _ in headers].count(b"authorization") > 1:
                return None
            if if_none_match is not None:
                if_none_match = b",".join(value for name, value in headers if name == b"if-none-match")
        token = _ANYBODY if authorization is None else self._digest(authorization)
        return _Wanted(token, if_none_match)

    def _digest(self, authorization: bytes) -> bytes:
        return blake2b(authorization, digest_size=16, key=self._secret).digest()

    def record(self, request: ApiRequest, status: int, headers: Headers) -> "ResponseRecording | None":
        asked_at = request.asked_at
        if status != 200 or request.method != "GET" or asked_at is None:
            return None
        marked = marks_of(headers)
        wanted = self._wanted(request.headers)
        if marked is None or wanted is None:
            return None
        # The service counts from a later moment, so neither is kept for longer than it says, even if this
        # process is stopped before it reads the response.
        if marked.token is not None and wanted.token != _ANYBODY:
            self._remember(wanted.token, marked.token, asked_at)
        elif marked.is_shared and wanted.token != _ANYBODY:
            return None
        key = (request.target.path, request.query, _ANYBODY if marked.is_shared else wanted.token)
        return ResponseRecording(self._memory, request.refresh, key, marked, asked_at + marked.seconds)

    def end_refresh(self, request: ApiRequest, status: int) -> None:
        refresh = request.refresh
        if refresh is None or refresh.has_ended:
            return
        if 0 < status < 500:
            # Not for everybody any more: it would be outdated for good, and each request would refresh it.
            self._memory.drop(_shared_key(request))
        refresh.end()

    def _remember(self, token: bytes, said: TokenMark, asked_at: float) -> None:
        seconds, caller, versions = said
        known = self._tokens.get(token)
        if caller is not None or known is None or known.caller is None or self._clock() >= known.ends_at:
            self._tokens.put(token, _Token(asked_at + seconds, caller, versions))


class ResponseRecording:
    """A `Recording`: stores the response when it is complete."""

    def __init__(
        self,
        memory: MemoryLevel[Key, _Kept],
        refresh: Refresh | None,
        key: Key,
        marked: Marks,
        ends_at: float,
    ) -> None:
        self._memory = memory
        self._refresh = refresh
        self._key = key
        self._marked = marked
        self._ends_at = ends_at
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= MAX_RESPONSE_BYTES:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def complete(self) -> None:
        if self._size > MAX_RESPONSE_BYTES:
            return
        marked, body = self._marked, b"".join(self._pieces)
        headers = [pair for pair in marked.headers if pair[0] != b"content-length"]
        etag = next((value for name, value in headers if name == b"etag"), b"")
        with_length = [*headers, (b"content-length", b"%d" % len(body))]
        without_type = [pair for pair in headers if pair[0] != b"content-type"]
        kept = _Kept(
            whole=CachedResponse(200, with_length, body),
            head=CachedResponse(200, with_length, b""),
            not_modified=CachedResponse(304, without_type, b""),
            etag=etag,
            versions=marked.versions,
            ends_at=self._ends_at,
            is_shared=marked.is_shared,
            not_for=marked.not_for,
            size_bytes=len(body) + sum(map(len, self._key)) + 2048 + 128 * len(marked.versions),
        )
        self._memory.put(self._key, kept)
        if self._refresh is not None and marked.is_shared:
            self._refresh.end()


def _shared_key(request: ApiRequest) -> Key:
    return request.target.path, request.query, _ANYBODY


def _names(if_none_match: bytes, etag: bytes) -> bool:
    """Whether `If-None-Match` names the entity tag, compared weakly, or is `*`."""
    if not etag:
        return False
    sent = if_none_match.strip()
    return sent == b"*" or etag in {each.strip().removeprefix(b"W/") for each in sent.split(b",")}
