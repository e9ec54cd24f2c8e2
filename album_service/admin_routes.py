"""`/admin/albums`: what only admins do with albums."""

from fastapi import APIRouter, Request, Response

from album_service.dependencies import Admin, AlbumId, Needs, WantedPage
from album_service.ports import AlbumFilter
from album_service.schemas import AlbumOut, VisibleBody, album_json
from shared.access.guards import DOCUMENTED_SECURITY
from shared.http.openapi import LISTED, refusals
from shared.http.responses import list_answer

router = APIRouter(prefix="/admin/albums", tags=["admin"], dependencies=DOCUMENTED_SECURITY)


@router.get("", summary="All albums in any state", response_model=list[AlbumOut], responses=LISTED)
async def all_albums(request: Request, page: WantedPage, _: Admin, needs: Needs) -> Response:
    total = await needs.browsing.count(AlbumFilter()) if page.total else None
    return list_answer(request, await needs.browsing.all(page), page, total)


@router.patch(
    "/{album_id}/visible", summary="Flip or set isVisible", response_model=AlbumOut, responses=refusals(409)
)
async def hide_or_unhide(
    album_id: AlbumId, _: Admin, needs: Needs, body: VisibleBody | None = None
) -> Response:
    album = await needs.albums.get(album_id)
    changed = await needs.editing.unhide(album, body.is_visible if body else None)
    return Response(album_json(changed), media_type="application/json")
