"""`/api/search`, which combines results of several services."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from api_gateway.headers import client_address, is_trusted
from api_gateway.ports import ApiRequest
from api_gateway.resources import Resources, resources_of
from api_gateway.route_table import Target
from api_gateway.search import SearchedType, search
from shared.contracts.albums import AlbumOut
from shared.contracts.songs import SongOut
from shared.contracts.users import PublicUser
from shared.errors import FieldError, InvalidError
from shared.http.openapi import refusals
from shared.http.schemas import LEFT_OUT
from shared.search import LONGEST_QUERY

PATH = "/api/search"
_TARGET = Target("gateway", b"/search", b"/search", PATH)

router = APIRouter(tags=["search"])


class SearchResults(BaseModel):
    """The results. `corrected`: for each list whose query was corrected because nothing matched it.

    `unavailable` names the services that are down; their lists are empty.
    """

    query: str
    songs: Sequence[SongOut]
    albums: Sequence[AlbumOut]
    artists: Sequence[PublicUser]
    corrected: Annotated[dict[SearchedType, str], LEFT_OUT] = Field(default={})
    unavailable: Annotated[Sequence[str], LEFT_OUT] = ()


@router.get(
    PATH,
    summary="Songs, albums and artists at once",
    response_model=SearchResults,
    responses=refusals(422, 429, 503),
)
async def search_everything(
    request: Request,
    q: Annotated[str, Query(max_length=LONGEST_QUERY, description="Prefixes of words in the text")],
    types: Annotated[str, Query(description="Which lists, comma-separated")] = "songs,albums,artists",
    limit: Annotated[int, Query(ge=1, le=50, description="Entries of each list, at the most")] = 5,
) -> Response:
    resources = resources_of(request.scope["state"])
    headers = await _checked_rate(request, resources)
    found = await search(resources.upstreams, q, _types_of(types), limit)
    return JSONResponse(found, headers={"Cache-Control": "no-cache", **headers})


def _types_of(text: str) -> set[SearchedType]:
    """Raises InvalidError when one of them cannot be searched for."""
    try:
        return {SearchedType(each.strip()) for each in text.split(",")}
    except ValueError:
        allowed = ", ".join(SearchedType)
        raise InvalidError.of(FieldError("types", f"must be some of {allowed}")) from None


async def _checked_rate(request: Request, resources: Resources) -> dict[str, str]:
    """Headers of the rate limiter. Raises TooManyRequestsError."""
    if resources.rate_limiter is None:
        return {}
    scope: Any = request.scope
    peer = scope["client"][0] if scope["client"] else ""
    networks = resources.limits.trusted_networks
    trusted = bool(networks) and is_trusted(peer, networks)
    address = (client_address(scope["headers"], networks) or peer) if trusted else peer
    call = ApiRequest("GET", _TARGET, scope["query_string"], list(scope["headers"]), address)
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in await resources.rate_limiter.check(call)
    }
