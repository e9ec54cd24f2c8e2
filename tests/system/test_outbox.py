"""During a Recombee outage everything is accepted; afterwards Recombee receives each change once."""

import pytest

from tests.system.engine import EngineView
from tests.system.faults import fault, health_of
from tests.system.media import upload
from tests.system.running import People, RunningSystem
from tests.system.waiting import until


@pytest.fixture(scope="module")
def system(breakable: RunningSystem) -> RunningSystem:
    return breakable


async def until_recombee_is(system: RunningSystem, expected: bool) -> None:
    async def says_so() -> bool:
        return bool((await health_of(system.songs))["recombee"] == expected)

    await until(says_so)


@pytest.mark.parametrize("what", [{"status": 500}, {"status": 429}, {"delaySeconds": 3}], ids=str)
async def test_recombee_outage_loses_no_changes(
    system: RunningSystem, people: People, what: dict[str, float]
) -> None:
    engine, artist, listener = EngineView.of(system), await people.artist(), await people.user()
    known = (await upload(artist, "Known before", genre="Rock"))["_id"]
    await until(lambda: knows(engine, known))

    async with fault(system, "recombee", **what):
        await until_recombee_is(system, False)
        new = (await upload(artist, "New meanwhile", genre="Rock"))["_id"]
        for kind in ("play", "complete", "skip"):
            for song in (known, new):
                assert (await listener.post(f"/songs/{song}/track/{kind}")).status_code == 200
        for path in (f"/songs/{known}/similar", "/songs/recommendations/for-you", "/songs/trending"):
            found = await listener.get(f"{path}?count=50")
            assert found.status_code == 200
            assert new in [song["_id"] for song in found.json()]

    async def is_synced() -> bool:
        return listener.id in await engine.users() and len(await engine.skips_of(listener.id)) == 2

    await until(is_synced)
    assert sorted(await engine.plays_of(listener.id)) == sorted([known, new])
    assert sorted(await engine.completions_of(listener.id)) == sorted([known, new])
    assert sorted(await engine.skips_of(listener.id)) == sorted([(known, -0.5), (new, -0.5)])
    await until_recombee_is(system, True)


async def knows(engine: EngineView, song: str) -> bool:
    return song in await engine.listed_songs()


async def test_song_hidden_during_recombee_outage_is_not_recommended(
    system: RunningSystem, people: People
) -> None:
    engine, artist, admin = EngineView.of(system), await people.artist(), await people.admin()
    hidden, deleted, private, other = [
        (await upload(artist, title, genre="Rock"))["_id"]
        for title in ("Hidden", "Deleted", "Private", "Other")
    ]
    for song in (hidden, deleted, private, other):
        await artist.post(f"/songs/{song}/track/play")
        await until(lambda song=song: knows(engine, song))  # type: ignore[misc]

    async with fault(system, "recombee", status=503, rate=1):
        await admin.patch(f"/admin/songs/{hidden}/visible", json={"isVisible": False})
        await artist.delete(f"/songs/{deleted}")
        await artist.patch(f"/songs/{private}/visibility", json={"isPublic": False})
    # The engine responds again, and may not have received it yet.
    for path in (f"/songs/{other}/similar", "/songs/recommendations/for-you", "/songs/trending"):
        text = (await artist.get(f"{path}?count=50")).text
        assert not [song for song in (hidden, deleted, private) if song in text]

    async def has_synced() -> bool:
        return not {hidden, deleted, private} & await engine.listed_songs()

    await until(has_synced)
    assert deleted not in await engine.songs()
    assert {hidden, private} <= await engine.songs()


async def test_duplicate_interactions_count_once(system: RunningSystem, people: People) -> None:
    engine, artist, listener = EngineView.of(system), await people.artist(), await people.user()
    clicked, repeated = [(await upload(artist, title))["_id"] for title in ("Clicked", "Repeated")]
    for _ in range(3):
        key = {"Idempotency-Key": "one and the same"}
        response = await listener.post(f"/songs/{repeated}/track/play", headers=key)
        assert (response.status_code, response.json()) == (200, {"message": "Play tracked"})
    await listener.post(f"/songs/{repeated}/track/play", headers={"Idempotency-Key": "another"})
    for _ in range(3):
        await listener.post(f"/songs/{clicked}/track/play")

    async def is_synced() -> bool:
        return listener.id in await engine.users() and clicked in await engine.plays_of(listener.id)

    await until(is_synced)
    assert sorted(await engine.plays_of(listener.id)) == sorted([clicked, repeated, repeated])
