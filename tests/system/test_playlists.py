"""Playlists that friends arrange together and share, from outside."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.system.media import image, make_album, upload
from tests.system.problems import problem_in
from tests.system.running import People, Person, RunningSystem


@dataclass
class Playlist:
    """A private album of `creator` with three songs of an artist; `friend` is a collaborator."""

    id: str
    songs: list[str]
    artist: Person
    creator: Person
    friend: Person

    @property
    def path(self) -> str:
        return f"/albums/{self.id}"


@pytest.fixture
async def playlist(people: People) -> Playlist:
    artist, creator, friend = await people.artist(), await people.user(), await people.user("Fay Friend")
    songs = [(await upload(artist, title))["_id"] for title in ("One", "Two", "Three")]
    album_id = (await make_album(creator, "Ours", public=False))["_id"]
    for song_id in songs:
        assert (await creator.post(f"/albums/{album_id}/songs", json={"songId": song_id})).is_success
    assert (await creator.put(f"/albums/{album_id}/collaborators/{friend.id}")).status_code == 204
    return Playlist(album_id, songs, artist, creator, friend)


async def songs_of(person: Person, playlist: Playlist) -> list[str]:
    response = await person.get(playlist.path)
    assert response.status_code == 200, response.text
    ids: list[str] = response.json()["songIds"]
    assert [song["_id"] for song in response.json()["songs"]] == ids
    return ids


async def test_stale_admin_change_is_412(playlist: Playlist, people: People) -> None:
    admin = await people.admin()
    path = f"/admin{playlist.path}/visible"
    old = (await playlist.creator.get(playlist.path)).headers["ETag"]
    assert (await playlist.creator.patch(playlist.path, json={"title": "Theirs"})).is_success
    problem_in(await admin.http.patch(path, headers={"If-Match": old}), 412, "album_changed")
    current = (await playlist.creator.get(playlist.path)).headers["ETag"]
    hidden = await admin.http.patch(path, headers={"If-Match": current})
    assert (hidden.status_code, hidden.json()["isVisible"]) == (200, False)


async def test_concurrent_reorder_gives_one_client_412(playlist: Playlist) -> None:
    one, two, three = playlist.songs
    tags = [(await each.get(playlist.path)).headers["ETag"] for each in (playlist.creator, playlist.friend)]
    responses = await asyncio.gather(
        playlist.creator.put(
            f"{playlist.path}/songs", json={"songIds": [three, two, one]}, headers={"If-Match": tags[0]}
        ),
        playlist.friend.put(
            f"{playlist.path}/songs", json={"songIds": [two, one, three]}, headers={"If-Match": tags[1]}
        ),
    )
    assert sorted(response.status_code for response in responses) == [200, 412]
    winner = next(response for response in responses if response.is_success)
    problem_in(next(response for response in responses if not response.is_success), 412, "album_changed")
    assert await songs_of(playlist.creator, playlist) == winner.json()["songIds"]
    again = await playlist.creator.put(
        f"{playlist.path}/songs",
        json={"songIds": playlist.songs},
        headers={"If-Match": winner.headers["ETag"]},
    )
    assert again.json()["songIds"] == playlist.songs


async def test_every_change_accepts_if_match(playlist: Playlist, people: People) -> None:
    old = (await playlist.creator.get(playlist.path)).headers["ETag"]
    assert (await playlist.creator.patch(playlist.path, json={"title": "Renamed"})).is_success
    extra = (await upload(playlist.artist, "Extra"))["_id"]
    stale = {"headers": {"If-Match": old}}
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "", {"json": {"title": "Again"}}),
        ("POST", "/songs", {"json": {"songId": extra}}),
        ("PUT", "/songs", {"json": {"songIds": playlist.songs}}),
        ("DELETE", f"/songs/{playlist.songs[0]}", {}),
        ("PUT", f"/collaborators/{(await people.user()).id}", {}),
        ("DELETE", f"/collaborators/{playlist.friend.id}", {}),
        ("DELETE", "", {}),
    ]
    for method, path, content in changes:
        sent = {**content, **stale}
        problem_in(
            await playlist.creator.http.request(method, f"{playlist.path}{path}", **sent),
            412,
            "album_changed",
        )
    for method, path, content in changes:
        present = (await playlist.creator.get(playlist.path)).headers["ETag"]
        sent = {**content, "headers": {"If-Match": present}}
        response = await playlist.creator.http.request(method, f"{playlist.path}{path}", **sent)
        assert response.is_success, (method, path, response.text)
        if (method, path) == ("POST", "/songs"):
            playlist.songs.append(extra)


async def test_every_change_returns_the_next_etag(people: People) -> None:
    artist, admin, friend = await people.artist(), await people.admin(), await people.user()
    files = {"image": ("cover.png", image(), "image/png")}
    made = await artist.post("/albums", data={"title": "Chained", "isPublic": "true"}, files=files)
    path, tag = f"/albums/{made.json()['_id']}", made.headers["ETag"]
    song = (await upload(artist))["_id"]
    changes: list[tuple[Person, str, str, dict[str, Any]]] = [
        (artist, "PUT", f"{path}/collaborators/{friend.id}", {}),
        (artist, "PATCH", path, {"json": {"title": "Renamed"}}),
        (admin, "PATCH", f"/admin{path}/visible", {"json": {"isVisible": False}}),
        (admin, "PATCH", f"/admin{path}/visible", {"json": {"isVisible": True}}),
        (friend, "POST", f"{path}/songs", {"json": {"songId": song}}),
        (artist, "PUT", f"{path}/songs", {"json": {"songIds": [song]}}),
        (artist, "DELETE", f"{path}/songs/{song}", {}),
        (artist, "PATCH", f"{path}/visibility", {}),
        (friend, "DELETE", f"{path}/collaborators/{friend.id}", {}),
    ]
    for person, method, changed, content in changes:
        response = await person.http.request(method, changed, **content, headers={"If-Match": tag})
        assert response.is_success, (method, changed, response.text)
        tag = response.headers["ETag"]
    assert (await artist.patch(path, json={"title": "Last"}, headers={"If-Match": tag})).is_success


async def test_reorder_must_keep_the_same_songs(playlist: Playlist) -> None:
    one, two, three = playlist.songs
    for order in ([], [one, two], [one, two, three, three], [one, two, "f" * 24], ["x"]):
        problem_in(
            await playlist.creator.put(f"{playlist.path}/songs", json={"songIds": order}), 409, "songs_differ"
        )
    for body in ({}, {"songIds": "x"}, {"songIds": [1]}):
        problem_in(await playlist.creator.put(f"{playlist.path}/songs", json=body), 422, "invalid_fields")
    assert await songs_of(playlist.creator, playlist) == playlist.songs


async def test_song_is_added_at_a_position(playlist: Playlist) -> None:
    first = (await upload(playlist.artist, "First"))["_id"]
    body = {"songId": first, "position": 0}
    response = await playlist.friend.post(f"{playlist.path}/songs", json=body)
    assert response.json()["songIds"] == [first, *playlist.songs]
    problem_in(await playlist.friend.post(f"{playlist.path}/songs", json=body), 409, "song_in_album")
    for position in (-1, "0", 1.5):
        sent = {"songId": first, "position": position}
        problem_in(await playlist.friend.post(f"{playlist.path}/songs", json=sent), 422, "invalid_fields")


async def test_collaborators_arrange_and_nothing_else(playlist: Playlist, people: People) -> None:
    friend = playlist.friend
    assert await songs_of(friend, playlist) == playlist.songs
    assert (await friend.delete(f"{playlist.path}/songs/{playlist.songs[1]}")).is_success
    other = (await people.user()).id
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "", {"json": {"title": "Mine"}}),
        ("DELETE", "", {}),
        ("PUT", f"/collaborators/{other}", {}),
        ("DELETE", f"/collaborators/{other}", {}),
        ("POST", "/share", {}),
        ("DELETE", "/share", {}),
    ]
    for method, path, content in calls:
        response = await friend.http.request(method, f"{playlist.path}{path}", **content)
        problem_in(response, 403, "not_your_album")
    assert (await friend.delete(f"{playlist.path}/collaborators/{friend.id}")).status_code == 204
    problem_in(await friend.get(playlist.path), 404, "album_not_found")


async def test_only_members_see_the_collaborators(playlist: Playlist, people: People) -> None:
    for member in (playlist.creator, playlist.friend):
        assert (await member.get(playlist.path)).json()["collaboratorIds"] == [playlist.friend.id]
    own = (await playlist.creator.get("/albums/user/my-albums")).json()
    assert own[0]["collaboratorIds"] == [playlist.friend.id]
    shared = (await playlist.friend.get("/albums/user/collaborations?total=true&limit=9")).json()
    assert [album["_id"] for album in shared] == [playlist.id]
    public = await make_album(playlist.artist, "Public")
    path = f"/albums/{public['_id']}"
    assert (await playlist.artist.put(f"{path}/collaborators/{playlist.friend.id}")).status_code == 204
    for outsider in (people.client(), playlist.creator.http):
        for _ in range(2):
            assert "collaboratorIds" not in (await outsider.get(path)).json()
        listed = [each for each in (await outsider.get("/albums")).json() if each["_id"] == public["_id"]]
        assert "collaboratorIds" not in listed[0]
    for member in (playlist.artist, playlist.friend):
        assert (await member.get(path)).json()["collaboratorIds"] == [playlist.friend.id]


async def test_private_songs_stay_invisible_to_others(playlist: Playlist, people: People) -> None:
    friend_artist = await people.artist()
    assert (await playlist.creator.put(f"{playlist.path}/collaborators/{friend_artist.id}")).is_success
    secret = (await upload(friend_artist, "Secret", isPublic="false"))["_id"]
    problem_in(
        await playlist.friend.post(f"{playlist.path}/songs", json={"songId": secret}), 404, "song_not_found"
    )
    assert (await friend_artist.post(f"{playlist.path}/songs", json={"songId": secret})).is_success
    for other in (playlist.creator, playlist.friend):
        assert await songs_of(other, playlist) == playlist.songs
        assert secret not in (await other.get(playlist.path)).text
    link = (await playlist.creator.post(f"{playlist.path}/share")).json()
    assert secret not in (await people.client().get(link["path"])).text
    order = list(reversed(playlist.songs))
    assert (await playlist.creator.put(f"{playlist.path}/songs", json={"songIds": order})).is_success
    assert await songs_of(friend_artist, playlist) == [*order, secret]


async def test_link_shares_a_private_album_until_revoked(playlist: Playlist, people: People) -> None:
    response = await playlist.creator.post(f"{playlist.path}/share", json={"days": 7})
    link = response.json()
    assert response.status_code == 201
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", link["token"])
    assert link["path"] == f"/albums/shared/{link['token']}"
    assert re.fullmatch(r"\d{4}-.*Z", link["expiresAt"])
    forever = (await playlist.creator.post(f"{playlist.path}/share")).json()
    assert forever["expiresAt"] is None
    anyone = people.client()
    for each in (link, forever):
        shown = await anyone.get(each["path"])
        assert (shown.status_code, shown.json()["title"]) == (200, "Ours")
        assert [song["_id"] for song in shown.json()["songs"]] == playlist.songs
        assert "collaboratorIds" not in shown.json()
    assert (await playlist.creator.delete(f"{playlist.path}/share")).status_code == 204
    for each in (link, forever):
        problem_in(await anyone.get(each["path"]), 404, "shared_album_not_found")


async def test_all_invalid_links_are_the_same_404(playlist: Playlist, people: People) -> None:
    anyone, admin = people.client(), await people.admin()
    hidden = (await playlist.creator.post(f"{playlist.path}/share")).json()["path"]
    await admin.patch(f"/admin{playlist.path}/visible", json={"isVisible": False})
    responses = [await anyone.get(hidden)]
    await admin.patch(f"/admin{playlist.path}/visible", json={"isVisible": True})
    assert (await anyone.get(hidden)).status_code == 200
    assert (await playlist.creator.delete(playlist.path)).is_success
    responses.append(await anyone.get(hidden))
    responses += [
        await anyone.get(f"/albums/shared/{token}") for token in ("A" * 22, "x", "A" * 5000, "%00", "A.B")
    ]
    bodies = []
    for response in responses:
        problem_in(response, 404, "shared_album_not_found")
        bodies.append({key: value for key, value in response.json().items() if key != "requestId"})
    assert all(body == bodies[0] for body in bodies)


async def test_hidden_album_cannot_be_shared(playlist: Playlist, people: People) -> None:
    admin = await people.admin()
    await admin.patch(f"/admin{playlist.path}/visible", json={"isVisible": False})
    problem_in(await playlist.creator.post(f"{playlist.path}/share"), 409, "album_hidden")


async def test_tokens_are_neither_stored_nor_logged(
    playlist: Playlist, people: People, system: RunningSystem
) -> None:
    token = (await playlist.creator.post(f"{playlist.path}/share")).json()["token"]
    assert (await people.client().get(f"/albums/shared/{token}")).is_success
    for file in system.data_dir.rglob("*"):
        if file.is_file() and file.stat().st_size < 50_000_000:
            assert token.encode() not in file.read_bytes(), file.name


async def test_hidden_album_is_hidden_from_collaborators(playlist: Playlist, people: People) -> None:
    admin = await people.admin()
    await admin.patch(f"/admin{playlist.path}/visible", json={"isVisible": False})
    problem_in(await playlist.friend.get(playlist.path), 404, "album_not_found")
    assert (await playlist.friend.get("/albums/user/collaborations")).json() == []
    assert (await playlist.creator.get(playlist.path)).status_code == 200


async def test_playlist_has_at_most_fifty_collaborators(playlist: Playlist) -> None:
    path = f"{playlist.path}/collaborators"
    problem_in(await playlist.creator.put(f"{path}/{'f' * 24}"), 404, "user_not_found")
    problem_in(await playlist.creator.put(f"{path}/me"), 404, "user_not_found")
    problem_in(await playlist.creator.put(f"{path}/{playlist.creator.id}"), 409, "creator_is_collaborator")
    for _ in range(2):
        assert (await playlist.creator.put(f"{path}/{playlist.friend.id}")).status_code == 204


@pytest.mark.parametrize("days", [0, 366, "7", 1.5])
async def test_invalid_link_lifetimes_are_refused(playlist: Playlist, days: object) -> None:
    problem_in(await playlist.creator.post(f"{playlist.path}/share", json={"days": days}), 422)
