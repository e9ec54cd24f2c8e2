"""Builds indexes in the background, before the first request: MongoDB need not be up at the start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from shared.errors import UnavailableError
from shared.providers.mongo_errors import DuplicateDocumentError

RETRY_SECONDS = 2.0

LATER_SECONDS = 30.0
"""The retry interval after failures other than outages, such as documents that violate a unique index."""

log = structlog.stdlib.get_logger(__name__)


class Indexed(Protocol):
    """A repository that declares indexes."""

    async def ensure_indexes(self) -> None:
        """Raises UnavailableError; may be called again."""
        ...


async def _build(repository: Indexed) -> None:
    while True:
        try:
            await repository.ensure_indexes()
        except UnavailableError:
            log.warning("indexes not built yet", repository=type(repository).__name__)
            await asyncio.sleep(RETRY_SECONDS)
        except DuplicateDocumentError:
            # Without the driver's message, which holds the values, such as e-mail addresses.
            log.error(
                "indexes cannot be built", repository=type(repository).__name__, error="duplicate values"
            )
            await asyncio.sleep(LATER_SECONDS)
        except Exception:
            log.exception("indexes cannot be built", repository=type(repository).__name__)
            await asyncio.sleep(LATER_SECONDS)
        else:
            return


@asynccontextmanager
async def building_indexes(*repositories: Indexed) -> AsyncIterator[None]:
    """While this is open, the indexes of these repositories are built, with retries until they are."""
    tasks = [asyncio.create_task(_build(each)) for each in repositories]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
