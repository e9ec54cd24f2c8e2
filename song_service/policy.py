"""Who may see and do what with a song: pure functions of the caller and the song."""

from shared.access.caller import Caller, Principal, RoleError
from shared.access.permissions import Permission
from song_service.domain import NotYourSongError, Song, SongNotFoundError


def may_see(caller: Principal, song: Song) -> bool:
    """Everybody may see listed songs; only the artist and admins see others."""
    if song.is_listed:
        return True
    if not isinstance(caller, Caller):
        return False
    return caller.id == song.artist_id or caller.may(Permission.SEE_EVERYTHING)


def check_may_see(caller: Principal, song: Song) -> None:
    """Raises SongNotFoundError for callers who may not see the song."""
    if not may_see(caller, song):
        raise SongNotFoundError


def check_may_change(caller: Caller, song: Song) -> None:
    """Artists change their own songs, admins any.

    Raises:
        SongNotFoundError: the caller may not even see it.
        RoleError: the caller's role may not change songs.
        NotYourSongError: it belongs to another artist.
    """
    if caller.may(Permission.CHANGE_ANY_SONG):
        return
    if not caller.may(Permission.CHANGE_OWN_SONGS):
        raise RoleError
    check_may_see(caller, song)
    if caller.id != song.artist_id:
        raise NotYourSongError
