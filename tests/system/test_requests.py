"""Invalid counts, ids, paths and methods."""

from typing import Any

import pytest

from tests.system.media import make_album, upload
from tests.system.problems import problem_in
from tests.system.running import People

UNKNOWN = "6b02e54d47536df235eeff05"
NOT_IDS = (
    "nope",
    "0",
    UNKNOWN[:-1],
    UNKNOWN + "0",
    "g" * 24,
    "%00",
    "%F0%9F%8E%B5",
    "%27%20OR%201%3D1",
    "x" * 2000,
)


@pytest.mark.parametrize("count", ["0", "51", "-1", "abc", "", "1e1", "1.5", "NaN", "null", "9" * 30, "%00"])
async def test_invalid_count_is_422(count: str, people: People) -> None:
    person = await people.artist()
    song = await upload(person)
    for path in ("/songs/trending", f"/songs/{song['_id']}/similar", "/songs/recommendations/for-you"):
        problem = problem_in(await person.get(f"{path}?count={count}"), 422, "invalid_fields")
        reasons = ("Count must be a whole number", "count: at least 1", "count: at most 50")
        assert problem["detail"] in reasons


@pytest.mark.parametrize(("count", "most"), [("1", 1), ("50", 50), (None, 20)])
async def test_count_is_the_maximum_returned(count: str | None, most: int, people: People) -> None:
    artist = await people.artist()
    for number in range(2):
        await upload(artist, f"Song {number}")
    query = f"?count={count}" if count else ""
    found = (await people.client().get(f"/songs/trending{query}")).json()
    assert 1 <= len(found) <= most
    assert len({song["_id"] for song in found}) == len(found)


async def test_unknown_query_parameters_are_ignored(people: People) -> None:
    person = await people.artist()
    song, album = await upload(person), await make_album(person)
    for path in ("/songs", f"/songs/{song['_id']}", "/albums", f"/albums/{album['_id']}", "/auth/me"):
        plain = await person.get(path)
        for query in (
            "t=1732280000000",
            "t=",
            "isVisible=false",
            "artistId[$ne]=x",
            "role=admin",
            "x=%00&x=1",
        ):
            response = await person.get(f"{path}?{query}")
            assert (response.status_code, response.content) == (200, plain.content), (path, query)


@pytest.mark.parametrize("name", ["t", "page", "role"])
async def test_ignored_query_parameters_may_be_long(name: str, people: People) -> None:
    artist = await people.artist()
    for number in range(2):
        await upload(artist, f"Song {number}")
    response = await people.client().get(f"/songs?limit=1&{name}=" + "," * 25_000)
    assert (response.status_code, len(response.json())) == (200, 1)
    assert len(response.headers["link"]) < 200


@pytest.mark.parametrize("song_id", [UNKNOWN, *NOT_IDS])
async def test_unknown_or_malformed_id_is_404(song_id: str, people: People) -> None:
    admin = await people.admin()
    album = await make_album(admin)
    requests: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("GET", "/songs/{id}", {}),
        ("GET", "/songs/{id}/similar", {}),
        ("POST", "/songs/{id}/track/play", {}),
        ("POST", "/songs/{id}/track/complete", {}),
        ("POST", "/songs/{id}/track/skip", {}),
        ("PATCH", "/songs/{id}", {"json": {"title": "T"}}),
        ("PATCH", "/songs/{id}/visibility", {}),
        ("DELETE", "/songs/{id}", {}),
        ("PATCH", "/admin/songs/{id}/visible", {}),
        ("GET", "/albums/{id}", {}),
        ("PATCH", "/albums/{id}", {"json": {"title": "T"}}),
        ("PATCH", "/albums/{id}/visibility", {}),
        ("DELETE", "/albums/{id}", {}),
        ("POST", "/albums/{id}/songs", {"json": {"songId": UNKNOWN}}),
        ("DELETE", f"/albums/{{id}}/songs/{UNKNOWN}", {}),
        ("DELETE", f"/albums/{album['_id']}/songs/{{id}}", {}),
        ("PATCH", "/admin/albums/{id}/visible", {}),
        ("GET", "/users/{id}", {}),
        ("PATCH", "/admin/users/{id}/block", {}),
        ("PATCH", "/admin/users/{id}/role", {"json": {"role": "artist"}}),
        ("DELETE", "/admin/users/{id}", {}),
    )
    for method, path, content in requests:
        response = await admin.http.request(method, path.format(id=song_id), **content)
        problem = problem_in(response, 404)
        assert str(problem["code"]).endswith("_not_found"), path


async def test_ids_are_case_insensitive(people: People) -> None:
    artist = await people.artist()
    song, album = await upload(artist), await make_album(artist)
    capitals = song["_id"].upper()
    assert (await artist.get(f"/songs/{capitals}")).json() == song
    put = await artist.post(f"/albums/{album['_id'].upper()}/songs", json={"songId": capitals})
    assert put.json()["songIds"] == [song["_id"]]
    again = await artist.post(f"/albums/{album['_id']}/songs", json={"songId": song["_id"]})
    problem_in(again, 409, "song_in_album")
    taken = await artist.delete(f"/albums/{album['_id']}/songs/{capitals}")
    assert taken.json()["songIds"] == []
    problem_in(await artist.delete(f"/albums/{album['_id']}/songs/{song['_id']}"), 404, "song_not_found")
    moved = await artist.patch(f"/songs/{song['_id']}", json={"albumId": album["_id"].upper()})
    assert moved.json()["albumId"] == album["_id"]
    assert (await artist.delete(f"/songs/{capitals}")).status_code == 200
    problem_in(await artist.get(f"/songs/{song['_id']}"), 404)


async def test_batch_preserves_order_and_duplicates(people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    first, second = await upload(artist, "First"), await upload(artist, "Second")
    wanted = [second["_id"], "nope", first["_id"].upper(), UNKNOWN, second["_id"], "", "{$gt}", "\u0000"]
    found = await anyone.post("/songs/batch", json={"ids": wanted})
    assert [song["_id"] for song in found.json()] == [second["_id"], first["_id"], second["_id"]]
    full = await anyone.post("/songs/batch", json={"ids": [first["_id"]] + [UNKNOWN] * 499})
    assert [song["_id"] for song in full.json()] == [first["_id"]]
    problem_in(await anyone.post("/songs/batch", json={"ids": [UNKNOWN] * 501}), 422, "invalid_fields")
    assert (await anyone.post("/songs/batch", json={"ids": []})).json() == []


async def test_trailing_slash_makes_no_difference(people: People) -> None:
    artist = await people.artist()
    song = await upload(artist)
    for path in ("/songs", f"/songs/{song['_id']}", "/songs/trending", "/albums", "/auth/me"):
        plain, slashed = await artist.get(path), await artist.get(f"{path}/")
        assert (slashed.status_code, slashed.content) == (200, plain.content), path
    assert (await artist.post(f"/songs/{song['_id']}/track/play/")).json() == {"message": "Play tracked"}


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/songsx",
        "/songs/a/b",
        "/songs//",
        "/admin",
        "/admin/nope",
        "/auth",
        "/auth/logout",
    ],
)
async def test_unknown_path_is_404(path: str, people: People) -> None:
    admin = await people.admin()
    for method in ("GET", "POST", "DELETE"):
        problem = problem_in(await admin.http.request(method, path), 404, "route_not_found")
        assert problem["error"] == "Route not found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/songs", "GET, POST, HEAD"),
        ("DELETE", "/songs", "GET, POST, HEAD"),
        ("PUT", f"/songs/{UNKNOWN}", "GET, PATCH, DELETE, HEAD"),
        ("POST", f"/songs/{UNKNOWN}", "GET, PATCH, DELETE, HEAD"),
        ("PUT", "/songs/batch", "POST"),
        ("PUT", "/songs/genres", "GET, HEAD"),
        ("PUT", "/songs/history", "GET, DELETE, HEAD"),
        ("PUT", "/albums/user/my-albums", "GET, HEAD"),
        ("GET", f"/songs/{UNKNOWN}/track/play", "POST"),
        ("PUT", "/auth/me", "GET, DELETE, HEAD"),
        ("GET", "/auth/register", "POST"),
        ("PUT", f"/albums/{UNKNOWN}", "GET, PATCH, DELETE, HEAD"),
        ("GET", f"/admin/users/{UNKNOWN}/role", "PATCH"),
        ("TRACE", "/songs", "GET, POST, HEAD"),
        ("PROPFIND", "/albums", "GET, POST, HEAD"),
    ],
)
async def test_unsupported_method_is_405_with_allow(
    method: str, path: str, allowed: str, people: People
) -> None:
    response = await (await people.admin()).http.request(method, path)
    problem_in(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize("query", ["role=king", "isBlocked=perhaps", f"q={'x' * 201}", "role="])
async def test_invalid_user_filter_is_422(query: str, people: People) -> None:
    problem_in(await (await people.admin()).get(f"/admin/users?{query}"), 422, "invalid_fields")


async def test_user_search_is_literal(people: People) -> None:
    admin, user = await people.admin(), await people.user("Percy 100% _Under(score")
    for query in ("100%", "_under(", user.email.upper(), "percy 100"):
        found = (await admin.get("/admin/users", params={"q": query})).json()
        assert user.id in [each["_id"] for each in found], query
    for query in ("P%y", "1__%", ".*", "Per\u0000cy", "' OR '1'='1"):
        assert (await admin.get("/admin/users", params={"q": query})).json() == [], query
