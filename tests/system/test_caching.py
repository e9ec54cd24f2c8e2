"""Responses cached in Redis, their keys and times to live, and their invalidation."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from tests.system.engine import until_synced
from tests.system.media import image, make_album, song_form, upload
from tests.system.running import People, Person, RunningSystem
from tests.system.storage import change

MINUTE = 60
FOR_YOU = "/songs/recommendations/for-you"


@pytest.fixture
async def redis(system: RunningSystem) -> AsyncIterator[Redis]:
    async with Redis(port=system.redis_port, db=0) as opened:
        yield opened


@dataclass
class Scene:
    """A listed song in a listed album of one artist, and somebody else who listens."""

    artist: Person
    admin: Person
    listener: Person
    anyone: httpx.AsyncClient
    song: dict[str, Any]
    album: dict[str, Any]

    def cached(self) -> dict[str, tuple[httpx.AsyncClient, str, int]]:
        """Documented key: who requests it where, and how long it lives, in seconds."""
        song, album = self.song["_id"], self.album["_id"]
        return {
            "songs:all:public": (self.anyone, "/songs", 5 * MINUTE),
            f"song:{song}": (self.anyone, f"/songs/{song}", 10 * MINUTE),
            f"artist:{self.artist.id}:songs": (self.artist.http, "/songs/artist/my-songs", 5 * MINUTE),
            "albums:all:public": (self.anyone, "/albums", 5 * MINUTE),
            f"album:{album}": (self.anyone, f"/albums/{album}", 10 * MINUTE),
            f"user:{self.artist.id}:albums": (self.artist.http, "/albums/user/my-albums", 5 * MINUTE),
            f"recommendations:user:{self.listener.id}": (self.listener.http, FOR_YOU, 10 * MINUTE),
            f"recommendations:similar:{song}": (self.anyone, f"/songs/{song}/similar?count=50", 10 * MINUTE),
            "recommendations:trending": (self.anyone, "/songs/trending?count=50", 5 * MINUTE),
        }

    async def views(self) -> dict[str, Any]:
        """Every cached response, by its key; None where the response is 404."""
        found = {}
        for key, (client, path, _) in self.cached().items():
            response = await client.get(path)
            assert response.status_code in (200, 404), (path, response.text)
            found[key] = response.json() if response.status_code == 200 else None
        return found


@pytest.fixture(scope="module")
def system(emptied: RunningSystem) -> RunningSystem:
    return emptied


@pytest.fixture
async def scene(people: People) -> Scene:
    artist = await people.artist()
    album = await make_album(artist, "An album")
    song = await upload(artist, "A song", genre="Rock", albumId=album["_id"])
    await upload(artist, "One like it", genre="Rock")
    return Scene(artist, await people.admin(), await people.user(), people.client(), song, album)


async def kept(redis: Redis, key: str) -> bool:
    return bool(await redis.exists(key))


async def test_documented_responses_are_cached_with_their_ttl(
    system: RunningSystem, scene: Scene, redis: Redis
) -> None:
    # Before, the engine may not be ready, and its fallbacks are valid for a short time only.
    await until_synced(system)
    for key, (client, path, seconds) in scene.cached().items():
        # Without the second everybody would have it in memory still, and not store it again.
        await redis.delete(key, "tag:everything")
        # While new songs are synced, a response of the engine is valid for a short time only.
        async for _ in until_kept(redis, key):
            assert (await client.get(path)).status_code == 200
        assert seconds - 5 <= await redis.ttl(key) <= seconds, key


async def until_kept(redis: Redis, key: str) -> AsyncIterator[int]:
    """Yields once, and again until the key is there; at most 600 times."""
    for attempt in range(600):
        yield attempt
        if await kept(redis, key):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{key} is not kept")


async def test_cached_responses_need_no_database(system: RunningSystem, scene: Scene) -> None:
    paths = [f"/songs/{scene.song['_id']}", "/songs", f"/albums/{scene.album['_id']}", "/albums"]
    before = [(await scene.anyone.get(path)).content for path in paths]
    mine = (await scene.artist.get("/songs/artist/my-songs")).content
    change(system, "songs.sqlite", "UPDATE songs SET title = 'Other' WHERE id = ?", scene.song["_id"])
    change(system, "albums.sqlite", "UPDATE albums SET title = 'Other' WHERE id = ?", scene.album["_id"])
    assert [(await scene.anyone.get(path)).content for path in paths] == before
    assert (await scene.artist.get("/songs/artist/my-songs")).content == mine
    # With a token too, as long as the response is the same for everybody.
    assert (await scene.listener.get(paths[0])).content == before[0]
    assert (await scene.listener.get(paths[2])).content == before[2]

    await scene.artist.patch(f"/songs/{scene.song['_id']}", json={"genre": "Folk"})
    assert (await scene.anyone.get(paths[0])).json()["title"] == "Other"
    assert (await scene.anyone.get(paths[2])).json()["songs"][0]["title"] == "Other"


async def test_only_first_pages_are_cached(system: RunningSystem, scene: Scene) -> None:
    first = await scene.anyone.get("/songs?limit=1")
    second = first.links["next"]["url"].removeprefix("/api")
    (old,) = (await scene.anyone.get(second)).json()
    change(system, "songs.sqlite", "UPDATE songs SET title = 'Other'")
    assert (await scene.anyone.get("/songs?limit=1")).json() == first.json()
    assert (await scene.anyone.get(second)).json() == [{**old, "title": "Other"}]
    await scene.artist.patch(f"/songs/{scene.song['_id']}", json={"genre": "Folk"})
    assert (await scene.anyone.get("/songs?limit=1")).json()[0]["title"] == "Other"


def ids(rows: Any) -> list[str]:
    return [row["_id"] for row in rows]


async def test_new_song_shows_in_every_list(scene: Scene) -> None:
    await scene.views()
    response = await scene.artist.post("/songs", **song_form("New", genre="Rock", albumId=scene.album["_id"]))
    new = response.json()["_id"]
    after = await scene.views()
    for key in ("songs:all:public", f"artist:{scene.artist.id}:songs", "recommendations:trending"):
        assert new in ids(after[key]), key
    assert ids(after[f"album:{scene.album['_id']}"]["songs"]) == [scene.song["_id"], new]


async def test_changed_song_shows_everywhere(scene: Scene) -> None:
    before = await scene.views()
    old = scene.song
    new = (await scene.artist.patch(f"/songs/{old['_id']}", json={"title": "Renamed"})).json()
    after = await scene.views()
    assert after[f"song:{old['_id']}"] == new
    shown = 0
    for key, view in before.items():
        rows, fresh = (view["songs"], after[key]["songs"]) if key.startswith("album:") else (view, after[key])
        if isinstance(rows, list) and old["_id"] in ids(rows):
            assert new in fresh, key
            shown += 1
    assert shown >= 5


@pytest.mark.parametrize("how", ["hidden", "private", "deleted"])
async def test_removed_song_disappears_everywhere(scene: Scene, how: str) -> None:
    await scene.views()
    song = scene.song["_id"]
    if how == "hidden":
        await scene.admin.patch(f"/admin/songs/{song}/visible")
    elif how == "private":
        await scene.artist.patch(f"/songs/{song}/visibility")
    else:
        await scene.artist.delete(f"/songs/{song}")
    after = await scene.views()
    assert after.pop(f"song:{song}") is None
    assert after.pop(f"recommendations:similar:{song}") is None
    mine = after.pop(f"artist:{scene.artist.id}:songs")
    assert (song in ids(mine)) == (how != "deleted")
    album = after.pop(f"album:{scene.album['_id']}")
    assert album["songs"] == []
    for key, rows in after.items():
        assert song not in ids(rows), key
    assert (await scene.artist.get(f"/songs/{song}")).status_code == (404 if how == "deleted" else 200)
    if how != "deleted":
        again = "/visibility" if how == "private" else "/visible"
        path = f"/songs/{song}{again}" if how == "private" else f"/admin/songs/{song}{again}"
        await scene.admin.patch(path)
        assert (await scene.views())[f"song:{song}"]["_id"] == song


async def test_new_album_shows_in_every_list(scene: Scene) -> None:
    await scene.views()
    new = (await make_album(scene.artist, "New"))["_id"]
    after = await scene.views()
    assert ids(after["albums:all:public"])[0] == new
    assert ids(after[f"user:{scene.artist.id}:albums"])[0] == new


async def test_changed_album_shows_everywhere(scene: Scene) -> None:
    await scene.views()
    album = scene.album["_id"]
    await scene.artist.patch(f"/albums/{album}", json={"title": "Renamed"})
    titles = await titles_of(scene)
    assert titles == ["Renamed"] * 3
    await scene.artist.delete(f"/albums/{album}/songs/{scene.song['_id']}")
    assert (await scene.views())[f"album:{album}"]["songs"] == []
    await scene.artist.post(f"/albums/{album}/songs", json={"songId": scene.song["_id"]})
    assert ids((await scene.views())[f"album:{album}"]["songs"]) == [scene.song["_id"]]


async def titles_of(scene: Scene) -> list[str]:
    """The album's title, wherever it is shown."""
    views, album = await scene.views(), scene.album["_id"]
    lists = [*views["albums:all:public"], *views[f"user:{scene.artist.id}:albums"]]
    return [views[f"album:{album}"]["title"], *(row["title"] for row in lists if row["_id"] == album)]


@pytest.mark.parametrize("how", ["hidden", "private", "deleted"])
async def test_removed_album_disappears_everywhere(scene: Scene, how: str) -> None:
    await scene.views()
    album = scene.album["_id"]
    if how == "hidden":
        await scene.admin.patch(f"/admin/albums/{album}/visible")
    elif how == "private":
        await scene.artist.patch(f"/albums/{album}/visibility")
    else:
        await scene.artist.delete(f"/albums/{album}")
    after = await scene.views()
    assert after[f"album:{album}"] is None
    assert album not in ids(after["albums:all:public"])
    assert (album in ids(after[f"user:{scene.artist.id}:albums"])) == (how != "deleted")
    assert after[f"song:{scene.song['_id']}"]["_id"] == scene.song["_id"]


async def test_matching_etag_is_304_until_a_change(scene: Scene) -> None:
    for key, (client, path, _) in scene.cached().items():
        if key.startswith("recommendations:"):
            continue  # these change by themselves while new songs are synced
        first = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == first.headers["etag"]
        weak = await client.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        assert weak.status_code == 304
        assert (await client.get(path, headers={"If-None-Match": '"other"'})).content == first.content
        assert first.headers["cache-control"] == "private, no-cache"
        assert "authorization" in first.headers["vary"].lower()
    path = f"/songs/{scene.song['_id']}"
    tag = (await scene.anyone.get(path)).headers["etag"]
    await scene.artist.patch(path, json={"title": "Changed"})
    assert (await scene.anyone.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_role_or_block_counts_at_next_request(people: People) -> None:
    admin, person = await people.admin(), await people.user()
    form = {
        "data": {"title": "Mine", "isPublic": "true"},
        "files": {"image": ("a.png", image(), "image/png")},
    }
    first = await person.post("/albums", **form)
    assert first.json()["isPublic"] is False
    await admin.patch(f"/admin/users/{person.id}/role", json={"role": "artist"})
    assert (await person.post("/albums", **form)).json()["isPublic"] is True
    await admin.patch(f"/admin/users/{person.id}/block", json={"isBlocked": True})
    assert (await person.post("/albums", **form)).json()["code"] == "user_blocked"
    await admin.patch(f"/admin/users/{person.id}/block", json={"isBlocked": False})
    assert (await person.post("/albums", **form)).status_code == 201
    await admin.delete(f"/admin/users/{person.id}")
    assert (await person.post("/albums", **form)).json()["code"] == "user_not_registered"
