"""Recommendations: the engine's order, restricted to visible songs. Where the engine has too few, or is down,
they are filled up from our own data.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from shared.cache.entry import Content, Entry, Loaded
from shared.cache.read_through import Dependencies, ReadThrough
from shared.clock import now
from shared.errors import UnavailableError
from shared.http.pagination import Slice
from shared.http.rows import Rows
from song_service.caching import (
    LISTINGS,
    MOST_PLAYED,
    RECOMMENDATIONS,
    STAND_IN_SECONDS,
    TRENDING,
    for_listener,
    order_of,
    read_with_tags,
    similar_to,
    song_tags,
)
from song_service.domain import Song
from song_service.ports import InteractionRepository, RecommendationEngine, SongFilter, SongRepository
from song_service.schemas import song_json

MOST = 50
POPULAR_WITHIN = timedelta(days=14)

STAND_IN = "stand-in"
"""The `note` of an order that is a fallback."""

Order = Callable[[], Awaitable[Content]]
Recommend = Callable[[], Awaitable[Sequence[str]]]
Fill = Callable[[Dependencies, Sequence[Song]], Awaitable[Sequence[Song]]]


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

    async def trending(self) -> Content:
        """Popular now, filled up with the newest. For `first_rows`, like the others."""

        async def fill(_: Dependencies, found: Sequence[Song]) -> Sequence[Song]:
            return _filled(found, await self._newest())

        return await self._read(TRENDING, self._trending_order, fill)

    async def similar(self, song: Song) -> Content:
        """Like `song`, never itself; of its genre, then of its artist, while the engine is down or returns
        nothing.

        Of a song that is not listed, this is for those who may see that song.
        """

        async def recommend() -> Sequence[str]:
            return [each for each in await self._engine.similar(song.id, MOST) if each != song.id]

        async def fill(_: Dependencies, found: Sequence[Song]) -> Sequence[Song]:
            return found or await self._newest_like(song)

        entry = similar_to(song.id)
        return await self._read(entry, partial(self._order, entry, recommend), fill, of_song=song.id)

    async def for_user(self, user_id: str) -> Content:
        """For this listener; trending, then the newest, when there is nothing personal."""

        async def fill(dependencies: Dependencies, found: Sequence[Song]) -> Sequence[Song]:
            popular = await self._trending_order()
            dependencies.include(popular)
            found = _filled(found, await self._listed(json.loads(popular.body)))
            return found if len(found) >= MOST else _filled(found, await self._newest())

        async def recommend() -> Sequence[str]:
            return await self._engine.for_user(user_id, MOST)

        entry = for_listener(user_id)
        return await self._read(entry, partial(self._order, entry, recommend), fill)

    async def _read(self, entry: Entry, read_order: Order, fill: Fill, of_song: str | None = None) -> Content:
        """The songs of an order, through the cache.

        What the engine filled depends on its songs only, and hidden ones are left out. Otherwise it is filled
        up, and also depends on which songs are listed. A fallback for an engine that is down, or returns
        nothing, is cached for a short time.
        """

        async def load(dependencies: Dependencies) -> Loaded:
            order = await read_order()
            dependencies.include(order)
            ids: Sequence[str] = json.loads(order.body)
            is_full = len(ids) >= MOST
            await dependencies.add(*song_tags(ids))
            found: Sequence[Song] = await self._listed(ids)
            if not is_full or len(found) < MOST // 2:
                await dependencies.add(LISTINGS)
                found = await read_with_tags(dependencies, partial(self._filled, dependencies, ids, fill))
            ttl_seconds = STAND_IN_SECONDS if order.note == STAND_IN else None
            loaded = Rows([song_json(song) for song in found[:MOST]]).divisible(ttl_seconds)
            # Called here, after the version of that song's tag was read.
            is_private = of_song is not None and not (await self._songs.get(of_song)).is_listed
            return replace(loaded, is_private=is_private)

        return await self._cache.read_dependent(entry, load)

    async def _filled(self, dependencies: Dependencies, ids: Sequence[str], fill: Fill) -> Sequence[Song]:
        return await fill(dependencies, await self._listed(ids))

    async def _order(self, recommended: Entry, recommend: Recommend) -> Content:
        """A JSON list of at most `MOST` ids; empty, for a short time, while the engine is down."""

        async def load(dependencies: Dependencies) -> Loaded:
            await dependencies.add(RECOMMENDATIONS)
            try:
                ids = list(await recommend())[:MOST]
            except UnavailableError:
                return Loaded(b"[]", STAND_IN, STAND_IN_SECONDS)
            if len(ids) >= MOST:
                dependencies.remove(RECOMMENDATIONS)
            return Loaded(json.dumps(ids).encode())

        return await self._cache.read_dependent(order_of(recommended), load)

    async def _trending_order(self) -> Content:
        """Ids as in `_order`; the most played songs are the fallback."""

        async def load(dependencies: Dependencies) -> Loaded:
            await dependencies.add(RECOMMENDATIONS)
            listener = await self._interactions.latest_listener()
            if listener is None:
                return Loaded(await self._most_played(), ttl_seconds=0)
            try:
                ids = list(await self._engine.trending(listener, MOST))[:MOST]
            except UnavailableError:
                ids = []
            if not await self._listed(ids):
                return Loaded(await self._most_played(), STAND_IN, STAND_IN_SECONDS)
            if len(ids) >= MOST:
                dependencies.remove(RECOMMENDATIONS)
            return Loaded(json.dumps(ids).encode())

        return await self._cache.read_dependent(order_of(TRENDING), load)

    async def _most_played(self) -> bytes:
        """Ids from the cache: while the engine is down all requests need them, and counting is expensive."""

        async def load() -> bytes:
            return json.dumps(
                list(await self._interactions.most_played(now() - POPULAR_WITHIN, MOST))
            ).encode()

        kept = await self._cache.read(MOST_PLAYED, load)
        return kept.body

    async def _newest(self) -> Sequence[Song]:
        return await self._songs.list(SongFilter(listed_only=True), Slice(MOST))

    async def _newest_like(self, song: Song) -> list[Song]:
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
        return [found[each] for each in dict.fromkeys(ids) if each in found and found[each].is_listed]


def _filled(begun: Sequence[Song], more: Sequence[Song]) -> Sequence[Song]:
    """Up to `MOST` songs, each once."""
    chosen = {song.id: song for song in [*begun, *more]}
    return list(chosen.values())[:MOST]
