"""`/albums`: arranging an album together, and sharing it with people who have no account."""

from fastapi import APIRouter, Request, Response

from album_service import policy
from album_service.arranging import reordered
from album_service.dependencies import (
    AlbumId,
    Albums,
    Arranging,
    Audit,
    Browsing,
    Collaborating,
    IfMatch,
    Owner,
    Sharing,
    UserId,
    Visitor,
    WantedPage,
)
from album_service.responses import changed_without_content
from album_service.schemas import (
    ShareBody,
    ShareOut,
    SongOrder,
    audited,
    audited_with_collaborators,
    audited_with_songs,
    moved_songs,
    share_out,
)
from shared.contracts.albums import AlbumOut, AlbumWithSongs
from shared.http.idempotency import IdempotentRoute
from shared.http.openapi import ETAGGED, LISTED, refusals, with_etag
from shared.http.responses import changed_response, json_response, list_response

router = APIRouter(prefix="/albums", tags=["playlists"], route_class=IdempotentRoute)


@router.get(
    "/user/collaborations",
    summary="Albums on which the caller collaborates",
    response_model=list[AlbumOut],
    responses=LISTED,
)
async def my_collaborations(request: Request, page: WantedPage, owner: Owner, browsing: Browsing) -> Response:
    total = await browsing.count(browsing.collaborations(owner)) if page.total else None
    return list_response(request, await browsing.of_collaborator(owner, page), page, total)


@router.get(
    "/shared/{token}",
    summary="The album of a share link, with its listed songs",
    response_model=AlbumWithSongs,
    responses=ETAGGED,
)
async def shared_album(
    request: Request, token: str, _: Visitor, sharing: Sharing, browsing: Browsing
) -> Response:
    return json_response(request, await browsing.shared(await sharing.album(token)))


@router.put(
    "/{album_id}/songs",
    summary="Set the order of the songs",
    response_model=AlbumOut,
    responses={**with_etag(), **refusals(409, 412)},
)
async def set_order(
    album_id: AlbumId,
    order: SongOrder,
    required: IfMatch,
    owner: Owner,
    albums: Albums,
    arranging: Arranging,
    browsing: Browsing,
    audit: Audit,
) -> Response:
    album = await albums.get(album_id)
    policy.check_may_arrange(owner, album)
    wanted = [each.lower() for each in order.song_ids]
    moved = moved_songs(album.song_ids, reordered(album.song_ids, wanted))
    async with audit.of_admin(owner, "album.order", album.id, audited_with_songs(album, moved)) as record:
        changed = await arranging.set_order(album, wanted, owner, required.revision_of(album))
        record.after = audited_with_songs(changed, moved)
    return changed_response(await browsing.changed(changed, owner))


@router.put(
    "/{album_id}/collaborators/{user_id}",
    status_code=204,
    summary="Add a collaborator",
    responses={**with_etag(204), **refusals(409, 412)},
)
async def add_collaborator(
    album_id: AlbumId,
    user_id: UserId,
    required: IfMatch,
    owner: Owner,
    albums: Albums,
    collaborating: Collaborating,
    audit: Audit,
) -> Response:
    album = await albums.get(album_id)
    policy.check_may_change(owner, album)
    before = audited_with_collaborators(album)
    async with audit.of_admin(owner, "album.collaborator_added", album.id, before) as record:
        changed = await collaborating.add(album, user_id, required.revision_of(album))
        record.after = audited_with_collaborators(changed)
    return changed_without_content(changed)


@router.delete(
    "/{album_id}/collaborators/{user_id}",
    status_code=204,
    summary="Remove a collaborator, who may also do it themselves",
    responses={**with_etag(204), **refusals(409, 412)},
)
async def remove_collaborator(
    album_id: AlbumId,
    user_id: UserId,
    required: IfMatch,
    owner: Owner,
    albums: Albums,
    collaborating: Collaborating,
    audit: Audit,
) -> Response:
    album = await albums.get(album_id)
    policy.check_may_remove_collaborator(owner, album, user_id)
    before = audited_with_collaborators(album)
    async with audit.of_admin(owner, "album.collaborator_removed", album.id, before) as record:
        changed = await collaborating.remove(album, user_id, required.revision_of(album))
        record.after = audited_with_collaborators(changed)
    return changed_without_content(changed)


@router.post(
    "/{album_id}/share", status_code=201, summary="Create a share link for people without an account"
)
async def share_album(
    album_id: AlbumId,
    owner: Owner,
    albums: Albums,
    sharing: Sharing,
    audit: Audit,
    body: ShareBody | None = None,
) -> ShareOut:
    album = await albums.get(album_id)
    policy.check_may_change(owner, album)
    async with audit.of_admin(owner, "album.shared", album.id, audited(album)):
        return share_out(await sharing.share(album, body.days if body else None))


@router.delete("/{album_id}/share", status_code=204, summary="Revoke all share links of the album")
async def revoke_links(
    album_id: AlbumId, owner: Owner, albums: Albums, sharing: Sharing, audit: Audit
) -> None:
    album = await albums.get(album_id)
    policy.check_may_change(owner, album)
    async with audit.of_admin(owner, "album.links_revoked", album.id, audited(album)):
        await sharing.revoke(album)
