"""`/admin/songs`: what only admins do with songs."""

from fastapi import APIRouter, Request, Response

from shared.access.guards import DOCUMENTED_SECURITY
from shared.answers import list_answer
from song_service.dependencies import Admin, Needs, SongId, WantedPage
from song_service.openapi import LIST_OF_SONGS, ONE_SONG
from song_service.ports import SongFilter
from song_service.schemas import VisibleBody, song_json

router = APIRouter(prefix="/admin/songs", tags=["admin"], dependencies=DOCUMENTED_SECURITY)


@router.get("", summary="All songs in any state", responses=LIST_OF_SONGS)
async def all_songs(request: Request, page: WantedPage, _: Admin, needs: Needs) -> Response:
    total = await needs.browsing.count(SongFilter()) if page.total else None
    return list_answer(request, await needs.browsing.all(page), page, total)


@router.patch("/{song_id}/visible", summary="Flip or set isVisible", responses=ONE_SONG)
async def hide_or_unhide(
    song_id: SongId, _: Admin, needs: Needs, body: VisibleBody | None = None
) -> Response:
    song = await needs.songs.get(song_id)
    changed = await needs.catalogue.unhide(song, body.is_visible if body else None)
    return Response(song_json(changed), media_type="application/json")
