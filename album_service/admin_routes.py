"""`/admin/albums`: what only admins do with albums."""

from fastapi import APIRouter, Request, Response

from album_service.dependencies import Admin, AlbumId, Albums, Browsing, Editing, WantedPage
from album_service.ports import AlbumFilter
from album_service.schemas import AlbumOut, VisibleBody, album_json
from shared.http.openapi import LISTED, refusals
from shared.http.responses import list_answer

router = APIRouter(prefix="/admin/albums", tags=["admin"])


@router.get("", summary="All albums in any state", response_model=list[AlbumOut], responses=LISTED)
async def all_albums(request: Request, page: WantedPage, _: Admin, browsing: Browsing) -> Response:
    total = await browsing.count(AlbumFilter()) if page.total else None
    return list_answer(request, await browsing.all(page), page, total)


@router.patch(
    "/{album_id}/visible", summary="Flip or set isVisible", response_model=AlbumOut, responses=refusals(409)
)
async def change_visible(
    album_id: AlbumId, _: Admin, albums: Albums, editing: Editing, body: VisibleBody | None = None
) -> Response:
    album = await albums.get(album_id)
    changed = await editing.set_visible(album, body.is_visible if body else None)
    return Response(album_json(changed), media_type="application/json")
