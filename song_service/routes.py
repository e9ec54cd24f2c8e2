"""`/songs`: browsing, uploading and changing songs."""

from fastapi import APIRouter, Request, Response

from shared.cache.entry import Content
from shared.contracts.songs import SongIds, SongOut
from shared.http.forms import open_form
from shared.http.idempotency import IdempotentRoute, only_reads
from shared.http.openapi import ETAGGED, LISTED, SEARCHED, form_body, refusals, with_etag
from shared.http.responses import changed_response, json_response, list_response
from shared.http.schemas import Message, fields_of_form
from shared.http.searching import search_response
from song_service import policy
from song_service.dependencies import (
    Anyone,
    Artist,
    Audit,
    Browsing,
    Catalogue,
    Searching,
    SongId,
    Songs,
    Uploader,
    Uploading,
    UploadSizes,
    Visitor,
    WantedPage,
    WantedSongs,
)
from song_service.ports import SongFilter
from song_service.schemas import (
    GenreCount,
    SongFields,
    SongPatch,
    VisibilityBody,
    audited,
    song_json,
)

FILTERS = ("q", "genre", "mood", "artistId", "albumId", "minDuration", "maxDuration", "sort")

UPLOAD_FORM = form_body(SongFields, ("image", "audio"))

router = APIRouter(prefix="/songs", tags=["songs"], route_class=IdempotentRoute)


@router.get("", summary="Listed songs: all, or a search", response_model=list[SongOut], responses=SEARCHED)
async def listed_songs(
    request: Request,
    page: WantedPage,
    wanted: WantedSongs,
    _: Visitor,
    browsing: Browsing,
    searching: Searching,
) -> Response:
    if not wanted.is_plain:
        rows, found = await searching.find(wanted, page)
        return search_response(request, rows, page, found, FILTERS)
    total = await browsing.count(SongFilter(listed_only=True)) if page.total else None
    return list_response(request, await browsing.listed(page), page, total, filters=("sort",))


@router.get(
    "/genres",
    summary="Genres of listed songs, the most frequent first",
    response_model=list[GenreCount],
    responses=ETAGGED,
)
async def song_genres(request: Request, _: Visitor, searching: Searching) -> Response:
    return json_response(request, await searching.genres())


@router.get(
    "/artist/my-songs",
    summary="The artist's own songs in any state",
    response_model=list[SongOut],
    responses=LISTED,
)
async def my_songs(request: Request, page: WantedPage, artist: Artist, browsing: Browsing) -> Response:
    total = await browsing.count(SongFilter(artist_id=artist.id)) if page.total else None
    return list_response(request, await browsing.of_artist(artist.id, page), page, total)


@router.post(
    "/batch",
    summary="Up to 500 songs by id, in the order asked",
    response_model=list[SongOut],
    responses=with_etag(),
)
@only_reads
async def songs_by_id(request: Request, wanted: SongIds, caller: Anyone, browsing: Browsing) -> Response:
    """The songs that exist and that the caller may see. An unverified caller gets the listed ones."""
    rows = await browsing.batch([each.lower() for each in wanted.ids], caller)
    return json_response(request, rows.to_json())


@router.get("/{song_id}", summary="One song", response_model=SongOut, responses=ETAGGED)
async def one_song(request: Request, song_id: SongId, visitor: Visitor, browsing: Browsing) -> Response:
    listed = await browsing.listed_song(song_id)
    return json_response(request, listed or await browsing.one(song_id, await visitor.principal()))


@router.post(
    "",
    status_code=201,
    summary="Upload a song",
    response_model=SongOut,
    responses=with_etag(201),
    openapi_extra=UPLOAD_FORM,
)
async def upload_song(
    request: Request, artist: Uploader, sizes: UploadSizes, uploading: Uploading
) -> Response:
    async with open_form(request, sizes) as form:
        fields = fields_of_form(SongFields, form.fields, form.wrong_parts)
        song = await uploading.add(artist, fields.details(), form.files["image"], form.files["audio"])
    return changed_response(Content.of(song_json(song)), 201)


@router.patch("/{song_id}", summary="Change a song", response_model=SongOut, responses=with_etag())
async def change_song(
    song_id: SongId, patch: SongPatch, artist: Artist, songs: Songs, catalogue: Catalogue, audit: Audit
) -> Response:
    song = await songs.get(song_id)
    policy.check_may_change(artist, song)
    async with audit.of_admin(artist, "song.change", song.id, audited(song)) as record:
        changed = await catalogue.change(artist, song, patch.changes())
        record.after = audited(changed)
    return changed_response(Content.of(song_json(changed)))


@router.delete("/{song_id}", summary="Delete a song, its media and its catalogue entry")
async def delete_song(
    song_id: SongId, artist: Artist, songs: Songs, catalogue: Catalogue, audit: Audit
) -> Message:
    song = await songs.get(song_id)
    policy.check_may_change(artist, song)
    async with audit.of_admin(artist, "song.delete", song.id, audited(song)):
        await catalogue.remove(artist, song)
    return Message(message="Song deleted successfully")


@router.patch(
    "/{song_id}/visibility",
    summary="Flip or set isPublic",
    response_model=SongOut,
    responses={**with_etag(), **refusals(409)},
)
async def set_song_public(
    song_id: SongId,
    artist: Artist,
    songs: Songs,
    catalogue: Catalogue,
    audit: Audit,
    body: VisibilityBody | None = None,
) -> Response:
    song = await songs.get(song_id)
    policy.check_may_change(artist, song)
    async with audit.of_admin(artist, "song.public", song.id, {"isPublic": song.is_public}) as record:
        changed = await catalogue.set_public(song, body.is_public if body else None)
        record.after = {"isPublic": changed.is_public}
    return changed_response(Content.of(song_json(changed)))
