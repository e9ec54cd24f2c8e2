"""`/admin/songs`: what only admins do with songs."""

from fastapi import APIRouter, Request, Response

from shared.access.guards import DOCUMENTED_SECURITY
from shared.http.openapi import LISTED, refusals
from shared.http.responses import list_answer
from song_service.dependencies import Admin, Needs, SongId, WantedPage
from song_service.ports import SongFilter
from song_service.schemas import SongOut, VisibleBody, song_json

router = APIRouter(prefix="/admin/songs", tags=["admin"], dependencies=DOCUMENTED_SECURITY)


@router.get("", summary="All songs in any state", response_model=list[SongOut], responses=LISTED)
async def all_songs(request: Request, page: WantedPage, _: Admin, needs: Needs) -> Response:
    total = await needs.browsing.count(SongFilter()) if page.total else None
    return list_answer(request, await needs.browsing.all(page), page, total)


@router.patch(
    "/{song_id}/visible", summary="Flip or set isVisible", response_model=SongOut, responses=refusals(409)
)
async def hide_or_unhide(
    song_id: SongId, _: Admin, needs: Needs, body: VisibleBody | None = None
) -> Response:
    song = await needs.songs.get(song_id)
    changed = await needs.catalogue.unhide(song, body.is_visible if body else None)
    return Response(song_json(changed), media_type="application/json")
