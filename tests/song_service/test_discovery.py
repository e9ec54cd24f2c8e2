"""Recommendations from the engine, with a fallback during its outages."""

import asyncio
import json
import time
from dataclasses import replace

from song_service.caching import (
    FALLBACK_SECONDS,
    NEWEST,
    TRENDING,
    for_listener,
    newest_like,
    one_song,
    similar_to,
)
from song_service.discovery import MOST
from tests.repositories.builders import a_song
from tests.song_service.discovery_world import ADA, World, titles


async def test_engine_order_is_kept_and_filled_up() -> None:
    world = World()
    world.engine.response = [world.all[n].id for n in (4, 2)]
    assert titles(await world.discovery.for_user(ADA)) == ["4", "2", "0", "1", "3", "5"]
    await world.play(world.all[5])
    await world.stale.interactions_synced({ADA})
    assert titles(await world.discovery.trending()) == ["4", "2", "0", "1", "3", "5"]


async def test_unlisted_songs_of_the_engine_are_omitted() -> None:
    world = World()
    world.put(world.all[0], public=False)
    world.put(world.all[1], visible=False)
    await world.songs.remove(world.all[2].id)
    world.engine.response = [song.id for song in world.all]
    await world.play(world.all[3])
    for rows in (
        await world.discovery.for_user(ADA),
        await world.discovery.trending(),
        await world.discovery.similar(world.all[5]),
    ):
        assert not {"0", "1", "2"} & set(titles(rows))


async def test_similar_songs_exclude_the_song_itself() -> None:
    world = World()
    world.engine.response = [world.all[n].id for n in (3, 1, 5)]
    assert titles(await world.discovery.similar(world.all[1])) == ["3", "5"]


async def test_similar_fallback_uses_genre_then_artist() -> None:
    world = World()
    world.engine.is_down = True
    base = replace(world.all[0], genre="Jazz", artist_id="1" * 24)
    world.songs.kept[base.id] = base
    world.songs.kept[world.all[4].id] = replace(world.all[4], genre="Jazz")
    world.songs.kept[world.all[5].id] = replace(world.all[5], artist_id="1" * 24)
    assert titles(await world.discovery.similar(base)) == ["4", "5", "1", "2", "3"]


async def test_fallback_ranks_by_plays() -> None:
    world = World()
    for song in (world.all[3], world.all[3], world.all[5]):
        await world.play(song)
    world.engine.is_down = True
    for rows in (await world.discovery.for_user(ADA), await world.discovery.trending()):
        assert titles(rows) == ["3", "5", "0", "1", "2", "4"]


async def test_fallback_is_computed_once_and_cached_briefly() -> None:
    world = World()
    await world.play(world.all[3])
    world.engine.is_down = True
    for _ in range(2):
        await asyncio.gather(
            *(world.discovery.for_user(f"{number:024x}") for number in range(20)),
            world.discovery.for_user(ADA),
            world.discovery.trending(),
            world.discovery.similar(world.all[0]),
        )
    assert world.interactions.counted == 1
    orders_of_engine = {key for key in world.redis.ttls if key.startswith("recommendations:")}
    assert {world.redis.ttls[key] for key in orders_of_engine} == {FALLBACK_SECONDS}
    world.engine.is_down = False
    world.engine.response = [world.all[5].id]
    world.redis.forget_after(FALLBACK_SECONDS)
    assert titles(await world.discovery.for_user(ADA))[0] == "5"
    assert titles(await world.discovery.similar(world.all[0])) == ["5"]
    world.redis.forget_after(FALLBACK_SECONDS)
    assert titles(await world.discovery.trending())[0] == "5"
    orders = (for_listener(ADA), similar_to(world.all[0].id), TRENDING, NEWEST, newest_like(world.all[0].id))
    assert set(world.redis.entries) == {entry.key for entry in orders}


async def test_fallback_omits_songs_hidden_meanwhile() -> None:
    world = World()
    await world.play(world.all[3])
    world.engine.is_down = True
    assert titles(await world.discovery.for_user(ADA))[0] == "3"
    world.put(world.all[3], visible=False)
    await world.stale.song_changed(world.all[3])
    assert "3" not in titles(await world.discovery.for_user(ADA))


async def test_empty_similar_response_is_cached_until_sync() -> None:
    world = World()
    assert titles(await world.discovery.similar(world.all[0])) == ["1", "2", "3", "4", "5"]
    requested = world.engine.requested
    world.redis.forget_after(FALLBACK_SECONDS)
    await world.discovery.similar(world.all[0])
    assert world.engine.requested == requested
    world.engine.response = [world.all[5].id]
    await world.stale.songs_synced()
    assert titles(await world.discovery.similar(world.all[0])) == ["5"]


async def test_empty_popular_response_is_cached_briefly() -> None:
    world = World()
    await world.play(world.all[3])
    assert titles(await world.discovery.trending())[0] == "3"
    world.redis.forget_after(FALLBACK_SECONDS)
    assert TRENDING.key not in world.redis.entries


async def test_trending_without_listeners_skips_the_engine() -> None:
    world = World()
    await world.play(world.all[3], is_synced=False)
    assert titles(await world.discovery.trending())[0] == "3"
    assert world.engine.requested == 0
    assert world.redis.ttls[TRENDING.key] == TRENDING.ttl_seconds


async def test_similar_songs_hidden_later_are_replaced() -> None:
    world = World()
    world.engine.response = [world.all[3].id]
    assert titles(await world.discovery.similar(world.all[0])) == ["3"]
    world.put(world.all[3], visible=False)
    await world.stale.song_changed(world.all[3])
    assert titles(await world.discovery.similar(world.all[0])) == ["1", "2", "4", "5"]


async def test_similar_fallback_follows_a_changed_genre() -> None:
    """The request read the song before the change, and its response must not outlast it."""
    world = World()
    world.put(replace(world.all[4], genre="Jazz"))
    old, new = world.all[0], replace(world.all[0], genre="Jazz")
    world.put(new)
    await world.stale.song_changed(new, is_relisted=False)
    await world.discovery.similar(old)
    assert titles(await world.discovery.similar(new))[0] == "4"


async def test_similar_songs_of_hidden_songs_are_uncached() -> None:
    """Its caller may have read the song before it was hidden: the gateway would keep this for everybody."""
    world = World()
    song = world.all[0]
    assert (await world.discovery.similar(song)).is_shared
    world.put(song, visible=False)
    await world.stale.song_changed(song)
    content = await world.discovery.similar(song)
    assert (content.is_shared, content.versions) == (False, None)


async def test_many_hidden_songs_are_read_at_once() -> None:
    world = World()
    for song in world.all[:5]:
        world.put(song, visible=False)
    world.engine.response = [song.id for song in world.all]
    before = world.songs.reads
    assert titles(await world.discovery.for_user(ADA, 1)) == ["5"]
    assert world.songs.reads - before == 2


async def test_response_expires_with_its_songs() -> None:
    world = World(memory_bytes=1_000_000)
    world.engine.response = [world.all[n].id for n in (4, 2)]
    await world.discovery.for_user(ADA, 1)
    moment = time.time()
    content = await world.discovery.for_user("c" * 24, 2)
    assert content.expires_at <= moment + one_song(world.all[4].id).ttl_seconds


async def test_results_are_distinct_and_limited() -> None:
    world = World()
    more = [a_song(title="Song x") for _ in range(MOST + 10)]
    for song in more:
        world.put(song)
    world.engine.response = [song.id for song in [*more[:3], *more[:3]]]
    found = json.loads((await world.discovery.for_user(ADA)).body)
    assert len(found) == MOST
    assert len({song["_id"] for song in found}) == MOST


async def test_full_recommendations_outlive_other_songs() -> None:
    """Their order is the engine's, which is not asked again; a hidden song is left out at once."""
    world = World(memory_bytes=1_000_000)
    songs = [a_song(title=f"Song {number}") for number in range(MOST + 1)]
    for song in songs:
        world.put(song)
    world.engine.response = [song.id for song in songs[:MOST]]
    assert len(titles(await world.discovery.for_user(ADA))) == MOST
    requested = world.engine.requested
    await world.stale.song_changed(songs[MOST])
    await world.stale.songs_synced()
    world.put(replace(songs[1], title="Unnoticed"))
    assert titles(await world.discovery.for_user(ADA))[:2] == ["0", "1"]
    world.put(songs[0], visible=False)
    await world.stale.song_changed(songs[0])
    assert titles(await world.discovery.for_user(ADA))[:2] == ["1", "2"]
    world.put(songs[0])
    await world.stale.song_changed(songs[0])
    assert titles(await world.discovery.for_user(ADA))[:2] == ["0", "1"]
    await world.stale.song_changed(songs[1])
    assert titles(await world.discovery.for_user(ADA))[:2] == ["0", "Unnoticed"]
    assert world.engine.requested == requested


async def test_count_limits_every_list() -> None:
    world = World()
    world.engine.response = [world.all[n].id for n in (4, 2)]
    for count in range(1, 7):
        assert titles(await world.discovery.for_user(ADA, count)) == ["4", "2", "0", "1", "3", "5"][:count]
        assert titles(await world.discovery.trending(count)) == ["0", "1", "2", "3", "4", "5"][:count]
        assert titles(await world.discovery.similar(world.all[4], count)) == ["2"]


async def test_list_depends_on_its_own_songs_only() -> None:
    world = World()
    world.engine.response = [song.id for song in world.all]
    content = await world.discovery.for_user(ADA, 2)
    assert content.versions is not None
    songs = {tag for tag in content.versions if tag.startswith("song:")}
    assert songs == {f"song:{world.all[n].id}" for n in range(2)}
    hidden = world.all[0]
    world.put(hidden, visible=False)
    await world.stale.song_changed(hidden)
    content = await world.discovery.for_user(ADA, 2)
    assert titles(content) == ["1", "2"]
    assert content.versions is not None
    assert f"song:{hidden.id}" in content.versions
