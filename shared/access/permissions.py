"""Who may do what: the matrix of roles and permissions, as data.

Each service's policy.py checks who owns a song, album or account.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from types import MappingProxyType


class Role(StrEnum):
    """The role of a user. Only admins grant roles."""

    USER = "user"
    ARTIST = "artist"
    ADMIN = "admin"


class Permission(Enum):
    """What the API lets a signed-in caller do."""

    DELETE_OWN_ACCOUNT = auto()
    EXPORT_OWN_ACCOUNT = auto()
    TRACK_PLAYS = auto()
    GET_RECOMMENDATIONS = auto()
    UPLOAD_SONGS = auto()
    CHANGE_OWN_SONGS = auto()
    CHANGE_ANY_SONG = auto()
    CREATE_ALBUMS = auto()
    PUBLISH_ALBUMS = auto()
    CHANGE_OWN_ALBUMS = auto()
    CHANGE_ANY_ALBUM = auto()
    SEE_EVERYTHING = auto()
    HIDE_THINGS = auto()
    MANAGE_USERS = auto()


_EVERYONE_SIGNED_IN = frozenset(
    {
        Permission.DELETE_OWN_ACCOUNT,
        Permission.EXPORT_OWN_ACCOUNT,
        Permission.TRACK_PLAYS,
        Permission.GET_RECOMMENDATIONS,
        Permission.CREATE_ALBUMS,
        Permission.CHANGE_OWN_ALBUMS,
    }
)
_ARTISTS = _EVERYONE_SIGNED_IN | {
    Permission.UPLOAD_SONGS,
    Permission.CHANGE_OWN_SONGS,
    Permission.PUBLISH_ALBUMS,
}

PERMISSIONS_OF_ROLE: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.USER: _EVERYONE_SIGNED_IN,
        Role.ARTIST: _ARTISTS,
        Role.ADMIN: _ARTISTS
        | {
            Permission.CHANGE_ANY_SONG,
            Permission.CHANGE_ANY_ALBUM,
            Permission.SEE_EVERYTHING,
            Permission.HIDE_THINGS,
            Permission.MANAGE_USERS,
        },
    }
)
