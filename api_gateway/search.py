"""`/api/search`: songs, albums and artists at once, from the three services."""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote, urlencode

import structlog

from api_gateway.fetch import Fetched, fetch
from api_gateway.resources import Upstream
from shared.errors import UnavailableError
from shared.http.client.errors import UpstreamError
from shared.search import terms_of

SEARCH_SECONDS: Final = 2.0
MAX_BYTES: Final = 2 * 1024 * 1024
_CORRECTED: Final = b"x-corrected-query"

log = structlog.stdlib.get_logger(__name__)


class SearchedType(StrEnum):
    """The types that can be searched: the names of the lists in the response."""

    SONGS = "songs"
    ALBUMS = "albums"
    ARTISTS = "artists"


@dataclass(frozen=True, slots=True)
class _Source:
    """The source of a list: a service, its path and further query parameters."""

    service: str
    path: str
    parameters: Mapping[str, str]


_SOURCES: Final[Mapping[SearchedType, _Source]] = {
    SearchedType.SONGS: _Source("song", "/songs", {}),
    SearchedType.ALBUMS: _Source("album", "/albums", {}),
    SearchedType.ARTISTS: _Source("user", "/users", {"role": "artist"}),
}


@dataclass(frozen=True, slots=True)
class _List:
    """The results of one service. `corrected` is the corrected query, if it was corrected."""

    entries: list[Any]
    corrected: str | None


async def search(
    upstreams: Mapping[str, Upstream], query: str, types: Collection[SearchedType], limit: int
) -> dict[str, Any]:
    """The response for `query`, in the shape of `SearchResults`. The services are called without a token:
    they return what everybody may see.

    Raises:
        UnavailableError: all of the services are down.
    """
    found: dict[SearchedType, _List | None] = {}
    if terms_of(query) is not None:
        requested = [each for each in SearchedType if each in types]
        lists = await asyncio.gather(*(_fetch(upstreams, _SOURCES[each], query, limit) for each in requested))
        found = dict(zip(requested, lists, strict=True))
        if requested and not any(lists):
            raise UnavailableError("Search is not available now")
    response: dict[str, Any] = {"query": query}
    for each in SearchedType:
        in_list = found.get(each)
        response[each.value] = in_list.entries if in_list is not None else []
    corrected = {
        each.value: in_list.corrected for each, in_list in found.items() if in_list and in_list.corrected
    }
    if corrected:
        response["corrected"] = corrected
    unavailable = [_SOURCES[each].service for each, in_list in found.items() if in_list is None]
    if unavailable:
        response["unavailable"] = unavailable
    return response


async def _fetch(upstreams: Mapping[str, Upstream], source: _Source, query: str, limit: int) -> _List | None:
    """The results of the service; None when it is down."""
    upstream = upstreams[source.service]
    call = upstream.breaker.try_call()
    if call is None:
        return None
    path = f"{source.path}?{urlencode({'q': query, 'limit': limit, **source.parameters})}"
    try:
        fetched = await fetch(upstream.pool, path.encode(), [], seconds=SEARCH_SECONDS, max_bytes=MAX_BYTES)
        found = _list_of(fetched)
    except (UpstreamError, TimeoutError, ValueError) as failure:
        call.failed()
        log.warning("search incomplete", callee=upstream.name, error=type(failure).__name__)
        return None
    except BaseException:
        call.abandoned()
        raise
    call.succeeded()
    return found


def _list_of(fetched: Fetched) -> _List:
    """Raises ValueError when the service did not return a list."""
    entries = json.loads(fetched.body)
    if fetched.status != 200 or not isinstance(entries, list):
        raise ValueError("no list")
    corrected = dict(fetched.headers).get(_CORRECTED)
    return _List(entries, None if corrected is None else unquote(corrected.decode("ascii")))
