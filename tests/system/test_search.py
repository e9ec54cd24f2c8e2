"""Searching, filtering and sorting, from outside. Each test's words are its own."""

import re
import secrets
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tests.system.media import audio, make_album, upload
from tests.system.problems import problem_in
from tests.system.running import People, Person
from tests.system.waiting import until


def word() -> str:
    """A word that no other test has, without digits: one edit of it is no other test's either."""
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz") + secrets.choice("aeiou") for _ in range(6))


async def search(anyone: httpx.AsyncClient | Person, path: str = "/songs", **params: Any) -> httpx.Response:
    response = await anyone.get(path, params=params)
    assert response.status_code == 200, response.text
    return response


def titles(response: httpx.Response) -> list[str]:
    return [each.get("title") or each["fullName"] for each in response.json()]


async def test_words_find_songs_by_title_and_artist(people: People) -> None:
    own = word()
    artist = await people.artist(f"Zoë {own.title()}")
    for title in ("Für Elise", "Für Anna", "Đường về nhà"):
        await upload(artist, title)
    anyone = people.client()
    assert titles(await search(anyone, q=f"fur {own}")) == ["Für Anna", "Für Elise"]
    assert titles(await search(anyone, q=f"ELISE fu {own[:9]}")) == ["Für Elise"]
    assert titles(await search(anyone, q=f"duong {own}")) == ["Đường về nhà"]
    response = await search(anyone, q=own, total="true", limit=2, sort="title")
    assert (titles(response), response.headers["X-Total-Count"]) == (["Đường về nhà", "Für Anna"], "3")
    assert "X-Corrected-Query" not in response.headers


async def test_two_misspelt_words_are_corrected(people: People) -> None:
    first, second = word(), word()
    artist = await people.artist()
    await upload(artist, f"{first} {second}")
    wrong = f"{first[:3]}{first[4:]} {second[:5]}x{second[5:]}"

    async def is_corrected() -> bool:
        return titles(await search(people.client(), q=wrong)) == [f"{first} {second}"]

    await until(is_corrected)
    response = await search(people.client(), q=wrong, total="true")
    assert unquote(response.headers["X-Corrected-Query"]) == f"{first} {second}"
    assert response.headers["X-Total-Count"] == "1"


async def test_hidden_song_is_absent_from_all_searches(people: People) -> None:
    own, genre = word(), word()
    artist, admin = await people.artist(), await people.admin()
    song_id = (await upload(artist, own, genre=genre))["_id"]
    anyone = people.client()

    async def is_corrected() -> bool:
        return "X-Corrected-Query" in (await search(anyone, q=f"{own}x")).headers

    await until(is_corrected)
    assert {"genre": genre, "count": 1} in (await search(anyone, "/songs/genres")).json()
    await admin.patch(f"/admin/songs/{song_id}/visible", json={"isVisible": False})
    for client in (anyone, artist.http, admin.http):
        for params in ({"q": own}, {"q": f"{own}x"}, {"genre": genre}, {"artistId": artist.id}):
            response = await search(client, total="true", **params)
            assert (response.json(), response.headers["X-Total-Count"]) == ([], "0")
            assert "X-Corrected-Query" not in response.headers
        assert genre not in (await search(client, "/songs/genres")).text


async def test_filters_and_orders_combine(people: People) -> None:
    own = word()
    artist = await people.artist()
    album_id = (await make_album(artist))["_id"]
    await upload(artist, f"B {own}", genre="Jazz", mood="calm", albumId=album_id)
    await upload(artist, f"C {own}", genre="jazz")
    await upload(artist, f"A {own}", genre="Rock", mood="Calm", sound=audio(seconds=2))
    expected: list[tuple[dict[str, Any], str]] = [
        ({"genre": "JAZZ"}, "CB"),
        ({"mood": "calm"}, "AB"),
        ({"artistId": artist.id, "sort": "title"}, "ABC"),
        ({"artistId": artist.id.upper(), "sort": "-title"}, "CBA"),
        ({"artistId": artist.id, "sort": "createdAt"}, "BCA"),
        ({"albumId": album_id}, "B"),
        ({"minDuration": 1, "maxDuration": 1}, "CB"),
        ({"minDuration": 2}, "A"),
        ({"minDuration": 3}, ""),
        ({"genre": "jazz", "mood": "calm"}, "B"),
    ]
    for params, letters in expected:
        response = await search(people.client(), q=own, total="true", **{"sort": "-createdAt", **params})
        assert ("".join(title[0] for title in titles(response)), response.headers["X-Total-Count"]) == (
            letters,
            str(len(letters)),
        ), params


@pytest.mark.parametrize(
    "query",
    [
        *("sort=plays", "minDuration=-1", "maxDuration=x", "artistId=me", "albumId=%00", "q=" + "a" * 1001),
        *("cursor=abc", "q=a&cursor=W10", "sort=title&cursor=WzFd", "limit=0"),
    ],
)
async def test_invalid_values_are_refused(people: People, query: str) -> None:
    problem_in(await people.client().get(f"/songs?{query}"), 422, "invalid_fields")


async def test_cursor_holds_for_its_order_and_filters_only(people: People) -> None:
    own = word()
    artist = await people.artist()
    for number in range(3):
        await upload(artist, f"{own} {number}")
    anyone = people.client()
    cursors = {}
    lists: tuple[dict[str, str], ...] = ({"q": own}, {"q": own, "sort": "title"}, {"artistId": artist.id}, {})
    for params in lists:
        link = (await search(anyone, limit=1, **params)).headers["Link"]
        found = re.search(r"cursor=([^&>]*)", link)
        assert found is not None
        cursors[str(params)] = found[1]
    for params in lists:
        for other in lists:
            sent = {**other, "cursor": cursors[str(params)], "limit": 1}
            status = (await anyone.get("/songs", params=sent)).status_code
            assert status == (200 if params == other else 422), (params, other)
    problem_in(
        await anyone.get("/albums", params={"q": own, "cursor": cursors[str({"q": own})]}),
        422,
        "invalid_fields",
    )


async def test_pages_of_a_search_hold_every_song_once(people: People) -> None:
    own = word()
    artist = await people.artist()
    for number in range(5):
        await upload(artist, f"{own} {number}")
    path: str | None = f"/songs?q={own}&limit=2"
    seen: list[str] = []
    while path:
        response = await people.client().get(path)
        seen += titles(response)
        link = re.search(r"<[^?>]*(\?[^>]*)>", response.headers.get("Link", ""))
        path = f"/songs{link[1]}" if link else None
    assert sorted(seen) == [f"{own} {number}" for number in range(5)]


async def test_most_played_song_comes_first(people: People) -> None:
    own = word()
    artist, listener = await people.artist(), await people.user()
    played = (await upload(artist, own))["_id"]
    await upload(artist, own)
    assert (await listener.post(f"/songs/{played}/track/play")).is_success

    async def is_first() -> bool:
        first = (await search(listener, q=own)).json()[0]
        return bool(first["_id"] == played)

    await until(is_first)


@pytest.mark.parametrize(
    "text", ["ω" * 1000, "a " * 500, ".*", '"', "$ne", "(", "\\", "\0", "%", "' OR 1=1 --", "😀" * 200]
)
async def test_any_text_is_a_valid_query(people: People, text: str) -> None:
    for path in ("/songs", "/albums", "/users"):
        await search(people.client(), path, q=text, total="true")


async def test_albums_are_searched_and_sorted(people: People) -> None:
    own = word()
    creator, admin = await people.artist(f"Mia {own}"), await people.admin()
    ids = [(await make_album(creator, title))["_id"] for title in ("Köln Concert", "Arc")]
    await make_album(creator, "Private", public=False)
    anyone = people.client()
    assert titles(await search(anyone, "/albums", q=f"koln {own}")) == ["Köln Concert"]
    assert titles(await search(anyone, "/albums", q=own, sort="title")) == ["Arc", "Köln Concert"]
    response = await search(anyone, "/albums", creatorId=creator.id, sort="createdAt", limit=1, total="true")
    assert (titles(response), response.headers["X-Total-Count"]) == (["Köln Concert"], "2")
    assert "Link" in response.headers
    await admin.patch(f"/admin/albums/{ids[0]}/visible", json={"isVisible": False})
    assert titles(await search(anyone, "/albums", q=own)) == ["Arc"]


async def test_artists_are_listed_and_searched(people: People) -> None:
    own = word()
    artist, user = await people.artist(f"José {own}"), await people.user(f"José {own}")
    found = await search(people.client(), "/users", q=f"jose {own}", role="artist", total="true")
    assert (titles(found), found.headers["X-Total-Count"]) == ([f"José {own}"], "1")
    assert set(found.json()[0]) == {"_id", "fullName", "imageUrl", "role", "createdAt"}
    assert (await search(people.client(), "/users", q=artist.email)).json() == []
    admin = await people.admin()
    assert [each["_id"] for each in (await search(admin, "/users", role="user", q=own)).json()] == [user.id]


async def test_other_roles_are_listed_for_admins_only(people: People) -> None:
    artist, blocked, admin = await people.artist(), await people.user(), await people.admin()
    await admin.patch(f"/admin/users/{blocked.id}/block", json={"isBlocked": True})
    unregistered = people.client((await people.sign_in(f"{word()}@test.local"))["token"])
    for role in ("user", "admin"):
        path = f"/users?role={role}"
        problem_in(await people.client().get(path), 401, "sign_in_required")
        problem_in(await artist.get(path), 403, "role_not_allowed")
        problem_in(await blocked.get(path), 403, "user_blocked")
        problem_in(await unregistered.get(path), 403, "user_not_registered")
    assert (await blocked.get("/users?role=artist")).status_code == 200


@pytest.mark.parametrize("blank", ["", "%20", "%00", "%E2%80%8B", "%CC%81", "%C2%AD"])
async def test_blank_query_lists_everything(blank: str, people: People) -> None:
    """Not only what contains the invisible characters, and not as a search."""
    artist, admin = await people.artist(), await people.admin()
    await upload(artist)
    await make_album(artist)
    for path in ("/songs?", "/albums?", "/users?", "/users?role=admin&", "/admin/users?"):
        whole = await admin.get(f"{path}limit=2&total=true")
        listed = await admin.get(f"{path}limit=2&total=true&q={blank}")
        assert listed.json() == whole.json(), path
        assert listed.headers["x-total-count"] == whole.headers["x-total-count"]
