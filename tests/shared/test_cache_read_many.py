"""Content composed of several entries, which are read together."""

import time
from collections.abc import Sequence

import pytest

from shared.cache.dependencies import Dependencies
from shared.cache.entry import EVERYTHING, Entry
from shared.cache.read_through import ReadThrough
from tests.shared.cached_source import a_cache
from tests.shared.memory_cache import MemoryCache


class Songs:
    """A source of titles; `loads` are the names of each load. A song without a title does not exist."""

    def __init__(self, **titles: str) -> None:
        self.titles = titles
        self.loads: list[Sequence[str]] = []

    async def load(self, names: Sequence[str]) -> dict[str, bytes]:
        self.loads.append(names)
        return {name: self.titles[name].encode() for name in names if name in self.titles}


def entry(name: str) -> Entry:
    return Entry("song", f"song:{name}", 600, (f"song:{name}",), is_shared=True)


async def read(cache: ReadThrough, songs: Songs, *names: str) -> tuple[list[str], Dependencies]:
    dependencies = Dependencies(cache, {})
    rows = await cache.read_many({name: entry(name) for name in names}, songs.load, dependencies)
    return [row.decode() for row in rows.values()], dependencies


async def test_missing_entries_are_loaded_together(cache: ReadThrough) -> None:
    songs = Songs(a="A", b="B", c="C")
    assert (await read(cache, songs, "b"))[0] == ["B"]
    assert (await read(cache, songs, "c", "b", "a"))[0] == ["C", "B", "A"]
    assert (await read(cache, songs, "a", "b", "c"))[0] == ["A", "B", "C"]
    assert songs.loads == [["b"], ["c", "a"]]


async def test_only_invalidated_entries_are_loaded_again(cache: ReadThrough, redis: MemoryCache) -> None:
    songs, other = Songs(a="A", b="B"), a_cache(redis)
    for each in (cache, other):
        await read(each, songs, "a", "b")
    songs.titles["a"] = "changed"
    await other.invalidate("song:a")
    for each in (cache, other):
        assert (await read(each, songs, "a", "b"))[0] == ["changed", "B"]
    assert songs.loads == [["a", "b"], ["a", "b"], ["a"], ["a"]]
    await cache.invalidate(EVERYTHING)
    await read(cache, songs, "a", "b")
    assert songs.loads[-1] == ["a", "b"]


async def test_absent_entries_are_dependencies(cache: ReadThrough) -> None:
    songs = Songs(b="B")
    rows, dependencies = await read(cache, songs, "a", "b")
    assert rows == ["B"]
    assert set(dependencies.versions) == {EVERYTHING, "song:a", "song:b"}
    songs.titles["a"] = "A"
    assert (await read(cache, songs, "a", "b"))[0] == ["A", "B"]


async def test_change_while_loading_is_not_kept(cache: ReadThrough) -> None:
    songs = Songs(a="old")

    async def load_and_change(names: Sequence[str]) -> dict[str, bytes]:
        loaded = await songs.load(names)
        songs.titles["a"] = "new"
        await cache.invalidate("song:a")
        return loaded

    rows = await cache.read_many({"a": entry("a")}, load_and_change, Dependencies(cache, {}))
    assert rows == {"a": b"old"}
    assert (await read(cache, songs, "a"))[0] == ["new"]


async def test_older_versions_do_not_match_newer_content(cache: ReadThrough) -> None:
    """Dependencies that were known before the change must not be satisfied by what was read after it."""
    songs, dependencies = Songs(a="old"), Dependencies(cache, {})
    await dependencies.add("song:a")
    before = dict(dependencies.versions)
    songs.titles["a"] = "new"
    await cache.invalidate("song:a")
    await read(cache, songs, "a")
    rows = await cache.read_many({"a": entry("a")}, songs.load, dependencies)
    assert rows == {"a": b"new"}
    assert dependencies.versions["song:a"] == before["song:a"]


async def test_single_reads_share_entries_in_memory(cache: ReadThrough) -> None:
    songs = Songs(a="A")
    await read(cache, songs, "a")

    async def load() -> bytes:
        raise AssertionError("loaded again")

    content = await cache.read(entry("a"), load)
    assert (content.body, content.is_shared) == (b"A", True)


async def test_old_entries_are_loaded_before_they_expire(
    cache: ReadThrough, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs, begun = Songs(a="A"), time.time()
    await read(cache, songs, "a")
    for seconds, loads in ((290, 1), (310, 2)):
        monkeypatch.setattr(time, "time", lambda seconds=seconds: begun + seconds)
        _, dependencies = await read(cache, songs, "a")
        assert len(songs.loads) == loads
        assert dependencies.expires_at >= begun + seconds + 300 - 15


async def test_redis_outage_loads_without_keeping(cache: ReadThrough, redis: MemoryCache) -> None:
    songs = Songs(a="A")
    await read(cache, songs, "a")
    redis.is_down = True
    rows, dependencies = await read(cache, songs, "a")
    assert rows == ["A"]
    assert not dependencies.are_known
    assert songs.loads == [["a"], ["a"]]
