"""Interactions are stored once, however often they are sent."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.cache.read_through import ReadThrough
from shared.http.pagination import Slice
from song_service import listening as listening_module
from song_service.caching import Invalidation
from song_service.domain import InteractionKind, Song
from song_service.listening import Listening
from song_service.outbox import Outbox
from tests.repositories.builders import NOON, a_song
from tests.repositories.stores import SongStore, SqliteStore
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fake_likes import Likes
from tests.song_service.fakes import Engine, Songs

ADA = Caller("b" * 24, "user_ada", "Ada", Role.USER, is_blocked=False, token="t.o.k")
SONG = a_song()
PLAY = InteractionKind.PLAY


class World:
    """Listening, and a clock that the test moves."""

    def __init__(self, stores: SongStore) -> None:
        self.moment = NOON
        self.stores = stores
        invalidation = Invalidation(ReadThrough(MemoryCache()))
        outbox = Outbox(Songs(), stores.interactions, Likes(), Engine(), invalidation, poll_seconds=1)
        self.listening = Listening(stores.interactions, stores.history, outbox)

    def now(self) -> datetime:
        return self.moment

    async def count_after(
        self, *seconds: float, song: Song = SONG, kind: InteractionKind = PLAY, key: str | None = None
    ) -> int:
        """How many are written down when the same comes at each of these seconds."""
        for each in seconds:
            self.moment = NOON + timedelta(seconds=each)
            await self.listening.track(ADA, song.id, song.duration, kind, key)
        return await self.stores.interactions.count_unsynced()

    async def clear_history_at(self, seconds: float) -> None:
        await self.stores.history.clear(ADA.id, NOON + timedelta(seconds=seconds))

    async def shown_at(self) -> list[float]:
        """The seconds at which the plays of the history happened."""
        plays = await self.stores.history.plays(ADA.id, Slice(100))
        return [(play.created_at - NOON).total_seconds() for play in plays]


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with SqliteStore(tmp_path).songs() as stores:
        world = World(stores)
        monkeypatch.setattr(listening_module, "now", world.now)
        yield world


@pytest.mark.parametrize("first", [0, 1.2, 14.9, 29.6, 29.9, 59.95])
async def test_double_click_counts_once(world: World, first: float) -> None:
    assert await world.count_after(first, first + 0.05, first + 0.3) == 1


@pytest.mark.parametrize("first", [0, 14.9, 29.9])
async def test_replay_counts_again(world: World, first: float) -> None:
    assert await world.count_after(first, first + 30) == 2


@pytest.mark.parametrize("first", [0, 1.2, 2.9])
async def test_short_song_may_be_replayed_after_its_end(world: World, first: float) -> None:
    short = replace(SONG, duration=3)
    assert await world.count_after(first, first + 1, first + 3, song=short) == 2


async def test_idempotency_key_decides_what_counts_once(world: World) -> None:
    assert await world.count_after(0, 3600, key="one") == 1
    assert await world.count_after(3600, key="another") == 2


async def test_play_completion_and_skip_count_separately(world: World) -> None:
    for number, kind in enumerate(InteractionKind, start=1):
        assert await world.count_after(0, kind=kind) == number


@pytest.mark.parametrize("again", [12, 31])
async def test_play_after_clearing_is_in_history_and_counts_once(world: World, again: int) -> None:
    """In the same window as the play before, and in the next."""
    await world.count_after(5)
    await world.clear_history_at(10)
    assert await world.count_after(again) == 1
    assert await world.shown_at() == [again]
    assert await world.stores.statistics.plays_in_total([SONG.id]) == {SONG.id: 1}


async def test_repetition_after_clearing_moves_once(world: World) -> None:
    await world.count_after(0)
    await world.clear_history_at(5)
    assert await world.count_after(6, 8, 9) == 1
    assert await world.shown_at() == [6]


async def test_play_before_clearing_stays_cleared(world: World) -> None:
    await world.count_after(0, 3)
    await world.clear_history_at(5)
    assert await world.shown_at() == []


async def test_retry_with_the_same_key_stays_cleared(world: World) -> None:
    await world.count_after(0, key="one")
    await world.clear_history_at(5)
    assert await world.count_after(6, key="one") == 1
    assert await world.shown_at() == []
