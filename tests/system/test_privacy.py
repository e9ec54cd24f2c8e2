"""Private, hidden and deleted content is invisible to others, whatever was cached before."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.system.media import make_album, upload
from tests.system.problems import problem_in
from tests.system.running import People, Person, RunningSystem

WARMED_BY = ("", "owner anyone", "admin anyone owner other")


async def places_of_song(
    song_id: str, companion_id: str, album_id: str, client: httpx.AsyncClient
) -> set[str]:
    """Where this client sees the song, of all places where a song can be seen."""
    paths = (
        "/songs",
        "/songs?limit=100",
        "/songs?limit=100&total=true&t=1",
        "/songs/trending?count=50",
        "/songs/recommendations/for-you?count=50",
        "/songs/artist/my-songs",
        f"/songs/{song_id}",
        f"/songs/{song_id.upper()}",
        f"/songs/{companion_id}/similar?count=50",
        f"/albums/{album_id}",
        "/admin/songs",
    )
    seen = {path for path in paths if song_id in (await client.get(path)).text}
    if (await client.get(f"/songs/{song_id}/similar")).status_code == 200:
        seen.add("its similar songs")
    if song_id in (await client.post("/songs/batch", json={"ids": [companion_id, song_id]})).text:
        seen.add("batch")
    return seen


@pytest.fixture(scope="module")
def system(emptied: RunningSystem) -> RunningSystem:
    """Every list is read again and again, and holds few songs here."""
    return emptied


class Cast:
    """People around a listed song in a listed album, beside another."""

    def __init__(self, people: People, owner: Person, other: Person, admin: Person) -> None:
        self.owner, self.other, self.admin = owner, other, admin
        self.clients = {
            "anyone": people.client(),
            "owner": owner.http,
            "other": other.http,
            "admin": admin.http,
        }
        self.song: dict[str, Any] = {}
        self.companion: dict[str, Any] = {}
        self.album: dict[str, Any] = {}

    async def places(self, who: str) -> set[str]:
        return await places_of_song(
            self.song["_id"], self.companion["_id"], self.album["_id"], self.clients[who]
        )


@pytest.fixture
async def cast(people: People) -> Cast:
    """The song has been played and played to its end, so that it would be recommended."""
    made = Cast(people, await people.artist(), await people.artist(), await people.admin())
    made.album = await make_album(made.owner)
    made.companion = await upload(made.owner, "Companion", albumId=made.album["_id"], genre="Jazz")
    made.song = await upload(made.owner, "The song", albumId=made.album["_id"], genre="Jazz")
    for each in (made.song, made.companion):
        assert (await made.other.post(f"/songs/{each['_id']}/track/play")).status_code == 200
        assert (await made.other.post(f"/songs/{each['_id']}/track/complete")).status_code == 200
    return made


async def make_private(cast: Cast) -> None:
    response = await cast.owner.patch(f"/songs/{cast.song['_id']}/visibility")
    assert response.json()["isPublic"] is False


async def patch_private(cast: Cast) -> None:
    response = await cast.owner.patch(f"/songs/{cast.song['_id']}", json={"isPublic": False})
    assert response.json()["isPublic"] is False


async def hide(cast: Cast) -> None:
    response = await cast.admin.patch(f"/admin/songs/{cast.song['_id']}/visible")
    assert response.json()["isVisible"] is False


async def delete(cast: Cast) -> None:
    assert (await cast.owner.delete(f"/songs/{cast.song['_id']}")).status_code == 200


UNLISTING: tuple[Callable[[Cast], Awaitable[None]], ...] = (make_private, patch_private, hide, delete)


@pytest.mark.parametrize("unlist", UNLISTING)
@pytest.mark.parametrize("warmed_by", WARMED_BY)
async def test_unlisted_song_is_invisible_to_others(
    unlist: Callable[[Cast], Awaitable[None]], warmed_by: str, cast: Cast
) -> None:
    for who in warmed_by.split():
        assert {"/songs", "batch", "its similar songs"} <= await cast.places(who)
    await unlist(cast)
    for who in reversed(warmed_by.split()):
        await cast.places(who)

    assert await cast.places("anyone") == set()
    assert await cast.places("other") == set()
    own, admins = await cast.places("owner"), await cast.places("admin")
    if unlist is delete:
        assert own == admins == set()
    else:
        by_id = {f"/songs/{cast.song['_id']}", f"/songs/{cast.song['_id'].upper()}"}
        everywhere = by_id | {f"/albums/{cast.album['_id']}", "its similar songs", "batch"}
        assert own == everywhere | {"/songs/artist/my-songs"}
        assert admins == everywhere | {"/admin/songs"}
    assert await cast.places("anyone") == set()


async def test_relisted_song_returns_at_the_next_request(cast: Cast) -> None:
    listed = await cast.places("anyone")
    await hide(cast)
    assert await cast.places("anyone") == set()
    shown = await cast.admin.patch(f"/admin/songs/{cast.song['_id']}/visible", json={"isVisible": True})
    assert shown.json()["isVisible"] is True
    assert {"/songs", "batch", f"/albums/{cast.album['_id']}"} <= await cast.places("anyone")
    synced = {"/songs/trending?count=50", f"/songs/{cast.companion['_id']}/similar?count=50"}
    assert await cast.places("anyone") <= listed | synced


async def test_private_and_hidden_are_independent(cast: Cast) -> None:
    await make_private(cast)
    await cast.admin.patch(f"/admin/songs/{cast.song['_id']}/visible", json={"isVisible": True})
    assert await cast.places("anyone") == set()
    await hide(cast)
    await cast.owner.patch(f"/songs/{cast.song['_id']}/visibility", json={"isPublic": True})
    assert await cast.places("anyone") == set()


@pytest.mark.parametrize("hidden_by", ["creator", "admin", "deletion"])
@pytest.mark.parametrize("warmed_by", WARMED_BY)
async def test_unlisted_album_is_invisible_to_others(hidden_by: str, warmed_by: str, people: People) -> None:
    owner, admin = await people.artist(), await people.admin()
    clients = {"anyone": people.client(), "owner": owner.http, "admin": admin.http}
    clients["other"] = (await people.user()).http
    album_id = (await make_album(owner))["_id"]
    paths = ("/albums", "/albums?limit=100", f"/albums/{album_id}", "/albums/user/my-albums", "/admin/albums")

    async def seen_by(who: str) -> set[str]:
        return {path for path in paths if album_id in (await clients[who].get(path)).text}

    for who in warmed_by.split():
        assert "/albums" in await seen_by(who)
    if hidden_by == "creator":
        assert (await owner.patch(f"/albums/{album_id}/visibility")).json()["isPublic"] is False
    elif hidden_by == "admin":
        assert (await admin.patch(f"/admin/albums/{album_id}/visible")).json()["isVisible"] is False
    else:
        assert (await owner.delete(f"/albums/{album_id}")).status_code == 200
    for who in reversed(warmed_by.split()):
        await seen_by(who)

    is_gone = hidden_by == "deletion"
    assert await seen_by("anyone") == set()
    assert await seen_by("other") == set()
    assert await seen_by("owner") == (set() if is_gone else {f"/albums/{album_id}", "/albums/user/my-albums"})
    assert await seen_by("admin") == (set() if is_gone else {f"/albums/{album_id}", "/admin/albums"})
    assert await seen_by("anyone") == set()


async def test_playlist_shows_only_songs_visible_to_caller(cast: Cast, people: People) -> None:
    user = await people.user()
    playlist = await make_album(user, "Mine")
    path = f"/albums/{playlist['_id']}"
    for each in (cast.song, cast.companion):
        assert (await user.post(f"{path}/songs", json={"songId": each["_id"]})).status_code == 200
    both = (await user.get(path)).json()
    assert [song["_id"] for song in both["songs"]] == [cast.song["_id"], cast.companion["_id"]]
    await hide(cast)
    shown = (await user.get(path)).json()
    assert [song["_id"] for song in shown["songs"]] == [cast.companion["_id"]]
    assert shown["songIds"] == [cast.companion["_id"]]
    as_admin = (await cast.admin.get(path)).json()
    assert [song["_id"] for song in as_admin["songs"]] == [cast.song["_id"], cast.companion["_id"]]


async def test_others_cannot_use_an_unlisted_song(cast: Cast, people: People) -> None:
    user = await people.user()
    playlist = await make_album(user, "Mine")
    await hide(cast)
    put = await user.post(f"/albums/{playlist['_id']}/songs", json={"songId": cast.song["_id"]})
    problem_in(put, 404, "song_not_found")
    for what in ("play", "complete", "skip"):
        problem_in(await user.post(f"/songs/{cast.song['_id']}/track/{what}"), 404, "song_not_found")
    unknown = await user.post(f"/albums/{playlist['_id']}/songs", json={"songId": "0" * 24})
    assert {**unknown.json(), "requestId": ""} == {**put.json(), "requestId": ""}


async def test_media_urls_cannot_be_derived_from_ids(people: People) -> None:
    artist = await people.artist()
    songs = [await upload(artist, title, isPublic="false") for title in ("One", "Another")]
    album = await make_album(artist, public=False)
    addresses = [song[name] for song in songs for name in ("imageUrl", "audioUrl")] + [album["imageUrl"]]
    parts = [re.fullmatch(r"(.+)/v\d+/(\w+/\w+)/([^/]+)/(\w+\.\w+)", address) for address in addresses]
    found = [part.groups() for part in parts if part is not None]
    secrets = [secret for _, _, secret, _ in found]
    assert len(set(secrets)) == len(addresses)
    assert all(len(secret) >= 22 for secret in secrets)
    assert not any(thing["_id"][:8] in secret for thing in (*songs, album) for secret in secrets)
    async with httpx.AsyncClient(timeout=60) as visitor:
        for address, (host, thing, secret, file) in zip(addresses, found, strict=True):
            assert (await visitor.get(address)).status_code == 200
            assert (await visitor.get(f"{host}/{thing}/{secret}/{file}")).status_code == 200
            for guess in (thing, f"{thing}/{secret[::-1]}", f"{thing}/{secrets[0][:-1]}"):
                assert (await visitor.get(f"{host}/{guess}/{file}")).status_code == 404
