"""ETags: 304 for unchanged responses, and never for what the caller may no longer see."""

import pytest

from tests.system.media import make_album, song_form, upload
from tests.system.problems import problem_in
from tests.system.running import People


async def test_unchanged_response_is_304_without_a_body(people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    song, album = await upload(artist), await make_album(artist)
    for path in (f"/songs/{song['_id']}", f"/albums/{album['_id']}", "/songs", "/albums", "/songs?limit=1"):
        first = await anyone.get(path)
        tag = first.headers["etag"]
        for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await anyone.get(path, headers={"If-None-Match": sent})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), path
        assert (await anyone.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
        assert "no-cache" in first.headers["cache-control"]
        assert "Authorization" in first.headers["vary"]


async def test_changed_song_is_sent_again(people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    song = await upload(artist)
    path = f"/songs/{song['_id']}"
    tag = (await anyone.get(path)).headers["etag"]
    await artist.patch(path, json={"title": "Another title"})
    changed = await anyone.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["title"]) == (200, "Another title")


async def test_changes_of_a_song_return_its_next_etag(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    made = await artist.post("/songs", **song_form())
    path = f"/songs/{made.json()['_id']}"
    assert made.headers["etag"] == (await artist.get(path)).headers["etag"]
    for person, changed, body in (
        (artist, path, {"title": "Renamed"}),
        (artist, f"{path}/visibility", {"isPublic": False}),
        (admin, f"/admin{path}/visible", {"isVisible": False}),
    ):
        tag = (await person.patch(changed, json=body)).headers["etag"]
        assert tag == (await artist.get(path)).headers["etag"], changed


@pytest.mark.parametrize("kind", ["songs", "albums"])
async def test_etag_does_not_keep_hidden_content_visible(kind: str, people: People) -> None:
    artist, admin, anyone = await people.artist(), await people.admin(), people.client()
    thing = await upload(artist) if kind == "songs" else await make_album(artist)
    path = f"/{kind}/{thing['_id']}"
    tags = {each: (await anyone.get(each)).headers["etag"] for each in (path, f"/{kind}")}
    await admin.patch(f"/admin/{kind}/{thing['_id']}/visible", json={"isVisible": False})

    problem_in(await anyone.get(path, headers={"If-None-Match": tags[path]}), 404)
    listed = await anyone.get(f"/{kind}", headers={"If-None-Match": tags[f"/{kind}"]})
    assert listed.status_code == 200
    assert thing["_id"] not in listed.text

    own = await artist.get(path)
    assert own.status_code == 200
    for tag in (own.headers["etag"], f"W/{own.headers['etag']}", "*"):
        problem_in(await anyone.get(path, headers={"If-None-Match": tag}), 404)
    still = await artist.get(path, headers={"If-None-Match": own.headers["etag"]})
    assert still.status_code == 304


async def test_hiding_a_song_changes_the_album_etag(people: People) -> None:
    artist, admin, anyone = await people.artist(), await people.admin(), people.client()
    album = await make_album(artist)
    song = await upload(artist, albumId=album["_id"])
    path = f"/albums/{album['_id']}"
    tag = (await anyone.get(path)).headers["etag"]
    await admin.patch(f"/admin/songs/{song['_id']}/visible", json={"isVisible": False})
    response = await anyone.get(path, headers={"If-None-Match": tag})
    assert (response.status_code, response.json()["songs"]) == (200, [])


async def test_batch_ignores_if_none_match(people: People) -> None:
    song = await upload(await people.artist())
    anyone, body = people.client(), {"ids": [song["_id"]]}
    tag = (await anyone.post("/songs/batch", json=body)).headers.get("etag", '"none"')
    response = await anyone.post("/songs/batch", json=body, headers={"If-None-Match": tag})
    assert (response.status_code, response.json()) == (200, [song])


async def test_head_returns_the_headers_of_get(people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    song = await upload(artist)
    for path in ("/songs", f"/songs/{song['_id']}", "/albums"):
        got, requested = await anyone.get(path), await anyone.head(path)
        assert (requested.status_code, requested.content) == (200, b"")
        assert requested.headers["etag"] == got.headers["etag"]
        assert requested.headers["content-length"] == str(len(got.content))
    assert (await anyone.head("/auth/me")).status_code == 401
    assert (await anyone.head(f"/songs/{'0' * 24}")).status_code == 404
    assert (await anyone.head("/songs/batch")).status_code == 404
