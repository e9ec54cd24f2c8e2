"""Fields that a PATCH must not change, and values of the wrong kind where text or a boolean belongs."""

from typing import Any

import pytest

from tests.system.media import image, make_album, song_form, upload
from tests.system.problems import problem_in
from tests.system.running import People, Person

SOMEBODY = "6b02e54d47536df235eeff05"

NOT_OF_A_SONG_PATCH: dict[str, Any] = {
    "_id": SOMEBODY,
    "id": SOMEBODY,
    "artistId": SOMEBODY,
    "artist_id": SOMEBODY,
    "artistName": "Somebody",
    "imageUrl": "https://evil.example.org/x.png",
    "audioUrl": "https://evil.example.org/x.mp3",
    "streamingUrls": {"low": "https://evil.example.org/x.mp3"},
    "duration": 9999,
    "isVisible": True,
    "is_visible": True,
    "createdAt": "2001-01-01T00:00:00.000Z",
    "updatedAt": "2001-01-01T00:00:00.000Z",
    "revision": 99,
    "$set": {"isVisible": True},
    "__proto__": {"isVisible": True},
}
NOT_OF_AN_ALBUM_PATCH: dict[str, Any] = {
    "_id": SOMEBODY,
    "creatorId": SOMEBODY,
    "creator_id": SOMEBODY,
    "creatorName": "Somebody",
    "imageUrl": "https://evil.example.org/x.png",
    "songIds": [SOMEBODY],
    "songs": [{"_id": SOMEBODY}],
    "isVisible": True,
    "createdAt": "2001-01-01T00:00:00.000Z",
    "updatedAt": "2001-01-01T00:00:00.000Z",
}
NOT_TEXT: list[Any] = [{"$gt": ""}, {"$ne": None}, ["a"], [], 7, 1.5, True]
NOT_BOOLEAN: list[Any] = [{"$ne": False}, "yes", "true", "false", "", 1, 0, []]


def without_time(thing: dict[str, Any], *others: str) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if name not in ("updatedAt", *others)}


async def hidden_song(artist: Person, admin: Person) -> dict[str, Any]:
    song = await upload(artist)
    hidden = await admin.patch(f"/admin/songs/{song['_id']}/visible", json={"isVisible": False})
    return dict(hidden.json())


async def test_song_patch_ignores_other_fields(people: People) -> None:
    artist = await people.artist()
    song = await hidden_song(artist, await people.admin())
    response = await artist.patch(f"/songs/{song['_id']}", json={**NOT_OF_A_SONG_PATCH, "title": "New"})
    assert response.status_code == 200
    assert without_time(response.json()) == {**without_time(song), "title": "New"}
    assert (await artist.get(f"/songs/{song['_id']}")).json() == response.json()
    assert response.json()["updatedAt"] > song["updatedAt"]


async def test_album_patch_ignores_other_fields(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    album = await make_album(artist)
    await admin.patch(f"/admin/albums/{album['_id']}/visible", json={"isVisible": False})
    response = await artist.patch(f"/albums/{album['_id']}", json={**NOT_OF_AN_ALBUM_PATCH, "title": "New"})
    assert response.status_code == 200
    assert without_time(response.json()) == {**without_time(album), "title": "New", "isVisible": False}
    kept = (await artist.get(f"/albums/{album['_id']}")).json()
    assert without_time(kept, "songs") == without_time(response.json())
    assert kept["songs"] == []


@pytest.mark.parametrize("kind", ["songs", "albums"])
async def test_patch_without_known_fields_changes_nothing(kind: str, people: People) -> None:
    artist = await people.artist()
    thing = await upload(artist) if kind == "songs" else await make_album(artist)
    path = f"/{kind}/{thing['_id']}"
    tag = (await artist.get(path)).headers["etag"]
    for body in ({}, {"duration": 9999}, {"title": None}):
        response = await artist.patch(path, json=body)
        assert (response.status_code, response.json()) == (200, thing)
    assert (await artist.get(path)).headers["etag"] == tag


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/admin/users/{id}/role", {"role": "artist", "isBlocked": True}),
        ("/admin/users/{id}/block", {"isBlocked": False, "role": "artist"}),
    ],
)
async def test_admin_patch_of_user_changes_one_field(path: str, body: dict[str, Any], people: People) -> None:
    admin, user = await people.admin(), await people.user()
    before = (await user.get("/auth/me")).json()
    not_own = {
        "clerkId": "user_x",
        "email": "x@test.local",
        "_id": SOMEBODY,
        "fullName": "X",
        "createdAt": "",
    }
    response = await admin.patch(path.format(id=user.id), json={**not_own, **body})
    own = "role" if path.endswith("role") else "isBlocked"
    assert without_time(response.json()) == {**without_time(before), own: body[own]}


async def test_is_public_from_a_listener_is_ignored(people: People) -> None:
    user = await people.user()
    form = {
        "data": {"title": "Mine", "isPublic": "true"},
        "files": {"image": ("c.png", image(), "image/png")},
    }
    album = (await user.post("/albums", **form)).json()
    assert album["isPublic"] is False
    response = await user.patch(f"/albums/{album['_id']}", json={"title": "Still mine", "isPublic": True})
    assert (response.status_code, response.json()["isPublic"]) == (200, False)
    assert response.json()["title"] == "Still mine"
    problem_in(await user.patch(f"/albums/{album['_id']}/visibility", json={"isPublic": True}), 403)
    problem_in(await people.client().get(f"/albums/{album['_id']}"), 404)


async def test_token_alone_decides_the_owner_of_uploads(people: People) -> None:
    artist, other = await people.artist("Nina"), await people.user()
    given = {
        "artistId": other.id,
        "artistName": "Other",
        "isVisible": "false",
        "duration": "999",
        "_id": SOMEBODY,
    }
    song = await upload(artist, **given)
    assert (song["artistId"], song["artistName"]) == (artist.id, "Nina")
    assert (song["isVisible"], song["duration"]) == (True, 1)
    assert song["_id"] != SOMEBODY


async def test_non_text_values_are_refused_in_text_fields(people: People) -> None:
    artist, admin, user = await people.artist(), await people.admin(), await people.user()
    song, album = await upload(artist), await make_album(artist)
    song_path, album_path = f"/songs/{song['_id']}", f"/albums/{album['_id']}"
    for wrong in NOT_TEXT:
        for field in ("title", "albumId", "genre", "mood"):
            problem_in(await artist.patch(song_path, json={field: wrong}), 422, "invalid_fields")
        problem_in(await artist.patch(album_path, json={"title": wrong}), 422, "invalid_fields")
        problem_in(await artist.post(f"{album_path}/songs", json={"songId": wrong}), 422, "invalid_fields")
        problem_in(await admin.patch(f"/admin/users/{user.id}/role", json={"role": wrong}), 422)
        problem_in(await people.client().post("/songs/batch", json={"ids": [wrong]}), 422)
    for wrong in ({"$in": [song["_id"]]}, "abc", 7, True, None):
        problem_in(await people.client().post("/songs/batch", json={"ids": wrong}), 422)
    assert (await artist.get(song_path)).json() == song
    assert (await artist.get(album_path)).json() == {**album, "songs": []}


async def test_non_boolean_values_are_refused_in_boolean_fields(people: People) -> None:
    artist, admin, user = await people.artist(), await people.admin(), await people.user()
    song, album = await upload(artist), await make_album(artist)
    for wrong in NOT_BOOLEAN:
        for person, path, field in (
            (artist, f"/songs/{song['_id']}", "isPublic"),
            (artist, f"/songs/{song['_id']}/visibility", "isPublic"),
            (artist, f"/albums/{album['_id']}", "isPublic"),
            (artist, f"/albums/{album['_id']}/visibility", "isPublic"),
            (admin, f"/admin/songs/{song['_id']}/visible", "isVisible"),
            (admin, f"/admin/albums/{album['_id']}/visible", "isVisible"),
            (admin, f"/admin/users/{user.id}/block", "isBlocked"),
        ):
            problem = problem_in(await person.patch(path, json={field: wrong}), 422)
            assert problem["detail"] == f"{field} must be true or false"
    assert (await artist.get(f"/songs/{song['_id']}")).json() == song
    assert (await artist.get(f"/albums/{album['_id']}")).json() == {**album, "songs": []}
    assert (await user.get("/auth/me")).json()["isBlocked"] is False


INVISIBLE = ("\u200b", "\u3164", "\u2800", "\u1160", "\uffa0", "\u17b4", "\ufe0f", "\u0301")


@pytest.mark.parametrize(
    "title",
    ["", " ", "\t", *INVISIBLE, "a\u0000b", "a\nb", "\u009b", "a\u2028b", "a\u2029", "x" * 201],
    ids=ascii,
)
async def test_unreadable_title_is_refused(title: str, people: People) -> None:
    artist = await people.artist()
    album = await make_album(artist)
    problem_in(await artist.patch(f"/albums/{album['_id']}", json={"title": title}), 422)
    form = {"data": {"title": title}, "files": {"image": ("c.png", image(), "image/png")}}
    problem_in(await artist.post("/albums", **form), 422)
    problem_in(await artist.post("/songs", **song_form(title)), 422)


@pytest.mark.parametrize(
    "title", ["x" * 200, "Ærøskøbing 🎧👩‍🎤", "<script>alert(1)</script>", "'; DROP TABLE songs;--", "𝕏"]
)
async def test_readable_title_is_returned_unchanged(title: str, people: People) -> None:
    artist = await people.artist()
    album = await make_album(artist, title)
    assert album["title"] == title
    assert (await people.client().get(f"/albums/{album['_id']}")).json()["title"] == title


async def test_null_clears_only_optional_fields(people: People) -> None:
    artist = await people.artist()
    album = await make_album(artist)
    song = await upload(artist, "Kept", genre="Folk", mood="calm", albumId=album["_id"])
    nothing = {"title": None, "isPublic": None, "albumId": None, "genre": None, "mood": None}
    changed = (await artist.patch(f"/songs/{song['_id']}", json=nothing)).json()
    assert (changed["title"], changed["isPublic"], changed["albumId"]) == ("Kept", True, None)
    assert "genre" not in changed
    assert "mood" not in changed
