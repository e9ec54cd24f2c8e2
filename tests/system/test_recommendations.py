"""Recommendations follow a listener's taste or popularity, and hold only listed songs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from recombee_api_client.api_requests import RecommendItemsToUser
from redis.asyncio import Redis

from tests.system.engine import EngineView, until_synced
from tests.system.media import upload
from tests.system.running import People, Person, RunningSystem
from tests.system.storage import rows

FOR_YOU = "/songs/recommendations/for-you"


@pytest.fixture(scope="module")
def system(emptied: RunningSystem) -> RunningSystem:
    return emptied


@dataclass
class Group:
    """Listeners who all heard `heard` to the end, and some of them `further`, which the others may like."""

    songs: list[str]
    listeners: list[Person]


@dataclass
class Scene:
    """Two groups with separate tastes for songs of one artist, without genres, and who made them."""

    artist: Person
    groups: list[Group]

    @property
    def songs(self) -> set[str]:
        return {song for group in self.groups for song in group.songs}


async def recommended(person: Person, path: str = FOR_YOU, *, among: set[str] | None = None) -> list[str]:
    """The ids, best first; only those `among`, as other tests have songs and listeners here, too."""
    response = await person.get(path, params={"count": 50})
    assert response.status_code == 200, response.text
    ids = [song["_id"] for song in response.json()]
    assert len(ids) == len(set(ids))
    return [song for song in ids if among is None or song in among]


async def interact(person: Person, kind: str, *songs: str) -> None:
    for song in songs:
        assert (await person.post(f"/songs/{song}/track/{kind}")).status_code == 200


async def scene_of(system: RunningSystem, people: People, listeners: int) -> Scene:
    """Song k of a group is heard by all its listeners but number k."""
    artist = await people.artist()
    groups = []
    for name in ("Left", "Right"):
        songs = [(await upload(artist, f"{name} {number}"))["_id"] for number in range(listeners)]
        groups.append(Group(songs, await asyncio.gather(*(people.user() for _ in songs))))
    for group in groups:
        for number, listener in enumerate(group.listeners):
            await interact(listener, "complete", *(s for k, s in enumerate(group.songs) if k != number))
    await until_synced(system)
    return Scene(artist, groups)


async def test_recommendations_match_the_taste_of_the_group(system: RunningSystem, people: People) -> None:
    scene = await scene_of(system, people, listeners=4)
    for group in scene.groups:
        for number, listener in enumerate(group.listeners):
            order = await recommended(listener, among=scene.songs)
            others = scene.songs - set(group.songs)
            assert group.songs[number] in order
            places = [order.index(song) for song in others if song in order]
            assert order.index(group.songs[number]) < min(places, default=len(order))


async def test_new_listener_gets_popular_songs(system: RunningSystem, people: People) -> None:
    artist, newcomer = await people.artist(), await people.user()
    songs = [(await upload(artist, f"Hit {number}"))["_id"] for number in range(3)]
    await recommended(newcomer)
    for number, song in enumerate(songs):
        for fan in await asyncio.gather(*(people.user() for _ in range(number * 2 + 1))):
            await interact(fan, "play", song)
    await until_synced(system)
    later = await people.user()
    most_first = songs[::-1]
    assert await recommended(later, among=set(songs)) == most_first


async def test_trending_ranks_by_number_of_listeners(system: RunningSystem, people: People) -> None:
    artist = await people.artist()
    songs = [(await upload(artist, f"Trend {number}"))["_id"] for number in range(3)]
    for fans, song in zip((4, 1, 6), songs, strict=True):
        for fan in await asyncio.gather(*(people.user() for _ in range(fans))):
            await interact(fan, "play", song)
    await until_synced(system)
    # Trending may be as old as its five minutes, unless it was not full.
    async with Redis(port=system.redis_port) as redis:
        await redis.delete("tag:everything")
    expected = [songs[2], songs[0], songs[1]]
    assert await recommended(artist, "/songs/trending", among=set(songs)) == expected


async def test_skip_lowers_a_song(system: RunningSystem, people: People) -> None:
    scene = await scene_of(system, people, listeners=4)
    group = scene.groups[0]
    listener = await people.user()
    await interact(listener, "complete", *group.songs[:2])
    await until_synced(system)
    unheard = set(group.songs[2:])
    liked_more, liked_less = await recommended(listener, among=unheard)
    await interact(listener, "skip", liked_more)
    await until_synced(system)
    assert (await recommended(listener, among=unheard))[0] == liked_less


async def test_order_of_the_engine_is_preserved(system: RunningSystem, people: People) -> None:
    scene = await scene_of(system, people, listeners=3)
    listener, engine = scene.groups[0].listeners[0], EngineView.of(system)
    request = RecommendItemsToUser(listener.id, 50, scenario="for-you", filter="'isListed'")
    said = [each["id"] for each in (await engine.send_request(request))["recomms"]]
    assert len(said) > 3
    assert (await recommended(listener))[: len(said)] == said


async def paths_of(song: str) -> Sequence[str]:
    return (FOR_YOU, "/songs/trending", f"/songs/{song}/similar")


async def test_unlisted_songs_are_never_recommended(system: RunningSystem, people: People) -> None:
    scene, admin = await scene_of(system, people, listeners=3), await people.admin()
    base, hidden, private = scene.groups[0].songs
    deleted = scene.groups[1].songs[0]
    callers = (scene.artist, admin, scene.groups[0].listeners[1])

    async def seen() -> set[str]:
        found = [
            await recommended(caller, path, among=scene.songs)
            for caller in callers
            for path in await paths_of(base)
        ]
        return {song for each in found for song in each}

    assert await seen() >= {hidden, private, deleted}
    await admin.patch(f"/admin/songs/{hidden}/visible", json={"isVisible": False})
    assert hidden not in await seen()
    await scene.artist.patch(f"/songs/{private}/visibility", json={"isPublic": False})
    assert private not in await seen()
    await scene.artist.delete(f"/songs/{deleted}")
    assert deleted not in await seen()
    await admin.patch(f"/admin/songs/{hidden}/visible", json={"isVisible": True})
    await until_synced(system)
    assert hidden in await seen()


async def test_similar_songs_exclude_the_song_itself(system: RunningSystem, people: People) -> None:
    artist, anyone = await people.artist(), people.client()
    songs = [(await upload(artist, f"Alike {n}", genre="Polka"))["_id"] for n in range(3)]
    for song in songs:
        alike = [each["_id"] for each in (await anyone.get(f"/songs/{song}/similar?count=50")).json()]
        assert song not in alike
        assert alike
    await until_synced(system)
    for song in songs:
        alike = [each["_id"] for each in (await anyone.get(f"/songs/{song}/similar?count=2")).json()]
        assert set(alike) == set(songs) - {song}


@pytest.mark.parametrize(("path", "usual"), [(FOR_YOU, 10), ("/songs/trending", 20), ("similar", 10)])
async def test_count_limits_the_recommendations(
    system: RunningSystem, people: People, path: str, usual: int
) -> None:
    artist = await people.artist()
    songs = [(await upload(artist, f"One of {n}"))["_id"] for n in range(4)]
    await until_synced(system)
    where = f"/songs/{songs[0]}/similar" if path == "similar" else path
    whole = (await artist.get(f"{where}?count=50")).json()
    assert len(whole) >= 3
    for count in (1, 3):
        assert (await artist.get(f"{where}?count={count}")).json() == whole[:count]
    assert (await artist.get(where)).json() == whole[:usual]


async def test_reading_creates_no_user_in_the_engine(system: RunningSystem, people: People) -> None:
    artist, requesting, anyone = await people.artist(), await people.user(), people.client()
    song = (await upload(artist, "Asked about"))["_id"]
    await interact(artist, "play", song)
    await until_synced(system)
    for _ in range(2):
        assert (await anyone.get("/songs/trending")).status_code == 200
        assert (await anyone.get(f"/songs/{song}/similar")).status_code == 200
        assert (await requesting.get(FOR_YOU)).status_code == 200
        await artist.patch(f"/songs/{song}", json={"title": "Asked about again"})
    listeners = set(rows(system, "songs.sqlite", "SELECT DISTINCT user_id FROM interactions"))
    assert await EngineView.of(system).users() == listeners
    assert requesting.id not in listeners
