"""The thinnest real path: sign in, register, upload, play, hide."""

import httpx

from tests.system.media import audio, make_album, upload
from tests.system.running import People


async def test_uploaded_song_can_be_found_and_played(people: People) -> None:
    artist = await people.artist("Nina")
    song = await upload(artist, "First light", genre="Jazz", sound=audio(seconds=3))
    anyone = people.client()

    assert (await anyone.get("/songs")).json()[0] == song
    assert (await anyone.get(f"/songs/{song['_id']}")).json() == song
    assert song["artistName"] == "Nina"
    assert song["duration"] == 3
    async with httpx.AsyncClient(timeout=60) as listener:
        for name, rate in (("low", 64), ("medium", 128), ("high", 320)):
            received = await listener.get(song["streamingUrls"][name])
            assert received.status_code == 200
            measured = len(received.content) * 8 / 1000 / 3
            assert 0.9 * rate < measured < 1.15 * rate, (name, measured)


async def test_hidden_song_disappears_at_the_next_request(people: People) -> None:
    artist, admin, anyone = await people.artist(), await people.admin(), people.client()
    album = await make_album(artist)
    song = await upload(artist, "Soon gone", albumId=album["_id"])
    assert [s["_id"] for s in (await anyone.get(f"/albums/{album['_id']}")).json()["songs"]] == [song["_id"]]
    assert (await anyone.get(f"/songs/{song['_id']}")).status_code == 200

    assert (await admin.patch(f"/admin/songs/{song['_id']}/visible")).json()["isVisible"] is False

    assert (await anyone.get(f"/songs/{song['_id']}")).status_code == 404
    assert song["_id"] not in (await anyone.get("/songs")).text
    assert song["_id"] not in (await anyone.get(f"/albums/{album['_id']}")).text
    assert song["_id"] not in (await anyone.get("/songs/trending")).text
    assert (await anyone.post("/songs/batch", json={"ids": [song["_id"]]})).json() == []
    assert (await artist.get(f"/songs/{song['_id']}")).json()["isVisible"] is False
    assert [s["_id"] for s in (await artist.get(f"/albums/{album['_id']}")).json()["songs"]] == [song["_id"]]
