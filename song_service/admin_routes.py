"""`/admin/songs`: what only admins do with songs."""

from fastapi import APIRouter, Request, Response

from shared.cache.entry import Content
from shared.contracts.songs import SongOut
from shared.http.audit import AuditEntryOut, TargetId, audit_page
from shared.http.idempotency import IdempotentRoute
from shared.http.openapi import LISTED, refusals, with_etag
from shared.http.responses import changed_response, list_response
from song_service.dependencies import (
    Admin,
    Audit,
    AuditEntries,
    Browsing,
    Catalogue,
    SongId,
    Songs,
    WantedPage,
)
from song_service.ports import SongFilter
from song_service.schemas import VisibleBody, song_json

router = APIRouter(prefix="/admin/songs", tags=["admin"], route_class=IdempotentRoute)


@router.get("", summary="All songs in any state", response_model=list[SongOut], responses=LISTED)
async def all_songs(request: Request, page: WantedPage, _: Admin, browsing: Browsing) -> Response:
    total = await browsing.count(SongFilter()) if page.total else None
    return list_response(request, await browsing.all(page), page, total)


@router.get(
    "/audit",
    summary="Changes of songs by admins",
    response_model=list[AuditEntryOut],
    responses=LISTED,
)
async def song_audit(
    request: Request, page: WantedPage, _: Admin, entries: AuditEntries, target_id: TargetId = None
) -> Response:
    return await audit_page(request, "songs", entries, target_id, page)


@router.patch(
    "/{song_id}/visible",
    summary="Flip or set isVisible",
    response_model=SongOut,
    responses={**with_etag(), **refusals(409)},
)
async def set_song_visible(
    song_id: SongId,
    admin: Admin,
    songs: Songs,
    catalogue: Catalogue,
    audit: Audit,
    body: VisibleBody | None = None,
) -> Response:
    song = await songs.get(song_id)
    async with audit.of_admin(admin, "song.visible", song.id, {"isVisible": song.is_visible}) as record:
        changed = await catalogue.set_visible(song, body.is_visible if body else None)
        record.after = {"isVisible": changed.is_visible}
    return changed_response(Content.of(song_json(changed)))
