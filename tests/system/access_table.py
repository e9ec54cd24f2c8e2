"""Who may call what: every documented call, and the status that each kind of caller gets. Data only."""

from dataclasses import dataclass

CALLERS = ("anonymous", "unregistered", "user", "artist", "owner", "admin", "blocked")
"""`owner` made the thing that a call is about: an artist, or a user when the thing is a user's."""

ANYONE = "200 200 200 200 200 200 200"
SIGNED_IN_204 = "401 403 204 204 204 204 403"
LIKE_UNLISTED = "401 403 404 404 204 204 403"
SIGNED_IN = "401 403 200 200 200 200 403"
ARTISTS = "401 403 403 200 200 200 403"
ADMINS = "401 403 403 403 403 200 403"

SEE_LISTED = ANYONE
SEE_UNLISTED = "404 404 404 404 200 200 404"
HEAR_UNLISTED = "401 403 404 404 200 200 403"
CHANGE_LISTED = "401 403 403 403 200 200 403"
CHANGE_UNLISTED_SONG = "401 403 403 404 200 200 403"
"""A role that changes no songs gets 403, whether or not the song exists."""
CHANGE_UNLISTED_ALBUM = "401 403 404 404 200 200 403"
CHANGE_USERS_ALBUM = "401 403 404 404 200 200 403"
CHANGE_204 = ("401 403 403 403 204 204 403", *["401 403 404 404 204 204 403"] * 2)
SHARE = ("401 403 403 403 201 201 403", *["401 403 404 404 201 201 403"] * 2, "401 403 404 404 409 409 403")
NOBODY = "404 404 404 404 404 404 404"
PUBLISH_USERS_ALBUM = "401 403 403 404 403 200 403"


@dataclass(frozen=True)
class Call:
    """A documented call. `listed` and `unlisted` are the statuses for each of `CALLERS`, by the state of the
    thing that it is about; without `unlisted` it is about no song or album. `users`: about a user's album.
    `hidden`: about a thing that an admin has hidden, where that differs from one that is not public.
    """

    method: str
    path: str
    listed: str
    unlisted: str | None = None
    users: str | None = None
    hidden: str | None = None


USER_CALLS = (
    Call("POST", "/auth/register", "401 201 200 200 200 200 403"),
    Call("GET", "/auth/me", "401 404 200 200 200 200 200"),
    Call("GET", "/auth/me/export", SIGNED_IN),
    Call("DELETE", "/auth/me", "401 403 202 202 202 202 403"),
    Call("GET", "/users", ANYONE),
    Call("GET", "/users/{user_id}", ANYONE),
    Call("POST", "/webhooks/clerk", "400 400 400 400 400 400 400"),
    Call("GET", "/admin/users", ADMINS),
    Call("GET", "/admin/users/audit", ADMINS),
    Call("PATCH", "/admin/users/{user_id}/block", ADMINS),
    Call("PATCH", "/admin/users/{user_id}/role", ADMINS),
    Call("DELETE", "/admin/users/{user_id}", ADMINS),
)

SONG_CALLS = (
    Call("GET", "/songs", ANYONE),
    Call("GET", "/songs/genres", ANYONE),
    Call("GET", "/songs/trending", ANYONE),
    Call("GET", "/songs/{song_id}", SEE_LISTED, SEE_UNLISTED),
    Call("GET", "/songs/{song_id}/similar", SEE_LISTED, SEE_UNLISTED),
    Call("POST", "/songs/batch", ANYONE),
    Call("POST", "/songs/{song_id}/track/play", SIGNED_IN, HEAR_UNLISTED),
    Call("POST", "/songs/{song_id}/track/complete", SIGNED_IN, HEAR_UNLISTED),
    Call("POST", "/songs/{song_id}/track/skip", SIGNED_IN, HEAR_UNLISTED),
    Call("GET", "/songs/recommendations/for-you", SIGNED_IN),
    Call("POST", "/songs", "401 403 403 201 201 201 403"),
    Call("PATCH", "/songs/{song_id}", CHANGE_LISTED, CHANGE_UNLISTED_SONG),
    Call("DELETE", "/songs/{song_id}", CHANGE_LISTED, CHANGE_UNLISTED_SONG),
    Call("PATCH", "/songs/{song_id}/visibility", CHANGE_LISTED, CHANGE_UNLISTED_SONG),
    Call("GET", "/songs/artist/my-songs", ARTISTS),
    Call("PUT", "/songs/{song_id}/like", SIGNED_IN_204, LIKE_UNLISTED),
    Call("DELETE", "/songs/{song_id}/like", SIGNED_IN_204, LIKE_UNLISTED),
    Call("GET", "/songs/liked", SIGNED_IN),
    Call("POST", "/songs/liked/check", SIGNED_IN),
    Call("GET", "/songs/history", SIGNED_IN),
    Call("DELETE", "/songs/history", SIGNED_IN_204),
    Call("GET", "/songs/artist/stats", ARTISTS),
    Call("GET", "/admin/songs", ADMINS),
    Call("GET", "/admin/songs/audit", ADMINS),
    Call("PATCH", "/admin/songs/{song_id}/visible", ADMINS, ADMINS),
)

ALBUM_CALLS = (
    Call("GET", "/albums", ANYONE),
    Call("GET", "/albums/{album_id}", SEE_LISTED, SEE_UNLISTED, SEE_UNLISTED),
    Call("POST", "/albums", "401 403 201 201 201 201 403"),
    Call("PATCH", "/albums/{album_id}", CHANGE_LISTED, CHANGE_UNLISTED_ALBUM, CHANGE_USERS_ALBUM),
    Call("DELETE", "/albums/{album_id}", CHANGE_LISTED, CHANGE_UNLISTED_ALBUM, CHANGE_USERS_ALBUM),
    Call("POST", "/albums/{album_id}/songs", CHANGE_LISTED, CHANGE_UNLISTED_ALBUM, CHANGE_USERS_ALBUM),
    Call(
        "DELETE",
        "/albums/{album_id}/songs/{song_id}",
        CHANGE_LISTED,
        CHANGE_UNLISTED_ALBUM,
        CHANGE_USERS_ALBUM,
    ),
    Call("GET", "/albums/user/my-albums", SIGNED_IN),
    Call("GET", "/albums/user/collaborations", SIGNED_IN),
    Call("GET", "/albums/shared/{token}", NOBODY),
    Call("PUT", "/albums/{album_id}/songs", CHANGE_LISTED, CHANGE_UNLISTED_ALBUM, CHANGE_USERS_ALBUM),
    Call("PUT", "/albums/{album_id}/collaborators/{user_id}", *CHANGE_204),
    Call("DELETE", "/albums/{album_id}/collaborators/{user_id}", *CHANGE_204),
    Call("POST", "/albums/{album_id}/share", *SHARE),
    Call("DELETE", "/albums/{album_id}/share", *CHANGE_204),
    Call("PATCH", "/albums/{album_id}/visibility", CHANGE_LISTED, CHANGE_UNLISTED_SONG, PUBLISH_USERS_ALBUM),
    Call("GET", "/admin/albums", ADMINS),
    Call("GET", "/admin/albums/audit", ADMINS),
    Call("PATCH", "/admin/albums/{album_id}/visible", ADMINS, ADMINS, ADMINS),
)
