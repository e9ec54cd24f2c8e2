"""An outbox and all that it works with."""

from datetime import datetime, timedelta

from shared.cache.read_through import ReadThrough
from shared.errors import UnavailableError
from song_service.caching import Invalidation
from song_service.outbox import Outbox
from tests.repositories.builders import NOON, an_interaction
from tests.shared.memory_cache import MemoryCache
from tests.song_service.fake_likes import Likes
from tests.song_service.fakes import Engine, Interactions, Songs

DOWN = UnavailableError("Recommendations are not available now")


class Clock:
    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        return self.moment


class World:
    """An outbox, its three queues, the engine and the cache."""

    def __init__(self, poll_seconds: float = 0.002) -> None:
        self.songs, self.redis = Songs(), MemoryCache()
        self.interactions, self.likes, self.engine = Interactions(), Likes(), Engine()
        self.stale = Invalidation(ReadThrough(self.redis))
        self.poll_seconds = poll_seconds
        self.outbox = self.another_replica()

    def another_replica(self) -> Outbox:
        return Outbox(self.songs, self.interactions, self.likes, self.engine, self.stale, self.poll_seconds)

    async def play(self, count: int = 1) -> None:
        for number in range(count):
            await self.interactions.add(an_interaction(at=NOON + timedelta(seconds=number)))
