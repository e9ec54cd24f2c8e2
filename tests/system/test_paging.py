"""Paging: pages, cursors, totals, and parameters that are refused."""

import base64
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.system.media import make_album, upload
from tests.system.problems import problem_in
from tests.system.running import People, Person

UNKNOWN = "6b02e54d47536df235eeff05"


def cursor(plain: str) -> str:
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


BAD_PAGING = (
    "limit=0",
    "limit=-1",
    "limit=101",
    "limit=abc",
    "limit=1.5",
    "limit=",
    "limit=%00",
    "limit=99999999999999999999999",
    "limit=2&limit=abc",
    "limit=NaN",
    "total=perhaps",
    "cursor=abc",
    "cursor=%FF%FE",
    "cursor=é",
    f"limit=2&cursor={'a' * 129}",
    f"cursor={cursor('nonsense')}",
    f"cursor={cursor('1e3.' + UNKNOWN)}",
    f"cursor={cursor('0.' + 'z' * 24)}",
    f"cursor={cursor('9' * 30 + '.' + UNKNOWN)}",
    f"cursor={cursor('-' + '9' * 16 + '.' + UNKNOWN)}",
)


@pytest.mark.parametrize("query", BAD_PAGING)
async def test_invalid_paging_is_422_in_every_list(query: str, people: People) -> None:
    admin = await people.admin()
    for path in (
        "/songs",
        "/songs/artist/my-songs",
        "/admin/songs",
        "/albums",
        "/albums/user/my-albums",
        "/admin/albums",
        "/admin/users",
    ):
        problem = problem_in(await admin.get(f"{path}?{query}"), 422, "invalid_fields")
        assert re.match(r"(limit|cursor|total)[: ]", str(problem["detail"]), re.IGNORECASE), path


async def test_cursor_is_refused_by_every_other_list(people: People) -> None:
    artist, admin = await people.artist(), await people.admin()
    other = await people.artist()
    for person in (artist, other):
        for number in range(2):
            song = await upload(person, f"Bound {number}")
            await make_album(person, f"Bound {number}")
            await admin.put(f"/songs/{song['_id']}/like")
            await admin.post(f"/songs/{song['_id']}/track/play")
            for kind, changed in (
                ("songs", song),
                ("albums", (await person.get("/albums?limit=1")).json()[0]),
            ):
                await admin.patch(f"/admin/{kind}/{changed['_id']}/visible", json={"isVisible": True})
    lists: list[tuple[Person, str]] = [
        (admin, "/songs?"),
        (admin, "/songs?sort=createdAt&"),
        (artist, "/songs/artist/my-songs?"),
        (other, "/songs/artist/my-songs?"),
        (admin, "/songs/liked?"),
        (admin, "/songs/history?"),
        (admin, "/admin/songs?"),
        (admin, "/admin/songs/audit?"),
        (admin, "/albums?"),
        (artist, "/albums/user/my-albums?"),
        (admin, "/admin/albums?"),
        (admin, "/admin/albums/audit?"),
        (admin, "/users?role=artist&"),
        (admin, "/admin/users?"),
        (admin, "/admin/users?role=artist&"),
        (admin, "/admin/users/audit?"),
    ]
    links = [(await person.get(f"{path}limit=1")).links["next"]["url"] for person, path in lists]
    for found_in, link in enumerate(links):
        text = parse_qs(urlsplit(link).query)["cursor"][0]
        for sent_to, (person, path) in enumerate(lists):
            response = await person.get(f"{path}limit=1&cursor={text}")
            if found_in == sent_to:
                assert response.status_code == 200, path
            else:
                problem = problem_in(response, 422, "invalid_fields")
                assert problem["errors"] == [{"field": "cursor", "message": "is not a cursor of this list"}]


async def test_next_links_lead_through_the_whole_list(people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    ids = [(await upload(artist, f"Song {number}"))["_id"] for number in range(3)]
    hidden = await upload(artist, "Private", isPublic="false")
    address, walked, pages = "/songs?limit=2&t=7", list[str](), 0
    while address:
        page = await anyone.get(address)
        assert 1 <= len(page.json()) <= 2
        walked += [song["_id"] for song in page.json()]
        pages += 1
        following = page.links.get("next", {}).get("url", "")
        assert not following or following.startswith("/api/songs?")
        assert "t=7" not in following, "is ignored, so the link need not hold it"
        address = following.removeprefix("/api")
    whole = (await anyone.get("/songs?total=true")).json()
    assert walked == [song["_id"] for song in whole]
    assert walked[:3] == ids[::-1]
    assert hidden["_id"] not in walked
    assert pages == (len(walked) + 1) // 2
    keys = [(song["createdAt"], song["_id"]) for song in whole]
    assert keys == sorted(keys, reverse=True)


async def test_every_page_of_a_list_is_filtered(people: People) -> None:
    admin = await people.admin()
    for number in range(3):
        await people.user(f"Walked {number} äöü")
    requested = {"limit": "1", "role": "user", "isBlocked": "false", "q": "walked", "total": "true"}
    page = await admin.get("/admin/users", params=requested)
    names = []
    while True:
        names += [user["fullName"] for user in page.json()]
        assert page.headers["x-total-count"] == "3"
        if "next" not in page.links:
            break
        page = await admin.get(page.links["next"]["url"].removeprefix("/api"))
    assert names == [f"Walked {number} äöü" for number in (2, 1, 0)]
    longest = await admin.get("/admin/users", params={"limit": "1", "q": "🎵" * 200})
    assert longest.status_code == 200


async def test_total_counts_the_listed_entries(people: People) -> None:
    artist = await people.artist()
    for public in ("true", "false"):
        await upload(artist, isPublic=public)
    listed = await people.client().get("/songs?limit=1&total=true")
    whole = await people.client().get("/songs")
    assert int(listed.headers["x-total-count"]) == len(whole.json())
    assert "x-total-count" not in whole.headers
    own = await artist.get("/songs/artist/my-songs?limit=1&total=true")
    assert (own.headers["x-total-count"], len(own.json())) == ("2", 1)
