"""Who may see and do what with an album: pure functions of the caller and the album."""

from album_service.domain import Album, AlbumNotFoundError, NotYourAlbumError
from shared.access.caller import Caller, Principal
from shared.access.permissions import Permission


def may_see(caller: Principal, album: Album) -> bool:
    """Everybody may see listed albums; only the creator and admins see others.

    Collaborators see private albums, but none that an admin has hidden.
    """
    if album.is_listed:
        return True
    if not isinstance(caller, Caller):
        return False
    if caller.id == album.creator_id or caller.may(Permission.SEE_EVERYTHING):
        return True
    return album.is_visible and caller.id in album.collaborator_ids


def check_may_see(caller: Principal, album: Album) -> None:
    """Raises AlbumNotFoundError for callers who may not see the album."""
    if not may_see(caller, album):
        raise AlbumNotFoundError


def check_may_change(caller: Caller, album: Album) -> None:
    """Creators change their own albums, admins any.

    Raises:
        AlbumNotFoundError: the caller may not even see it.
        NotYourAlbumError: it belongs to another user.
    """
    if caller.may(Permission.CHANGE_ANY_ALBUM):
        return
    check_may_see(caller, album)
    if caller.id != album.creator_id:
        raise NotYourAlbumError


def check_may_arrange(caller: Caller, album: Album) -> None:
    """Collaborators add, remove and reorder songs as creators do.

    Raises:
        AlbumNotFoundError: the caller may not even see it.
        NotYourAlbumError: it belongs to another user.
    """
    check_may_see(caller, album)
    if caller.id not in album.collaborator_ids:
        check_may_change(caller, album)


def check_may_remove_collaborator(caller: Caller, album: Album, user_id: str) -> None:
    """Collaborators may remove themselves. Raises as `check_may_change` does."""
    check_may_see(caller, album)
    if not (caller.id == user_id and user_id in album.collaborator_ids):
        check_may_change(caller, album)


def sees_collaborators(caller: Principal, album: Album) -> bool:
    """Whether the caller sees the collaborators: the creator and the collaborators do."""
    return isinstance(caller, Caller) and caller.id in (album.creator_id, *album.collaborator_ids)


def may_publish(caller: Caller) -> bool:
    """Whether the caller may set `isPublic`; albums of others are private."""
    return caller.may(Permission.PUBLISH_ALBUMS)
