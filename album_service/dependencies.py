"""What the routes of the album service depend on, each named once. The only reader of `request.state` here.

Dependencies are asynchronous, for FastAPI runs others in a thread, and have no dependencies of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from album_service import accounts, arranging, browsing, collaborating, editing, export, searching, sharing
from album_service.domain import AlbumNotFoundError, SongNotFoundError, UserNotFoundError
from album_service.ports import AlbumRepository
from album_service.precondition import Precondition
from album_service.search_ports import AlbumOrder, AlbumQuery
from album_service.settings import AlbumSettings
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


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of the app. Built by wiring.py, or by the embedded system."""

    access: Access
    idempotency: IdempotencyKeys
    settings: AlbumSettings
    audit: AuditRepository
    albums: AlbumRepository
    browsing: browsing.Browsing
    editing: editing.Editing
    arranging: arranging.Arranging
    collaborating: collaborating.Collaborating
    sharing: sharing.Sharing
    searching: searching.AlbumSearching
    export: export.Export
    accounts: accounts.Accounts
    probes: dict[str, Probe]


def resources(request: Request) -> Resources:
    """The resources that the lifespan opened."""
    found: Resources = request.state.resources
    return found


_albums = part_of(resources, lambda found: found.albums)
_browsing = part_of(resources, lambda found: found.browsing)
_editing = part_of(resources, lambda found: found.editing)
_arranging = part_of(resources, lambda found: found.arranging)
_collaborating = part_of(resources, lambda found: found.collaborating)
_sharing = part_of(resources, lambda found: found.sharing)
_searching = part_of(resources, lambda found: found.searching)
_export = part_of(resources, lambda found: found.export)
_accounts = part_of(resources, lambda found: found.accounts)
_audit_entries = part_of(resources, lambda found: found.audit)
_audit_trail = part_of(resources, lambda found: AuditTrail(found.audit))


async def _precondition(
    if_match: Annotated[
        str | None,
        Header(max_length=1000, description="412 unless the album has one of these `ETag`s"),
    ] = None,
) -> Precondition:
    return Precondition.from_header(if_match)


async def _album_query(
    q: SearchText = None,
    creator_id: Annotated[BodyId | None, Query(alias="creatorId")] = None,
    sort: Annotated[AlbumOrder | None, Query(description="Default: best matches of `q` first")] = None,
) -> AlbumQuery:
    return AlbumQuery(terms=terms_of(q or ""), creator_id=creator_id, order=sort)


async def _upload_sizes(request: Request) -> Mapping[str, int]:
    return {"image": resources(request).settings.max_image_bytes}


Accounts = Annotated[accounts.Accounts, Depends(_accounts)]
Export = Annotated[export.Export, Depends(_export)]
Albums = Annotated[AlbumRepository, Depends(_albums)]
Browsing = Annotated[browsing.Browsing, Depends(_browsing)]
Arranging = Annotated[arranging.Arranging, Depends(_arranging)]
Collaborating = Annotated[collaborating.Collaborating, Depends(_collaborating)]
Sharing = Annotated[sharing.Sharing, Depends(_sharing)]
IfMatch = Annotated[Precondition, Depends(_precondition)]
"""The precondition of a change (`If-Match`)."""

Searching = Annotated[searching.AlbumSearching, Depends(_searching)]
WantedAlbums = Annotated[AlbumQuery, Depends(_album_query)]
Editing = Annotated[editing.Editing, Depends(_editing)]

UploadSizes = Annotated[Mapping[str, int], Depends(_upload_sizes)]
"""The files of an upload, with the most bytes of each."""

AlbumId = Annotated[str, Path(description=AN_ID), checked_id(AlbumNotFoundError)]
"""An id in the path. AlbumNotFoundError for a malformed one."""

SongId = Annotated[str, Path(description=AN_ID), checked_id(SongNotFoundError)]
"""An id in the path. SongNotFoundError for a malformed one."""

UserId = Annotated[str, Path(description=AN_ID), checked_id(UserNotFoundError)]
"""An id in the path. UserNotFoundError for a malformed one."""

AuditEntries = Annotated[AuditRepository, Depends(_audit_entries)]
Audit = Annotated[AuditTrail, Depends(_audit_trail)]

WantedPage = Annotated[Page, Depends(page_of_request)]

Anyone = AnyCaller
Visitor = AnyVisitor
Creator = Annotated[Caller, Depends(Allowed(Permission.CREATE_ALBUMS))]
Owner = Annotated[Caller, Depends(Allowed(Permission.CHANGE_OWN_ALBUMS))]
Publisher = Annotated[Caller, Depends(Allowed(Permission.PUBLISH_ALBUMS))]
Admin = Annotated[Caller, Depends(Allowed(Permission.HIDE_THINGS))]
