"""Recommendations, and all that they come from."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.cache.entry import Content
from shared.cache.read_through import ReadThrough
from shared.clock import now
from song_service.caching import Invalidation
from song_service.discovery import Discovery
from song_service.domain import Song
from tests.repositories.builders import a_song, an_interaction
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fakes import Engine, Interactions, Songs

ADA = "b" * 24


class CountingInteractions(Interactions):
    """Tells how often it was asked what is played most."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = 0

    async def most_played(self, since: datetime, limit: int) -> Sequence[str]:
        self.counted += 1
        return await super().most_played(since, limit)


class World:
    """Six songs, the first of them the newest, and one that a listener played."""

    def __init__(self, memory_bytes: int = 0) -> None:
        moment = now()
        made = [
            replace(a_song(title=f"Song {n}", created_at=moment - timedelta(hours=n)), genre=None)
            for n in range(6)
        ]
        self.all = made
        self.songs, self.interactions, self.engine = Songs(*made), CountingInteractions(), Engine()
        self.redis = MemoryCache()
        self.cache = ReadThrough(self.redis, memory_bytes)
        self.stale = Invalidation(self.cache)
        self.discovery = Discovery(self.songs, self.interactions, self.engine, self.cache)

    async def play(self, song: Song, *, is_synced: bool = True) -> None:
        made = an_interaction(user_id=ADA, song_id=song.id, at=now())
        await self.interactions.add(made)
        if is_synced:
            await self.interactions.mark_synced([made])

    def put(self, song: Song, *, public: bool = True, visible: bool = True) -> None:
        self.songs.kept[song.id] = replace(song, is_public=public, is_visible=visible)


def titles(rows: Content) -> list[str]:
    return [song["title"].removeprefix("Song ") for song in json.loads(rows.body)]
