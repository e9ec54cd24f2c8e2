"""What the routes of the song service need, named once. The only reader of `request.state` here."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from shared.access.caller import Caller
from shared.access.guards import Access, Allowed, AnyCaller
from shared.access.permissions import Permission
from shared.http.health import Probe
from shared.http.pagination import Page, page_of_request
from shared.ids import is_id
from song_service.browsing import Browsing
from song_service.catalogue import Catalogue
from song_service.discovery import Discovery
from song_service.domain import SongNotFoundError
from song_service.listening import Listening
from song_service.ports import SongRepository
from song_service.settings import SongSettings


@dataclass(frozen=True, slots=True)
class Resources:
    """What the app is a function of. Built by wiring.py, or by whoever runs the service elsewhere."""

    access: Access
    settings: SongSettings
    songs: SongRepository
    browsing: Browsing
    catalogue: Catalogue
    discovery: Discovery
    listening: Listening
    probes: dict[str, Probe]


def resources(request: Request) -> Resources:
    """What this app was built with."""
    found = request.state.resources
    assert isinstance(found, Resources)  # noqa: S101 - narrows the type of untyped state
    return found


def _song_id(song_id: Annotated[str, Path(description="24 hexadecimal characters")]) -> str:
    if not is_id(song_id):
        raise SongNotFoundError
    return song_id.lower()


Needs = Annotated[Resources, Depends(resources)]
SongId = Annotated[str, Depends(_song_id)]
WantedPage = Annotated[Page, Depends(page_of_request)]

Anyone = AnyCaller
Listener = Annotated[Caller, Depends(Allowed(Permission.TRACK_PLAYS))]
Recommended = Annotated[Caller, Depends(Allowed(Permission.GET_RECOMMENDATIONS))]
Uploader = Annotated[Caller, Depends(Allowed(Permission.UPLOAD_SONGS))]
Artist = Annotated[Caller, Depends(Allowed(Permission.CHANGE_OWN_SONGS))]
Admin = Annotated[Caller, Depends(Allowed(Permission.HIDE_THINGS))]
