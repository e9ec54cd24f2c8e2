"""`/albums`: browsing, making and changing albums."""

from fastapi import APIRouter, Request, Response

from album_service import policy
from album_service.dependencies import (
    AlbumId,
    Albums,
    Anyone,
    Arranging,
    Audit,
    Browsing,
    Creator,
    Editing,
    IfMatch,
    Owner,
    Publisher,
    Searching,
    SongId,
    UploadSizes,
    Visitor,
    WantedAlbums,
    WantedPage,
)
from album_service.ports import AlbumFilter
from album_service.schemas import AlbumFields, AlbumPatch, VisibilityBody, audited, audited_with_song
from shared.contracts.albums import AlbumOut, AlbumWithSongs, SongToAdd
from shared.http.forms import open_form
from shared.http.idempotency import IdempotentRoute
from shared.http.openapi import ETAGGED, LISTED, SEARCHED, form_body, refusals, with_etag
from shared.http.responses import changed_response, json_response, list_response
from shared.http.schemas import Message, fields_of_form
from shared.http.searching import search_response

ALBUM_FORM = form_body(AlbumFields, ("image",))

router = APIRouter(prefix="/albums", tags=["albums"], route_class=IdempotentRoute)


@router.get("", summary="Listed albums: all, or a search", response_model=list[AlbumOut], responses=SEARCHED)
async def listed_albums(
    request: Request,
    page: WantedPage,
    wanted: WantedAlbums,
    _: Visitor,
    browsing: Browsing,
    searching: Searching,
) -> Response:
    if not wanted.is_plain:
        rows, found = await searching.find(wanted, page)
        return search_response(request, rows, page, found, ("q", "creatorId", "sort"))
    total = await browsing.count(AlbumFilter(listed_only=True)) if page.total else None
    return list_response(request, await browsing.listed(page), page, total, filters=("sort",))


@router.get(
    "/user/my-albums",
    summary="The caller's own albums in any state",
    response_model=list[AlbumOut],
    responses=LISTED,
)
async def my_albums(request: Request, page: WantedPage, owner: Owner, browsing: Browsing) -> Response:
    total = await browsing.count(AlbumFilter(creator_id=owner.id)) if page.total else None
    return list_response(request, await browsing.of_user(owner, page), page, total)


@router.get(
    "/{album_id}", summary="One album with its songs", response_model=AlbumWithSongs, responses=ETAGGED
)
async def one_album(request: Request, album_id: AlbumId, caller: Anyone, browsing: Browsing) -> Response:
    return json_response(request, await browsing.one(album_id, caller))


@router.post(
    "",
    status_code=201,
    summary="Create an album",
    response_model=AlbumOut,
    responses=with_etag(201),
    openapi_extra=ALBUM_FORM,
)
async def add_album(
    request: Request, creator: Creator, sizes: UploadSizes, editing: Editing, browsing: Browsing
) -> Response:
    async with open_form(request, sizes) as form:
        fields = fields_of_form(AlbumFields, form.fields, form.wrong_parts)
        album = await editing.add(creator, fields.album(), form.files["image"])
    return changed_response(await browsing.changed(album, creator), 201)


@router.patch(
    "/{album_id}",
    summary="Change an album",
    response_model=AlbumOut,
    responses={**with_etag(), **refusals(412)},
)
async def change_album(
    album_id: AlbumId,
    patch: AlbumPatch,
    required: IfMatch,
    owner: Owner,
    albums: Albums,
    editing: Editing,
    browsing: Browsing,
    audit: Audit,
) -> Response:
    album = await albums.get(album_id)
    policy.check_may_change(owner, album)
    async with audit.of_admin(owner, "album.change", album.id, audited(album)) as record:
        changes = patch.changes(may_publish=policy.may_publish(owner))
        changed = await editing.change(album, changes, required.revision_of(album))
        record.after = audited(changed)
    return changed_response(await browsing.changed(changed, owner))


@router.delete("/{album_id}", summary="Delete an album; its songs stay", responses=refusals(412))
async def delete_album(
    album_id: AlbumId,
    required: IfMatch,
    owner: Owner,
    albums: Albums,
    editing: Editing,
    audit: Audit,
) -> Message:
    album = await albums.get(album_id)
    policy.check_may_change(owner, album)
    async with audit.of_admin(owner, "album.delete", album.id, audited(album)):
        await editing.remove(album, required.revision_of(album))
    return Message(message="Album deleted successfully")


@router.post(
    "/{album_id}/songs",
    summary="Add a song",
    response_model=AlbumOut,
    responses={**with_etag(), **refusals(409, 412)},
)
async def append_song(
    album_id: AlbumId,
    wanted: SongToAdd,
    required: IfMatch,
    owner: Owner,
    albums: Albums,
    arranging: Arranging,
    browsing: Browsing,
    audit: Audit,
) -> Response:
    album = await albums.get(album_id)
    policy.check_may_arrange(owner, album)
    async with audit.of_admin(owner, "album.song_added", album.id, audited(album)) as record:
        changed = await arranging.add_song(
            album, wanted.song_id, owner, wanted.position, required.revision_of(album)
        )
        record.after = audited_with_song(changed, wanted.song_id.lower())
    return changed_response(await browsing.changed(changed, owner))


@router.delete(
    "/{album_id}/songs/{song_id}",
    summary="Remove a song",
    response_model=AlbumOut,
    responses={**with_etag(), **refusals(412)},
)
async def take_song_out(
    album_id: AlbumId,
    song_id: SongId,
    required: IfMatch,
    owner: Owner,
    albums: Albums,
    arranging: Arranging,
    browsing: Browsing,
    audit: Audit,
) -> Response:
    album = await albums.get(album_id)
    policy.check_may_arrange(owner, album)
    before = audited_with_song(album, song_id)
    async with audit.of_admin(owner, "album.song_removed", album.id, before) as record:
        changed = await arranging.take_song_out(album, song_id, required.revision_of(album))
        record.after = audited(changed)
    return changed_response(await browsing.changed(changed, owner))


@router.patch(
    "/{album_id}/visibility",
    summary="Flip or set isPublic",
    response_model=AlbumOut,
    responses={**with_etag(), **refusals(409, 412)},
)
async def set_album_public(
    album_id: AlbumId,
    required: IfMatch,
    publisher: Publisher,
    albums: Albums,
    editing: Editing,
    browsing: Browsing,
    audit: Audit,
    body: VisibilityBody | None = None,
) -> Response:
    album = await albums.get(album_id)
    policy.check_may_change(publisher, album)
    async with audit.of_admin(publisher, "album.public", album.id, audited(album)) as record:
        wanted = body.is_public if body else None
        changed = await editing.set_public(album, wanted, required.revision_of(album))
        record.after = audited(changed)
    return changed_response(await browsing.changed(changed, publisher))
