"""Songs to hear next: the engine's order, only what may be seen, and always something to answer.

What the engine lacks, or cannot say because it is down, is filled up from what we know ourselves.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from shared.cache.read_through import Entry, ReadThrough, ShortLived
from shared.clock import now
from shared.errors import UnavailableError
from shared.http.pagination import Slice
from shared.http.rows import Rows
from song_service.caching import MOST_PLAYED, STAND_IN_SECONDS, TRENDING, for_listener, similar_to
from song_service.domain import Song
from song_service.ports import InteractionRepository, RecommendationEngine, SongFilter, SongRepository
from song_service.schemas import song_json

MOST = 50
POPULAR_WITHIN = timedelta(days=14)

Source = Callable[[], Awaitable[Sequence[Song]]]


class Discovery:
    """Trending songs, songs like one, songs for a listener; each at most `MOST`, best first."""

    def __init__(
        self,
        songs: SongRepository,
        interactions: InteractionRepository,
        engine: RecommendationEngine,
        cache: ReadThrough,
    ) -> None:
        self._songs = songs
        self._interactions = interactions
        self._engine = engine
        self._cache = cache

    async def trending(self) -> Rows:
        """Popular now; the newest fill up what is missing."""

        async def load() -> tuple[list[Song], bool]:
            popular, is_engines = await self._trending_songs()
            return await _filled([popular], [self._newest]), is_engines

        return await self._read(TRENDING, load)

    async def similar(self, song: Song) -> Rows:
        """Like `song`, never itself; of its genre, then of its artist, while the engine is down or silent."""

        async def load() -> tuple[list[Song], bool]:
            try:
                ids = await self._engine.similar(song.id, MOST)
            except UnavailableError:
                return await self._alike(song), False
            like_it = [each for each in await self._listed(ids) if each.id != song.id]
            return like_it or await self._alike(song), True

        return await self._read(similar_to(song.id), load)

    async def for_user(self, user_id: str) -> Rows:
        """For this listener; trending, then the newest, when there is nothing personal."""

        async def load() -> tuple[list[Song], bool]:
            try:
                personal = await self._listed(await self._engine.for_user(user_id, MOST))
            except UnavailableError:
                return await _filled([], [self._popular, self._newest]), False
            return await _filled([personal], [self._popular, self._newest]), True

        return await self._read(for_listener(user_id), load)

    async def _read(self, entry: Entry, load: Callable[[], Awaitable[tuple[list[Song], bool]]]) -> Rows:
        """Through the cache; what stands in for an engine that is down, or silent, is kept for a moment."""

        async def rows() -> bytes | ShortLived:
            found, is_engines = await load()
            answer = Rows([song_json(song) for song in found]).to_bytes()
            return answer if is_engines else ShortLived(answer, STAND_IN_SECONDS)

        kept = await self._cache.read(entry, rows)
        assert kept is not None  # noqa: S101 - the loader always answers
        return Rows.from_bytes(kept)

    async def _trending_songs(self) -> tuple[list[Song], bool]:
        listener = await self._interactions.latest_listener()
        if listener is None:
            return await self._most_played(), True
        try:
            popular = await self._listed(await self._engine.trending(listener, MOST))
        except UnavailableError:
            popular = []
        return (popular, True) if popular else (await self._most_played(), False)

    async def _popular(self) -> Sequence[Song]:
        return (await self._trending_songs())[0]

    async def _most_played(self) -> list[Song]:
        """Ids from the cache: while the engine is down all listeners ask for them, and counting is dear."""

        async def load() -> bytes:
            return json.dumps(
                list(await self._interactions.most_played(now() - POPULAR_WITHIN, MOST))
            ).encode()

        kept = await self._cache.read(MOST_PLAYED, load)
        assert kept is not None  # noqa: S101 - the loader always answers
        return await self._listed(json.loads(kept))

    async def _newest(self) -> Sequence[Song]:
        return await self._songs.list(SongFilter(listed_only=True), Slice(MOST))

    async def _alike(self, song: Song) -> list[Song]:
        newest = [each for each in await self._newest() if each.id != song.id]
        return sorted(
            newest,
            key=lambda each: (
                each.genre is None or each.genre != song.genre,
                each.artist_id != song.artist_id,
            ),
        )

    async def _listed(self, ids: Sequence[str]) -> list[Song]:
        found = {song.id: song for song in await self._songs.get_many(ids)}
        return [found[each] for each in ids if each in found and found[each].is_listed]


async def _filled(begun: Sequence[Sequence[Song]], sources: Sequence[Source]) -> list[Song]:
    """Up to `MOST` songs, each once: what there is, then from each source in turn while more are needed."""
    chosen: dict[str, Song] = {}
    for part in begun:
        chosen.update((song.id, song) for song in part)
    for source in sources:
        if len(chosen) >= MOST:
            break
        for song in await source():
            chosen.setdefault(song.id, song)
    return list(chosen.values())[:MOST]
