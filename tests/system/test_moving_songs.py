"""A song goes into an album, and from one to another."""

import asyncio
from typing import Any

from tests.system.media import make_album, upload
from tests.system.running import People, Person


async def songs_of(reader: Person, album: dict[str, Any]) -> list[str]:
    return [song["title"] for song in (await reader.get(f"/albums/{album['_id']}")).json()["songs"]]


async def test_moved_song_changes_albums_at_once(people: People) -> None:
    artist = await people.artist()
    first, second = await make_album(artist, "First"), await make_album(artist, "Second")
    song = await upload(artist, "Wanderer", albumId=first["_id"])
    assert await songs_of(artist, first) == ["Wanderer"]

    moved = await artist.patch(f"/songs/{song['_id']}", json={"albumId": second["_id"]})
    assert moved.json()["albumId"] == second["_id"]
    assert (await songs_of(artist, first), await songs_of(artist, second)) == ([], ["Wanderer"])

    left = await artist.patch(f"/songs/{song['_id']}", json={"albumId": None})
    assert left.json()["albumId"] is None
    assert await songs_of(artist, second) == []


async def test_concurrent_moves_end_in_the_named_album(people: People) -> None:
    artist = await people.artist()
    for _ in range(5):
        albums = [await make_album(artist, title) for title in ("From", "One", "Another")]
        song = await upload(artist, "Torn", albumId=albums[0]["_id"])
        path = f"/songs/{song['_id']}"
        moves = (artist.patch(path, json={"albumId": album["_id"]}) for album in albums[1:])
        assert [response.status_code for response in await asyncio.gather(*moves)] == [200, 200]
        own = (await artist.get(path)).json()["albumId"]
        assert [each["_id"] for each in albums if await songs_of(artist, each)] == [own]


async def test_twelve_concurrent_moves_all_succeed(people: People) -> None:
    artist = await people.artist()
    albums = [await make_album(artist, f"Album {number}") for number in range(4)]
    song = await upload(artist, "Torn", albumId=albums[0]["_id"])
    path = f"/songs/{song['_id']}"
    for _ in range(6):
        targets = [albums[number % 4]["_id"] for number in range(12)]
        moves = (artist.patch(path, json={"albumId": target}) for target in targets)
        assert {response.status_code for response in await asyncio.gather(*moves)} == {200}
        named = (await artist.get(path)).json()["albumId"]
        assert [each["_id"] for each in albums if await songs_of(artist, each)] == [named]


async def test_admin_moves_songs_only_within_the_artist(
    people: People,
) -> None:
    artist, other, admin = await people.artist(), await people.artist(), await people.admin()
    own, foreign = await make_album(artist), await make_album(other)
    song = await upload(artist, "Moved for me")

    refused = await admin.patch(f"/songs/{song['_id']}", json={"albumId": foreign["_id"]})
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json()["errors"]] == ["albumId"]
    moved = await admin.patch(f"/songs/{song['_id']}", json={"albumId": own["_id"]})
    assert moved.status_code == 200
    assert await songs_of(artist, own) == ["Moved for me"]


async def test_deleted_song_leaves_its_album(people: People) -> None:
    artist = await people.artist()
    album = await make_album(artist)
    song = await upload(artist, "Short stay", albumId=album["_id"])
    assert (await artist.delete(f"/songs/{song['_id']}")).json() == {"message": "Song deleted successfully"}
    assert await songs_of(artist, album) == []
    assert (await artist.get("/albums/user/my-albums")).json()[0]["songIds"] == []
