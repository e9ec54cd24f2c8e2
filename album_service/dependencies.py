"""What the routes of the album service need, named once. The only reader of `request.state` here."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from album_service.browsing import Browsing
from album_service.domain import AlbumNotFoundError, SongNotFoundError
from album_service.editing import Editing
from album_service.ports import AlbumRepository
from album_service.settings import AlbumSettings
from shared.access.caller import Caller
from shared.access.guards import Access, Allowed, AnyCaller
from shared.access.permissions import Permission
from shared.http.health import Probe
from shared.http.pagination import Page, page_of_request
from shared.ids import is_id


@dataclass(frozen=True, slots=True)
class Resources:
    """What the app is a function of. Built by wiring.py, or by whoever runs the service elsewhere."""

    access: Access
    settings: AlbumSettings
    albums: AlbumRepository
    browsing: Browsing
    editing: Editing
    probes: dict[str, Probe]


def resources(request: Request) -> Resources:
    """What this app was built with."""
    found = request.state.resources
    assert isinstance(found, Resources)  # noqa: S101 - narrows the type of untyped state
    return found


def _album_id(album_id: Annotated[str, Path(description="24 hexadecimal characters")]) -> str:
    if not is_id(album_id):
        raise AlbumNotFoundError
    return album_id.lower()


def _song_id(song_id: Annotated[str, Path(description="24 hexadecimal characters")]) -> str:
    if not is_id(song_id):
        raise SongNotFoundError
    return song_id.lower()


Needs = Annotated[Resources, Depends(resources)]
AlbumId = Annotated[str, Depends(_album_id)]
SongId = Annotated[str, Depends(_song_id)]
WantedPage = Annotated[Page, Depends(page_of_request)]

Anyone = AnyCaller
Creator = Annotated[Caller, Depends(Allowed(Permission.CREATE_ALBUMS))]
Owner = Annotated[Caller, Depends(Allowed(Permission.CHANGE_OWN_ALBUMS))]
Publisher = Annotated[Caller, Depends(Allowed(Permission.PUBLISH_ALBUMS))]
Admin = Annotated[Caller, Depends(Allowed(Permission.HIDE_THINGS))]
