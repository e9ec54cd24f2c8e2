"""Likes, history and statistics of listeners and artists, from outside."""

import asyncio
import re
from datetime import UTC, datetime

from tests.system.engine import EngineView
from tests.system.media import upload
from tests.system.problems import problem_in
from tests.system.running import People, Person, RunningSystem
from tests.system.waiting import until


async def titles(person: Person, path: str) -> list[str]:
    response = await person.get(path)
    assert response.status_code == 200, response.text
    return [(entry.get("song") or entry)["title"] for entry in response.json()]


async def hide(people: People, song_id: str, *, visible: bool) -> None:
    admin = await people.admin()
    response = await admin.patch(f"/admin/songs/{song_id}/visible", json={"isVisible": visible})
    assert response.is_success


async def play(listener: Person, song_id: str, *kinds: str) -> None:
    for number, kind in enumerate(kinds):
        response = await listener.post(
            f"/songs/{song_id}/track/{kind}", headers={"Idempotency-Key": f"{song_id}-{number}-{id(kinds)}"}
        )
        assert response.is_success


async def test_likes_are_idempotent_and_ordered(people: People) -> None:
    artist, listener = await people.artist(), await people.user()
    ids = [(await upload(artist, title))["_id"] for title in ("First", "Second", "Third")]
    for song_id in (ids[1], ids[0], ids[2]):
        responses = await asyncio.gather(*(listener.put(f"/songs/{song_id}/like") for _ in range(4)))
        assert {(response.status_code, response.content) for response in responses} == {(204, b"")}
    assert await titles(listener, "/songs/liked") == ["Third", "First", "Second"]
    assert await titles(await people.user(), "/songs/liked") == []
    for _ in range(2):
        assert (await listener.delete(f"/songs/{ids[0]}/like")).status_code == 204
    assert await titles(listener, "/songs/liked") == ["Third", "Second"]
    checked = await listener.post("/songs/liked/check", json={"ids": [ids[0], ids[2].upper(), ids[1], "x"]})
    assert checked.json() == {"ids": [ids[2], ids[1]]}


async def test_hidden_song_leaves_every_part_of_the_library(people: People) -> None:
    artist, listener = await people.artist(), await people.user()
    seen, hidden = [(await upload(artist, title))["_id"] for title in ("Seen", "Hidden")]
    for song_id in (seen, hidden):
        await listener.put(f"/songs/{song_id}/like")
        await play(listener, song_id, "play")
    await hide(people, hidden, visible=False)
    for path in ("/songs/liked", "/songs/history"):
        response = await listener.get(f"{path}?limit=1&total=true")
        assert (
            [(e.get("song") or e)["title"] for e in response.json()],
            response.headers["X-Total-Count"],
        ) == (
            ["Seen"],
            "1",
        )
        assert "Link" not in response.headers
    assert (await listener.post("/songs/liked/check", json={"ids": [hidden]})).json() == {"ids": []}
    for method in ("put", "delete"):
        problem_in(await getattr(listener, method)(f"/songs/{hidden}/like"), 404, "song_not_found")
    await hide(people, hidden, visible=True)
    assert await titles(listener, "/songs/liked") == ["Hidden", "Seen"]


async def test_liked_pages_skip_hidden_songs(people: People) -> None:
    artist, listener = await people.artist(), await people.user()
    ids = [(await upload(artist, f"Song {number}"))["_id"] for number in range(5)]
    for song_id in ids:
        await listener.put(f"/songs/{song_id}/like")
    for song_id in (ids[4], ids[2]):
        await hide(people, song_id, visible=False)
    seen: list[str] = []
    path: str | None = "/songs/liked?limit=1"
    while path:
        response = await listener.get(path)
        seen += [song["title"] for song in response.json()]
        link = re.search(r"<[^?>]*(\?[^>]*)>", response.headers.get("Link", ""))
        path = f"/songs/liked{link[1]}" if link else None
    assert seen == ["Song 3", "Song 1", "Song 0"]


async def test_deleted_song_leaves_likes_and_history(people: People) -> None:
    artist, listener = await people.artist(), await people.user()
    song_id = (await upload(artist))["_id"]
    await listener.put(f"/songs/{song_id}/like")
    await play(listener, song_id, "play")
    assert (await artist.delete(f"/songs/{song_id}")).is_success
    assert await titles(listener, "/songs/liked") == []
    assert await titles(listener, "/songs/history") == []
    problem_in(await listener.put(f"/songs/{song_id}/like"), 404, "song_not_found")


async def test_history_shows_the_outcome_of_each_play(people: People) -> None:
    artist, listener = await people.artist(), await people.user()
    first, second = [(await upload(artist, title))["_id"] for title in ("First", "Second")]
    await play(listener, first, "play", "complete")
    await play(listener, second, "play", "skip")
    await play(listener, first, "play")
    response = await listener.get("/songs/history")
    shown = [(e["song"]["title"], e["completed"], e["skipped"]) for e in response.json()]
    assert shown == [("First", False, False), ("Second", False, True), ("First", True, False)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", response.json()[0]["playedAt"])
    assert "streamingUrls" in response.json()[0]["song"]
    assert await titles(await people.user(), "/songs/history") == []


async def test_cleared_history_is_empty_and_counts_stay(people: People) -> None:
    artist, listener = await people.artist(), await people.user()
    song_id = (await upload(artist, "Heard"))["_id"]
    await play(listener, song_id, "play", "complete")
    for _ in range(2):
        assert (await listener.delete("/songs/history")).status_code == 204
    assert await titles(listener, "/songs/history") == []
    totals = (await artist.get("/songs/artist/stats")).json()["totals"]
    assert (totals["plays"], totals["completions"]) == (1, 1)
    await play(listener, song_id, "play")
    assert await titles(listener, "/songs/history") == ["Heard"]


async def test_artist_statistics_are_of_own_songs(people: People) -> None:
    artist, other = await people.artist(), await people.artist()
    loved, quiet = [(await upload(artist, title))["_id"] for title in ("Loved", "Quiet")]
    others = (await upload(other, "Other"))["_id"]
    listeners = [await people.user(), await people.user()]
    for listener in listeners:
        await play(listener, loved, "play", "complete")
        await play(listener, others, "play")
        await listener.put(f"/songs/{loved}/like")
    await play(listeners[0], loved, "skip")
    await listeners[1].delete(f"/songs/{loved}/like")
    report = (await artist.get("/songs/artist/stats?days=3")).json()
    counts = {"plays": 2, "completions": 2, "skips": 1, "listeners": 2, "likes": 1}
    nothing = dict.fromkeys(counts, 0)
    assert (report["days"], report["totals"]) == (3, counts)
    assert report["songs"] == [
        {"songId": loved, "title": "Loved", **counts},
        {"songId": quiet, "title": "Quiet", **nothing},
    ]
    assert [day["plays"] for day in report["perDay"]] == [0, 0, 2]
    assert report["perDay"][-1]["date"] == str(datetime.now(UTC).date())
    assert (await people.user()).id
    assert (await other.get("/songs/artist/stats")).json()["totals"]["plays"] == 2


async def test_statistics_refuse_other_spans(people: People) -> None:
    artist = await people.artist()
    for days in ("0", "366", "x"):
        problem_in(await artist.get(f"/songs/artist/stats?days={days}"), 422, "invalid_fields")
    assert len((await artist.get("/songs/artist/stats?days=365")).json()["perDay"]) == 365


async def test_likes_and_unlikes_reach_the_engine(system: RunningSystem, people: People) -> None:
    engine, artist, listener = EngineView.of(system), await people.artist(), await people.user()
    song_id = (await upload(artist))["_id"]

    async def knows_listener() -> bool:
        return listener.id in await engine.users()

    async def is_bookmarked() -> bool:
        return await engine.bookmarks_of(listener.id) == [song_id]

    async def is_not_bookmarked() -> bool:
        return await engine.bookmarks_of(listener.id) == []

    await listener.put(f"/songs/{song_id}/like")
    await until(knows_listener)
    await until(is_bookmarked)
    await listener.delete(f"/songs/{song_id}/like")
    await until(is_not_bookmarked)
