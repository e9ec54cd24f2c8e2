"""Interactions are stored once, however often they are sent."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.access.caller import Caller
from shared.access.permissions import Role
from shared.cache.read_through import ReadThrough
from song_service import listening as listening_module
from song_service.caching import Invalidation
from song_service.domain import InteractionKind, Song
from song_service.listening import Listening
from song_service.outbox import Outbox
from tests.repositories.builders import NOON, a_song
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fake_likes import Likes
from tests.song_service.fakes import Engine, Interactions, Songs

ADA = Caller("b" * 24, "user_ada", "Ada", Role.USER, is_blocked=False, token="t.o.k")
SONG = a_song()
PLAY = InteractionKind.PLAY


class World:
    """Listening, and a clock that the test moves."""

    def __init__(self) -> None:
        self.moment = NOON
        self.interactions = Interactions()
        stale = Invalidation(ReadThrough(MemoryCache()))
        self.listening = Listening(
            self.interactions, Outbox(Songs(), self.interactions, Likes(), Engine(), stale, poll_seconds=1)
        )

    def now(self) -> datetime:
        return self.moment

    async def count_after(
        self, *seconds: float, song: Song = SONG, kind: InteractionKind = PLAY, key: str | None = None
    ) -> int:
        """How many are written down when the same comes at each of these seconds."""
        for each in seconds:
            self.moment = NOON + timedelta(seconds=each)
            await self.listening.track(ADA, song.id, song.duration, kind, key)
        return len(self.interactions.kept)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(listening_module, "now", world.now)
    return world


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
