"""Background indexing for searches: documents of older versions, and the vocabulary."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from shared.errors import AppError
from shared.http.pagination import Cursor
from shared.spelling import Vocabulary

EVERY_SECONDS = 2.0
BATCH = 500
PAUSE_SECONDS = 0.02
"""The pause between batches, so that requests are served meanwhile."""

OVERLAP = timedelta(seconds=10)
"""A change may be stored after another one with a later time."""

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChangedWords:
    """The words of a listed document that changed at `cursor.created_at`."""

    words: tuple[str, ...]
    cursor: Cursor


class Searchable(Protocol):
    """A repository whose search fields are maintained."""

    async def index_next(self, limit: int) -> Sequence[str]:
        """Index at most `limit` documents without current search fields; returns their ids."""
        ...

    async def changed_words(self, after: Cursor | None, limit: int) -> Sequence[ChangedWords]:
        """Words of listed documents that changed after `after`, oldest change first."""
        ...


class SearchUpkeep:
    """Indexes documents, and adds new words to the vocabulary. `then` is called after each round."""

    def __init__(
        self,
        documents: Searchable,
        vocabulary: Vocabulary,
        then: Callable[[Sequence[str]], Awaitable[None]] | None = None,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._documents = documents
        self._vocabulary = vocabulary
        self._then = then
        self._every_seconds = every_seconds
        self._read_until: Cursor | None = None

    async def look(self) -> None:
        """Index documents, and read changes since the last round."""
        await self._read_words()
        while True:
            indexed = await self._documents.index_next(BATCH)
            if self._then is not None:
                await self._then(indexed)
            if not indexed:
                return
            await asyncio.sleep(PAUSE_SECONDS)
            await self._read_words()

    async def _read_words(self) -> None:
        after = self._read_until
        if after is not None:
            after = Cursor(after.created_at - OVERLAP, after.id)
        while found := await self._documents.changed_words(after, BATCH):
            for each in found:
                self._vocabulary.add(each.words)
            self._read_until = after = found[-1].cursor
            if len(found) < BATCH:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _look_forever(self) -> None:
        while True:
            try:
                await self.look()
            except AppError as failure:
                log.warning("search index not updated", error=type(failure).__name__)
            except Exception:
                # An internal error must not end the background task silently.
                log.exception("search index not updated")
            await asyncio.sleep(self._every_seconds)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SearchUpkeep"]:
        """While this is open, rounds run in the background."""
        task = asyncio.create_task(self._look_forever())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
