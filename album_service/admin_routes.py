"""`/admin/albums`: what only admins do with albums."""

from fastapi import APIRouter, Request, Response

from album_service.dependencies import (
    Admin,
    AlbumId,
    Albums,
    Audit,
    AuditEntries,
    Browsing,
    Editing,
    IfMatch,
    WantedPage,
)
from album_service.ports import AlbumFilter
from album_service.schemas import VisibleBody
from shared.contracts.albums import AlbumOut
from shared.http.audit import AuditEntryOut, TargetId, audit_page
from shared.http.idempotency import IdempotentRoute
from shared.http.openapi import LISTED, refusals, with_etag
from shared.http.responses import changed_response, list_response

router = APIRouter(prefix="/admin/albums", tags=["admin"], route_class=IdempotentRoute)


@router.get("", summary="All albums in any state", response_model=list[AlbumOut], responses=LISTED)
async def all_albums(request: Request, page: WantedPage, _: Admin, browsing: Browsing) -> Response:
    total = await browsing.count(AlbumFilter()) if page.total else None
    return list_response(request, await browsing.all(page), page, total)


@router.get(
    "/audit",
    summary="Changes of albums by admins",
    response_model=list[AuditEntryOut],
    responses=LISTED,
)
async def album_audit(
    request: Request, page: WantedPage, _: Admin, entries: AuditEntries, target_id: TargetId = None
) -> Response:
    return await audit_page(request, "albums", entries, target_id, page)


@router.patch(
    "/{album_id}/visible",
    summary="Flip or set isVisible",
    response_model=AlbumOut,
    responses={**with_etag(), **refusals(409, 412)},
)
async def set_album_visible(
    album_id: AlbumId,
    required: IfMatch,
    admin: Admin,
    albums: Albums,
    editing: Editing,
    browsing: Browsing,
    audit: Audit,
    body: VisibleBody | None = None,
) -> Response:
    album = await albums.get(album_id)
    async with audit.of_admin(admin, "album.visible", album.id, {"isVisible": album.is_visible}) as record:
        wanted = body.is_visible if body else None
        changed = await editing.set_visible(album, wanted, required.revision_of(album))
        record.after = {"isVisible": changed.is_visible}
    return changed_response(await browsing.changed(changed, admin))
