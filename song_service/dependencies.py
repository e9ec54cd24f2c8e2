"""What the routes of the song service depend on, each named once. The only reader of `request.state` here.

Dependencies are asynchronous, for FastAPI runs others in a thread, and have no dependencies of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from shared.access.caller import Caller
from shared.access.guards import Access, Allowed, AnyCaller, AnyVisitor
from shared.access.permissions import Permission
from shared.audit import AuditRepository, AuditTrail
from shared.http.dependencies import AN_ID, checked_id, part_of
from shared.http.health import Probe
from shared.http.idempotency_keys import IdempotencyKeys
from shared.http.pagination import Page, page_of_request
from shared.http.schemas import BodyId
from shared.http.searching import SearchText
from shared.search import terms_of
from song_service import (
    accounts,
    browsing,
    catalogue,
    discovery,
    export,
    library,
    listening,
    searching,
    statistics,
    uploading,
)
from song_service.domain import SongNotFoundError
from song_service.ports import SongRepository
from song_service.search_ports import SongOrder, SongQuery
from song_service.settings import SongSettings

SECONDS = "In whole seconds"


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of the app. Built by wiring.py, or by the embedded system."""

    access: Access
    idempotency: IdempotencyKeys
    settings: SongSettings
    audit: AuditRepository
    songs: SongRepository
    browsing: browsing.Browsing
    uploading: uploading.Uploading
    catalogue: catalogue.Catalogue
    discovery: discovery.Discovery
    listening: listening.Listening
    library: library.Library
    statistics: statistics.Statistics
    searching: searching.SongSearching
    export: export.Export
    accounts: accounts.Accounts
    probes: dict[str, Probe]


def resources(request: Request) -> Resources:
    """The resources that the lifespan opened."""
    found: Resources = request.state.resources
    return found


_songs = part_of(resources, lambda found: found.songs)
_browsing = part_of(resources, lambda found: found.browsing)
_uploading = part_of(resources, lambda found: found.uploading)
_catalogue = part_of(resources, lambda found: found.catalogue)
_discovery = part_of(resources, lambda found: found.discovery)
_listening = part_of(resources, lambda found: found.listening)
_library = part_of(resources, lambda found: found.library)
_statistics = part_of(resources, lambda found: found.statistics)
_searching = part_of(resources, lambda found: found.searching)
_export = part_of(resources, lambda found: found.export)
_accounts = part_of(resources, lambda found: found.accounts)
_audit_entries = part_of(resources, lambda found: found.audit)
_audit_trail = part_of(resources, lambda found: AuditTrail(found.audit))


async def _song_query(
    q: SearchText = None,
    genre: Annotated[str | None, Query(max_length=100, description="Case-insensitive")] = None,
    mood: Annotated[str | None, Query(max_length=100, description="Case-insensitive")] = None,
    artist_id: Annotated[BodyId | None, Query(alias="artistId")] = None,
    album_id: Annotated[BodyId | None, Query(alias="albumId")] = None,
    min_duration: Annotated[
        int | None, Query(alias="minDuration", ge=0, le=10**6, description=SECONDS)
    ] = None,
    max_duration: Annotated[
        int | None, Query(alias="maxDuration", ge=0, le=10**6, description=SECONDS)
    ] = None,
    sort: Annotated[SongOrder | None, Query(description="Default: best matches of `q` first")] = None,
) -> SongQuery:
    return SongQuery(
        terms=terms_of(q or ""),
        genre=genre or None,
        mood=mood or None,
        artist_id=artist_id,
        album_id=album_id,
        min_duration=min_duration,
        max_duration=max_duration,
        order=sort,
    )


async def _upload_sizes(request: Request) -> Mapping[str, int]:
    settings = resources(request).settings
    return {"image": settings.max_image_bytes, "audio": settings.max_audio_bytes}


Accounts = Annotated[accounts.Accounts, Depends(_accounts)]
Export = Annotated[export.Export, Depends(_export)]
Songs = Annotated[SongRepository, Depends(_songs)]
Browsing = Annotated[browsing.Browsing, Depends(_browsing)]
Uploading = Annotated[uploading.Uploading, Depends(_uploading)]
Catalogue = Annotated[catalogue.Catalogue, Depends(_catalogue)]
Discovery = Annotated[discovery.Discovery, Depends(_discovery)]
Listening = Annotated[listening.Listening, Depends(_listening)]
Library = Annotated[library.Library, Depends(_library)]
Searching = Annotated[searching.SongSearching, Depends(_searching)]
WantedSongs = Annotated[SongQuery, Depends(_song_query)]
Statistics = Annotated[statistics.Statistics, Depends(_statistics)]

UploadSizes = Annotated[Mapping[str, int], Depends(_upload_sizes)]
"""The files of an upload, with the most bytes of each."""

SongId = Annotated[str, Path(description=AN_ID), checked_id(SongNotFoundError)]
"""An id in the path. SongNotFoundError for a malformed one."""

AuditEntries = Annotated[AuditRepository, Depends(_audit_entries)]
Audit = Annotated[AuditTrail, Depends(_audit_trail)]

UserId = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]

WantedPage = Annotated[Page, Depends(page_of_request)]

Anyone = AnyCaller
Visitor = AnyVisitor
Listener = Annotated[Caller, Depends(Allowed(Permission.TRACK_PLAYS))]
Recommended = Annotated[Caller, Depends(Allowed(Permission.GET_RECOMMENDATIONS))]
Uploader = Annotated[Caller, Depends(Allowed(Permission.UPLOAD_SONGS))]
Artist = Annotated[Caller, Depends(Allowed(Permission.CHANGE_OWN_SONGS))]
Admin = Annotated[Caller, Depends(Allowed(Permission.HIDE_THINGS))]
