"""Albums name only the songs that the caller may see, in lists as well."""

from typing import Any

import httpx

from tests.system.media import make_album, upload
from tests.system.running import People


async def ids_in(response: httpx.Response, album: dict[str, Any]) -> list[str]:
    found = [each for each in response.json() if each["_id"] == album["_id"]]
    assert len(found) == 1
    ids: list[str] = found[0]["songIds"]
    return ids


async def test_album_lists_omit_hidden_songs(people: People) -> None:
    artist, friend, anyone = await people.artist(), await people.user(), people.client()
    album = await make_album(artist)
    shown = await upload(artist, "Shown", albumId=album["_id"])
    soon_hidden = await upload(artist, "Soon hidden", albumId=album["_id"])
    playlist = await make_album(friend, "Friend's")
    for song in (shown, soon_hidden):
        added = await friend.post(f"/albums/{playlist['_id']}/songs", json={"songId": song["_id"]})
        assert added.status_code == 200
    both = [shown["_id"], soon_hidden["_id"]]
    assert await ids_in(await anyone.get("/albums"), album) == both
    assert await ids_in(await friend.get("/albums/user/my-albums"), playlist) == both

    hidden = await artist.patch(f"/songs/{soon_hidden['_id']}/visibility", json={"isPublic": False})
    assert hidden.status_code == 200

    for path in ("/albums", "/albums?limit=100"):
        assert await ids_in(await anyone.get(path), album) == both[:1]
    assert await ids_in(await friend.get("/albums/user/my-albums"), playlist) == both[:1]
    assert await ids_in(await artist.get("/albums/user/my-albums"), album) == both
    assert await ids_in(await (await people.admin()).get("/admin/albums"), album) == both

    path = f"/albums/{playlist['_id']}"
    assert (await friend.patch(path, json={"title": "Retitled"})).json()["songIds"] == both[:1]
    another = (await upload(artist, "Another"))["_id"]
    put = await friend.post(f"{path}/songs", json={"songId": another})
    assert put.json()["songIds"] == [both[0], another]
    assert (await friend.delete(f"{path}/songs/{another}")).json()["songIds"] == both[:1]

    assert (await artist.patch(f"/songs/{soon_hidden['_id']}/visibility")).json()["isPublic"] is True
    assert await ids_in(await anyone.get("/albums"), album) == both
    assert await ids_in(await friend.get("/albums/user/my-albums"), playlist) == both
