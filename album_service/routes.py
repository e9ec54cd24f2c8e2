"""`/albums`: browsing, making and changing albums."""

from fastapi import APIRouter, Request, Response

from album_service import policy
from album_service.dependencies import (
    AlbumId,
    Anyone,
    Creator,
    Needs,
    Owner,
    Publisher,
    Resources,
    SongId,
    WantedPage,
)
from album_service.domain import Album
from album_service.openapi import ALBUM_FORM
from album_service.ports import AlbumFilter
from album_service.schemas import (
    AlbumFields,
    AlbumOut,
    AlbumPatch,
    AlbumWithSongs,
    SongToAdd,
    VisibilityBody,
    album_json,
)
from shared.access.caller import Caller
from shared.access.guards import DOCUMENTED_SECURITY
from shared.http.forms import open_form
from shared.http.openapi import ETAGGED, LISTED, refusals
from shared.http.responses import json_answer, list_answer
from shared.http.schemas import Message, fields_of_form

router = APIRouter(prefix="/albums", tags=["albums"], dependencies=DOCUMENTED_SECURITY)


@router.get("", summary="Listed albums, newest first", response_model=list[AlbumOut], responses=LISTED)
async def listed_albums(request: Request, page: WantedPage, _: Anyone, needs: Needs) -> Response:
    total = await needs.browsing.count(AlbumFilter(listed_only=True)) if page.total else None
    return list_answer(request, await needs.browsing.listed(page), page, total)


@router.get(
    "/user/my-albums",
    summary="The caller's own albums in any state",
    response_model=list[AlbumOut],
    responses=LISTED,
)
async def my_albums(request: Request, page: WantedPage, owner: Owner, needs: Needs) -> Response:
    total = await needs.browsing.count(AlbumFilter(creator_id=owner.id)) if page.total else None
    return list_answer(request, await needs.browsing.of_user(owner, page), page, total)


@router.get(
    "/{album_id}", summary="One album with its songs", response_model=AlbumWithSongs, responses=ETAGGED
)
async def one_album(request: Request, album_id: AlbumId, caller: Anyone, needs: Needs) -> Response:
    return json_answer(request, await needs.browsing.one(album_id, caller))


@router.post("", status_code=201, summary="Make an album", response_model=AlbumOut, openapi_extra=ALBUM_FORM)
async def add_album(request: Request, creator: Creator, needs: Needs) -> Response:
    async with open_form(request, {"image": needs.settings.max_image_bytes}) as form:
        fields = fields_of_form(AlbumFields, form.fields, form.wrong_files)
        album = await needs.editing.add(creator, fields, form.files["image"])
    return Response(album_json(album), 201, media_type="application/json")


@router.patch("/{album_id}", summary="Change an album", response_model=AlbumOut)
async def change_album(album_id: AlbumId, patch: AlbumPatch, owner: Owner, needs: Needs) -> Response:
    album = await needs.albums.get(album_id)
    policy.check_may_change(owner, album)
    changes = patch.changes(may_publish=policy.may_publish(owner))
    return await _changed(await needs.editing.change(album, changes), owner, needs)


@router.delete("/{album_id}", summary="Delete an album; its songs stay")
async def delete_album(album_id: AlbumId, owner: Owner, needs: Needs) -> Message:
    album = await needs.albums.get(album_id)
    policy.check_may_change(owner, album)
    await needs.editing.remove(album)
    return Message(message="Album deleted successfully")


@router.post(
    "/{album_id}/songs", summary="Put a song at the end", response_model=AlbumOut, responses=refusals(409)
)
async def append_song(album_id: AlbumId, wanted: SongToAdd, owner: Owner, needs: Needs) -> Response:
    album = await needs.albums.get(album_id)
    policy.check_may_change(owner, album)
    return await _changed(await needs.editing.append_song(album, wanted.song_id, owner), owner, needs)


@router.delete("/{album_id}/songs/{song_id}", summary="Take a song out", response_model=AlbumOut)
async def take_song_out(album_id: AlbumId, song_id: SongId, owner: Owner, needs: Needs) -> Response:
    album = await needs.albums.get(album_id)
    policy.check_may_change(owner, album)
    return await _changed(await needs.editing.take_song_out(album, song_id), owner, needs)


@router.patch(
    "/{album_id}/visibility", summary="Flip or set isPublic", response_model=AlbumOut, responses=refusals(409)
)
async def change_visibility(
    album_id: AlbumId, publisher: Publisher, needs: Needs, body: VisibilityBody | None = None
) -> Response:
    album = await needs.albums.get(album_id)
    policy.check_may_change(publisher, album)
    return await _changed(await needs.editing.show(album, body.is_public if body else None), publisher, needs)


async def _changed(album: Album, caller: Caller, needs: Resources) -> Response:
    return Response(await needs.browsing.changed(album, caller), media_type="application/json")
