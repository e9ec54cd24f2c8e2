"""Recommendations: the engine's order, restricted to listed songs. Where the engine has too few, or is down,
they are filled up from our own data.

What is cached is each order, as ids, and each song. So a change of a song costs the reading of that song.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from shared import metrics
from shared.cache.dependencies import Dependencies
from shared.cache.entry import Content, Entry, Loaded
from shared.cache.read_through import ReadThrough
from shared.clock import now
from shared.errors import UnavailableError
from shared.http.pagination import Slice
from shared.http.rows import Rows
from song_service.caching import (
    FALLBACK_SECONDS,
    INTERACTIONS,
    MOST_PLAYED,
    NEWEST,
    RECOMMENDATIONS,
    TRENDING,
    for_listener,
    newest_like,
    one_song,
    read_with_tags,
    similar_to,
    song_tags,
)
from song_service.domain import Song
from song_service.personal_orders import Order, PersonalOrders
from song_service.ports import InteractionRepository, RecommendationEngine, SongFilter, SongRepository
from song_service.schemas import song_json

MOST = 50
POPULAR_WITHIN = timedelta(days=14)

Recommend = Callable[[Dependencies], Awaitable[Order]]
Fallback = Callable[[], Awaitable[Sequence[str]]]
ListedRows = Callable[[Sequence[str]], Awaitable[dict[str, bytes]]]


class Discovery:
    """Trending songs, songs similar to a song, and songs for a listener: at most `MOST` each, best first."""

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
        self._personal_orders = PersonalOrders(engine)
        self._cache = cache

    async def trending(self, count: int = MOST) -> Content:
        """Popular now, filled up with the newest."""
        chosen = self._choose(count)
        await chosen.extend(TRENDING, self._popular)
        if chosen.is_short:
            await chosen.extend(NEWEST, self._newest)
        return chosen.content(is_shared=True)

    async def similar(self, song: Song, count: int = MOST) -> Content:
        """Like `song`, never itself; of its genre, then of its artist, while the engine is down or returns
        nothing.

        For an unlisted song the result is only for callers who may see that song, and is not cached as a
        whole.
        """

        async def recommend(dependencies: Dependencies) -> Order:
            await dependencies.add(RECOMMENDATIONS)
            return Order([each for each in await self._engine.similar(song.id, MOST) if each != song.id])

        chosen = self._choose(count)
        entry = similar_to(song.id)
        await chosen.extend(entry, lambda: self._order(entry, recommend))
        if chosen.is_empty:
            await chosen.extend(newest_like(song.id), lambda: self._newest_like(song.id))
        # Read after the orders, which depend on this song: it may have been hidden since the caller read it.
        if await chosen.is_listed(song.id):
            return chosen.content(is_shared=True)
        return replace(chosen.content(), versions=None)

    async def for_user(self, user_id: str, count: int = MOST) -> Content:
        """For this listener; trending, then the newest, when there is nothing personal.

        Follows what they play, as often as `PersonalOrders` says.
        """

        async def recommend(dependencies: Dependencies) -> Order:
            held = self._personal_orders.held(user_id)
            if held is not None:
                return held
            await dependencies.add(RECOMMENDATIONS)
            # Again: a concurrent load may have taken the last token meanwhile.
            return self._personal_orders.held(user_id) or await self._personal_orders.ask(user_id, MOST)

        chosen = self._choose(count)
        entry = for_listener(user_id)
        await chosen.extend(entry, lambda: self._order(entry, recommend))
        if chosen.is_short:
            await chosen.extend(TRENDING, self._popular)
        if chosen.is_short:
            await chosen.extend(NEWEST, self._newest)
        return chosen.content()

    def _choose(self, count: int) -> "_Chosen":
        return _Chosen(count, self._cache, self._listed_rows)

    async def _order(self, entry: Entry, recommend: Recommend, fallback: Fallback | None = None) -> Content:
        """A JSON list of at most `MOST` ids, for a short time while the engine is down.

        `recommend` adds `RECOMMENDATIONS` before it asks the engine; it is removed if the engine filled the
        order. An order that is held depends on no tags of `entry`: it would be the same again.
        """

        async def load(dependencies: Dependencies) -> Loaded:
            try:
                order = await recommend(dependencies)
            except UnavailableError:
                order = Order([], FALLBACK_SECONDS)
            ids = list(order.ids)[:MOST]
            if not ids and fallback is not None:
                ids = list(await fallback())
            elif len(ids) >= MOST:
                dependencies.remove(RECOMMENDATIONS)
            if order.is_held:
                dependencies.remove(*entry.tags)
            return Loaded(_to_json(ids), ttl_seconds=order.ttl_seconds, is_local=order.is_held)

        return await self._cache.read_dependent(entry, load)

    async def _popular(self) -> Content:
        """Ids as in `_order`; the most played songs are the fallback."""

        async def recommend(dependencies: Dependencies) -> Order:
            await dependencies.add(RECOMMENDATIONS, INTERACTIONS)
            listener = await self._interactions.latest_listener()
            if listener is None:
                return Order([])
            dependencies.remove(INTERACTIONS)
            ids = await self._engine.trending(listener, MOST)
            if not await self._listed_rows(ids):
                raise UnavailableError("Nothing is popular yet")
            return Order(ids)

        return await self._order(TRENDING, recommend, fallback=self._most_played)

    async def _most_played(self) -> Sequence[str]:
        """From the cache: while the engine is down all requests need them, and counting is expensive."""

        async def load() -> bytes:
            return _to_json(await self._interactions.most_played(now() - POPULAR_WITHIN, MOST))

        kept = await self._cache.read(MOST_PLAYED, load)
        ids: Sequence[str] = json.loads(kept.body)
        return ids

    async def _newest(self) -> Content:
        async def load() -> bytes:
            return _to_json([song.id for song in await self._newest_songs()])

        return await self._cache.read(NEWEST, load)

    async def _newest_like(self, song_id: str) -> Content:
        """The newest of its genre first, then those of its artist.

        Raises:
            SongNotFoundError: the song was deleted.
        """

        async def load(dependencies: Dependencies) -> Loaded:
            song = await self._songs.get(song_id)
            newest = await read_with_tags(dependencies, self._newest_songs)
            ranked = sorted(
                newest,
                key=lambda each: (
                    each.genre is None or each.genre != song.genre,
                    each.artist_id != song.artist_id,
                ),
            )
            return Loaded(_to_json([each.id for each in ranked if each.id != song_id]))

        return await self._cache.read_dependent(newest_like(song_id), load)

    async def _newest_songs(self) -> Sequence[Song]:
        return await self._songs.list(SongFilter(listed_only=True), Slice(MOST))

    async def _listed_rows(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The JSON of those of these songs that are listed, by id."""
        return {song.id: song_json(song) for song in await self._songs.get_many(ids) if song.is_listed}


class _Chosen:
    """The first `count` listed songs of some orders, each once, and what they depend on."""

    def __init__(self, count: int, cache: ReadThrough, load: ListedRows) -> None:
        self._count = count
        self._cache = cache
        self._load = load
        self._dependencies = Dependencies(cache, {})
        self._rows: dict[str, bytes] = {}

    @property
    def is_short(self) -> bool:
        """Whether there are fewer than `count`."""
        return len(self._rows) < self._count

    @property
    def is_empty(self) -> bool:
        """Whether there is none yet."""
        return not self._rows

    async def extend(self, entry: Entry, read: Callable[[], Awaitable[Content]]) -> None:
        """Add listed songs from this order, a JSON list of ids, while there are too few.

        `read` returns the order if memory has none that is current.
        """
        order = await self._in_memory(entry) or await read()
        self._dependencies.include(order)
        ids = self._ids_of(order)
        read_at_once = self._count - len(self._rows)
        while ids and self.is_short:
            self._rows |= await self._read(ids[:read_at_once])
            ids, read_at_once = ids[read_at_once:], MOST  # hidden songs came first: read all others at once

    async def _in_memory(self, entry: Entry) -> Content | None:
        """The order, if memory has it and it is current. One round trip compares its versions and reads those
        of its first songs.
        """
        order = self._cache.peek(entry)
        if order is None:
            return None
        songs = song_tags(self._ids_of(order)[: self._count - len(self._rows)])
        if not await self._dependencies.match(order, *songs):
            if self._dependencies.are_known:
                self._cache.drop(entry, order)  # or it would be compared once more
            return None
        metrics.CACHE_READS.labels(entry.kind, "memory").inc()
        return order

    def _ids_of(self, order: Content) -> list[str]:
        return [each for each in dict.fromkeys(json.loads(order.body)) if each not in self._rows]

    async def is_listed(self, song_id: str) -> bool:
        """Whether everybody may see this song. The content depends on it from now on."""
        return bool(await self._read([song_id]))

    async def _read(self, ids: Sequence[str]) -> dict[str, bytes]:
        entries = {song_id: one_song(song_id) for song_id in ids}
        return await self._cache.read_many(entries, self._load, self._dependencies)

    def content(self, *, is_shared: bool = False) -> Content:
        """The songs as a JSON array."""
        dependencies = self._dependencies
        versions = dependencies.versions if dependencies.are_known else None
        rows = Rows(list(self._rows.values())[: self._count])
        return Content.of(rows.loaded(), versions, dependencies.expires_at, is_shared=is_shared)


def _to_json(ids: Sequence[str]) -> bytes:
    return json.dumps(list(ids)).encode()
