"""Who may see and do what with an album: pure functions of the caller and the album."""

from album_service.domain import Album, AlbumNotFoundError, NotYourAlbumError
from shared.access.caller import Caller, Principal
from shared.access.permissions import Permission


def may_see(caller: Principal, album: Album) -> bool:
    """Listed albums are everybody's to see; others their creator's and the admins'."""
    if album.is_listed:
        return True
    if not isinstance(caller, Caller):
        return False
    return caller.id == album.creator_id or caller.may(Permission.SEE_EVERYTHING)


def check_may_see(caller: Principal, album: Album) -> None:
    """Raises AlbumNotFoundError: to whoever may not see an album there is none."""
    if not may_see(caller, album):
        raise AlbumNotFoundError


def check_may_change(caller: Caller, album: Album) -> None:
    """Creators change their own albums, admins any.

    Raises:
        AlbumNotFoundError: the caller may not even see it.
        NotYourAlbumError: it is another's.
    """
    if caller.may(Permission.CHANGE_ANY_ALBUM):
        return
    check_may_see(caller, album)
    if caller.id != album.creator_id:
        raise NotYourAlbumError


def may_publish(caller: Caller) -> bool:
    """Whether the caller's word on `isPublic` counts; others' albums are private."""
    return caller.may(Permission.PUBLISH_ALBUMS)
